"""Times of a whole column: local clocks, and the quantities that law counts, as arrays of microseconds since 1970."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from policy_engine.reasoning.clock import Clockwork

Micros = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

DAY = 86_400_000_000
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
    """What law counts from one time to another, for arrays, under one clock. The same numbers as `Clockwork.quantity`."""

    def __init__(self, clockwork: Clockwork, zone: Zone) -> None:
        self.clockwork, self.zone = clockwork, zone
        self._first_day, self._counted, self._midnight = 0, np.zeros(0), np.zeros(0, np.int64)
        self._left_out = np.zeros(0, np.bool_)

    def of(self, name: str, moments: Micros, as_of: Micros) -> Reals:
        """A quantity of times at `as_of`, row by row."""
        if name == "hours_ago":
            return np.maximum((as_of - moments) / 1e6 / 3600.0, 0.0)
        if name == "is_past":
            return (moments <= as_of).astype(np.float64)
        if name == "day":
            return self.zone.days(moments).astype(np.float64)
        if name == "days_ago":
            return np.maximum(self.zone.days(as_of) - self.zone.days(moments), 0).astype(np.float64)
        return self._workday_hours(moments, as_of)

    def _workday_hours(self, moments: Micros, as_of: Micros) -> Reals:
        first, last = self.zone.days(moments), self.zone.days(as_of)
        run = moments < as_of
        if not run.any():
            return np.zeros(len(moments))
        self._grow(int(first[run].min()), int(last[run].max()))
        start, end = (np.clip(days - self._first_day, 0, len(self._counted) - 1) for days in (first, last))
        into_start = np.where(self._left_out[start], 0.0, (moments - self._midnight[start]) / 1e6)
        into_end = np.where(self._left_out[end], 0.0, (as_of - self._midnight[end]) / 1e6)
        seconds = -into_start + into_end + (self._counted[end] - self._counted[start])
        return np.where(run, np.maximum(seconds, 0.0) / 3600.0, 0.0)

    def _grow(self, first: int, last: int) -> None:
        """Tables by local day from `first` to `last`: its midnight, whether it is left out, and the seconds counted before it."""
        if len(self._counted) and self._first_day <= first and last < self._first_day + len(self._counted):
            return
        if len(self._counted):
            first, last = min(first, self._first_day), max(last, self._first_day + len(self._counted) - 1)
        clockwork = self.clockwork
        days = [dt.date.fromordinal(day) for day in range(first, last + 2)]
        self._midnight = np.array([micros(clockwork.midnight(day)) for day in days], np.int64)
        self._left_out = np.array([clockwork.left_out(day, clockwork.workdays) for day in days])
        whole = np.where(self._left_out[:-1], 0.0, np.diff(self._midnight) / 1e6)
        self._counted = np.concatenate(([0.0], np.cumsum(whole)))
        self._first_day = first
