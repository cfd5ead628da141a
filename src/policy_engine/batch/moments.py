"""Times of a whole column: local clocks, and the quantities that law counts, as arrays of microseconds since 1970."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from policy_engine.reasoning.cells import Threshold
from policy_engine.reasoning.clock import Clockwork

Micros = npt.NDArray[np.int64]

HOUR, DAY = 3_600_000_000, 86_400_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_TICK = dt.timedelta(microseconds=1)
_WALL = dt.datetime(1970, 1, 1)
FIRST, LAST = -61_000_000_000_000_000, 250_000_000_000_000_000  # years 37 to 9892: what every zone can express


def micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - EPOCH) // _TICK


def moment_of(value: int) -> dt.datetime:
    """The aware UTC time of a count of microseconds."""
    return EPOCH + int(value) * _TICK


def per_distinct(values: npt.NDArray[np.int64], function: Callable[[int], int]) -> npt.NDArray[np.int64]:
    """A function of each value, called once for each distinct one."""
    distinct, inverse = np.unique(values, return_inverse=True)
    return np.fromiter((function(int(value)) for value in distinct), np.int64, len(distinct))[inverse]


class Zone:
    """The clock of one time zone for arrays. Offsets are looked up once a day, and once a value on days that change the clock."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._offsets: dict[int, int | None] = {}
        self._wall_offsets: dict[int, int | None] = {}

    def local(self, utc: Micros) -> Micros:
        """UTC to the wall clock."""
        return utc + self._by_day(utc, self._offset, self._offsets)

    def utc(self, wall: Micros) -> Micros:
        """The wall clock to UTC; a time that comes twice is the first."""
        return wall - self._by_day(wall, self._wall_offset, self._wall_offsets)

    def days(self, utc: Micros) -> npt.NDArray[np.int64]:
        """The ordinal of the local day."""
        return self.local(utc) // DAY + EPOCH_ORDINAL

    def _offset(self, utc: int) -> int:
        delta = moment_of(utc).astimezone(self.zone).utcoffset() or dt.timedelta()
        return delta // _TICK

    def _wall_offset(self, wall: int) -> int:
        delta = (_WALL + wall * _TICK).replace(tzinfo=self.zone).utcoffset() or dt.timedelta()
        return delta // _TICK

    def _by_day(self, values: Micros, offset: Callable[[int], int], known: dict[int, int | None]) -> Micros:
        distinct, inverse = np.unique(values // DAY, return_inverse=True)
        found = np.empty(len(distinct), np.int64)
        changing = np.zeros(len(distinct), np.bool_)
        for place, day in enumerate(distinct.tolist()):
            if day not in known:
                start, end = offset(day * DAY), offset((day + 1) * DAY)
                known[day] = start if start == end else None
            constant = known[day]
            changing[place] = constant is None
            found[place] = constant or 0
        result: Micros = found[inverse]
        rows = np.flatnonzero(changing[inverse]) if changing.any() else ()
        if len(rows):
            result[rows] = per_distinct(values[rows], offset)
        return result


class Quantities:
    """What law counts from one time to another, for arrays, under one clock. The same as `Clockwork.quantity`, in microseconds where it counts hours."""

    def __init__(self, clockwork: Clockwork, zone: Zone) -> None:
        self.clockwork, self.zone = clockwork, zone
        self._first_day, self._counted, self._midnight = 0, np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._left_out = np.zeros(0, np.bool_)

    def holds(self, threshold: Threshold, moments: Micros, as_of: Micros) -> npt.NDArray[np.bool_]:
        """Whether the threshold is reached, row by row."""
        quantity, number = threshold.quantity, threshold.number
        if quantity == "is_past":
            return _reaches(threshold, moments <= as_of)
        if quantity == "day":
            by: npt.NDArray[np.bool_] = self.zone.days(moments) <= number
            return by
        if quantity == "days_ago":
            days = np.maximum(self.zone.days(as_of) - self.zone.days(moments), 0)
            return _reaches(threshold, days)
        if quantity == "hours_ago":
            hours = np.maximum((as_of - moments) / 1e6 / 3600.0, 0.0)
            return _reaches(threshold, hours)
        last, first = self._places(as_of, moments)
        counted = np.maximum(last - first, 0)
        counted[moments >= as_of] = 0
        found: npt.NDArray[np.bool_] = counted > number * HOUR if threshold.strict else counted >= number * HOUR
        # sums of fractions of a second may differ in the last place from the clock's own
        for row in np.flatnonzero((counted == number * HOUR) & ((moments % 1_000_000 != 0) | (as_of % 1_000_000 != 0))).tolist():
            found[row] = threshold.holds(self.clockwork.workday_hours(moment_of(moments[row]), moment_of(as_of[row])))
        return found

    def changes(self, threshold: Threshold, as_of: Micros) -> list[Micros]:
        """Moments next to which the test changes, seen from each `as_of`. More moments than needed do no harm."""
        quantity, number = threshold.quantity, threshold.number
        if quantity == "is_past":
            return [as_of]
        if quantity == "hours_ago":
            return [as_of - int(number * HOUR)]
        if quantity == "day":
            return [np.full(len(as_of), micros(self.clockwork.midnight(dt.date.fromordinal(int(number) + 1))), np.int64)]
        if quantity == "days_ago":
            today = self.zone.days(as_of) - EPOCH_ORDINAL
            return [self.zone.utc((today - int(number) + back) * DAY) for back in (-1, 0, 1)]
        today = self.zone.days(as_of)
        self._grow(int(today.min()) - 3 * int(number / 24 + 1) - 30, int(today.max()))
        wanted = self._places(as_of)[0] - int(number * HOUR)
        found = []
        for side in ("left", "right"):
            day = np.clip(np.searchsorted(self._counted, wanted, side) - 1, 0, len(self._left_out) - 2)
            found.append(self._midnight[day] + np.where(self._left_out[day], 0, wanted - self._counted[day]))
            found.append(self._midnight[day + 1])
        return found

    def _places(self, *moments: Micros) -> list[Micros]:
        """Where moments lie on the clock that runs only on working days."""
        days = [self.zone.days(item) for item in moments]
        if len(days[0]):
            self._grow(min(int(item.min()) for item in days), max(int(item.max()) for item in days))
        found = []
        for item, day in zip(moments, days, strict=True):
            place = day - self._first_day
            found.append(self._counted[place] + np.where(self._left_out[place], 0, item - self._midnight[place]))
        return found

    def _grow(self, first: int, last: int) -> None:
        """Tables by local day from `first` to past `last`: its midnight, whether it is left out, and the microseconds counted before it."""
        if len(self._counted) and self._first_day <= first and last + 1 < self._first_day + len(self._counted):
            return
        if len(self._counted):
            first, last = min(first, self._first_day), max(last, self._first_day + len(self._counted) - 2)
        clockwork = self.clockwork
        days = [dt.date.fromordinal(day) for day in range(first, last + 3)]
        self._midnight = np.array([micros(clockwork.midnight(day)) for day in days], np.int64)
        self._left_out = np.array([clockwork.left_out(day, clockwork.workdays) for day in days])
        whole = np.where(self._left_out[:-1], 0, np.diff(self._midnight))
        self._counted = np.concatenate((np.zeros(1, np.int64), np.cumsum(whole)))
        self._first_day = first


def _reaches(threshold: Threshold, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    compare = np.greater if threshold.strict else np.greater_equal
    found: npt.NDArray[np.bool_] = compare(values, threshold.number)
    return found
