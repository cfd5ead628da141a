"""Elapsed time, working time and calendar days, counted as law counts them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from policy_engine.language.calendars import Calendars
from policy_engine.language.sections import WEEKENDS

HOUR = 3600.0
DAY = dt.timedelta(days=1)


class Clockwork:
    """Counts time for one place: its zone, the calendars of the rulebook, and what working time leaves out."""

    def __init__(self, zone: ZoneInfo, calendars: Calendars, workdays: tuple[str, ...]) -> None:
        self.zone, self.calendars, self.workdays = zone, calendars, workdays
        self._left_out: dict[tuple[dt.date, tuple[str, ...]], bool] = {}
        self._whole: dict[tuple[dt.date, tuple[str, ...]], float] = {}

    def left_out(self, day: dt.date, excluding: tuple[str, ...]) -> bool:
        """Whether a local day is not counted."""
        key = (day, excluding)
        found = self._left_out.get(key)
        if found is None:
            found = False
            for name in excluding:
                if name == WEEKENDS:
                    found = found or day.weekday() >= 5
                elif not found:
                    found = self.calendars.has(name, day)
            self._left_out[key] = found
        return found

    def local(self, moment: dt.datetime) -> dt.datetime:
        """The moment on the place's own clock."""
        return moment.astimezone(self.zone)

    def midnight(self, day: dt.date) -> dt.datetime:
        """The start of a local day, in UTC."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def hours(self, start: dt.datetime, end: dt.datetime) -> float:
        """Elapsed hours; 0 before `start`."""
        return max((end - start).total_seconds() / HOUR, 0.0)

    def counted_hours(self, start: dt.datetime, end: dt.datetime, excluding: tuple[str, ...]) -> float:
        """Elapsed hours on days that are not left out; 0 before `start`."""
        if end <= start:
            return 0.0
        first, last = self.local(start).date(), self.local(end).date()
        seconds = -self._part(first, start, excluding) + self._part(last, end, excluding)
        day = first
        while day < last:
            seconds += self._whole_day(day, excluding)
            day += DAY
        return max(seconds, 0.0) / HOUR

    def _part(self, day: dt.date, until: dt.datetime, excluding: tuple[str, ...]) -> float:
        """Counted seconds from the start of a local day to a moment in it."""
        return 0.0 if self.left_out(day, excluding) else (until - self.midnight(day)).total_seconds()

    def _whole_day(self, day: dt.date, excluding: tuple[str, ...]) -> float:
        key = (day, excluding)
        found = self._whole.get(key)
        if found is None:
            found = 0.0 if self.left_out(day, excluding) else (self.midnight(day + DAY) - self.midnight(day)).total_seconds()
            self._whole[key] = found
        return found

    def workday_hours(self, start: dt.datetime, end: dt.datetime) -> float:
        """Elapsed hours of working time; 0 before `start`."""
        return self.counted_hours(start, end, self.workdays)

    def days(self, start: dt.datetime, end: dt.datetime) -> int:
        """Local calendar days from one moment to another; 0 before `start`."""
        return max((self.local(end).date() - self.local(start).date()).days, 0)

    def add(self, start: dt.datetime, hours: float, excluding: tuple[str, ...] = ()) -> dt.datetime:
        """The moment at which `hours` of counted time have run from `start`."""
        if not excluding:
            return start + dt.timedelta(hours=hours)
        left = hours * HOUR
        day = self.local(start).date()
        at = start
        while True:
            until = self.midnight(day + DAY)
            if not self.left_out(day, excluding):
                span = (until - at).total_seconds()
                if span >= left:
                    return at + dt.timedelta(seconds=left)
                left -= span
            at, day = until, day + DAY

    def back(self, end: dt.datetime, hours: float, excluding: tuple[str, ...], past: bool = False) -> dt.datetime:
        """The latest moment from which `hours` of counted time run to `end`; with `past`, the earliest."""
        left = hours * HOUR
        at, day = end, self.local(end).date()
        while True:
            start = self.midnight(day)
            if not self.left_out(day, excluding):
                span = (at - start).total_seconds()
                if span > left or (span == left and not past):
                    return at - dt.timedelta(seconds=left)
                left -= span
            at, day = start, day - DAY

    def quantity(self, name: str, moment: dt.datetime, as_of: dt.datetime) -> float:
        """A quantity of a time fact at `as_of`: hours_ago, workday_hours_ago, days_ago, is_past (1 or 0), or day (its ordinal)."""
        if name == "hours_ago":
            return self.hours(moment, as_of)
        if name == "workday_hours_ago":
            return self.workday_hours(moment, as_of)
        if name == "days_ago":
            return float(self.days(moment, as_of))
        if name == "is_past":
            return 1.0 if moment <= as_of else 0.0
        return float(self.local(moment).date().toordinal())


def years_between(start: dt.date, end: dt.date) -> float:
    """Calendar years from one day to another: exactly 15 on the 15th anniversary, a little more the day after.

    So `years <= 15` holds on the 15th anniversary and fails a day later. Negative before `start`.
    """
    if end < start:
        return -years_between(end, start)
    years = end.year - start.year
    last = _anniversary(start, years)
    if last > end:
        years -= 1
        last = _anniversary(start, years)
    return years + (end - last).days / 366


def _anniversary(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)
