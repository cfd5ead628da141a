"""Columns of times: read as local or absolute, and put on one clock once each row's place is known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from policy_engine.batch.arrow import Distinct, Fault, distinct, plane_bits, validity
from policy_engine.batch.columns import EVER_FROM, EVER_TO, Bools, Instants, Plane, pack
from policy_engine.batch.moments import DAY, FIRST, LAST, Micros, Zone, micros
from policy_engine.language.times import parse_time

ABSOLUTE, LOCAL, WHOLE_DAY, UNKNOWN_TIME = range(4)
_WALL = dt.datetime(1970, 1, 1)
_TICK = dt.timedelta(microseconds=1)
_US = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(slots=True)
class Written:
    """Times as written: microseconds on the clock that `kind` names, and the rows that have one."""

    fact: str
    at: Micros
    kind: npt.NDArray[np.uint8]
    valid: Plane | None

    def on_clock(self, zones: list[Zone], zone_of: npt.NDArray[Any] | None, noon: bool = False) -> tuple[Micros, Micros]:
        """The first and last moment meant, in UTC. With `noon`, a day stands for its noon."""
        first, last = self.at.copy(), self.at.copy()
        for code, zone in enumerate(zones):
            here = np.ones(len(self.at), np.bool_) if zone_of is None else zone_of == code
            local = np.flatnonzero(here & (self.kind == LOCAL))
            if len(local):
                first[local] = last[local] = zone.utc(self.at[local])
            days = np.flatnonzero(here & (self.kind == WHOLE_DAY))
            if len(days) and noon:
                first[days] = last[days] = zone.utc(self.at[days] + DAY // 2)
            elif len(days):
                first[days] = zone.utc(self.at[days])
                last[days] = zone.utc(self.at[days] + DAY) - 1
        first[self.kind == UNKNOWN_TIME], last[self.kind == UNKNOWN_TIME] = EVER_FROM, EVER_TO
        return first, last


def read_times(fact: str, array: pa.Array, faults: list[Fault], *, unknown: bool = True) -> Written:
    """A column of times, days or texts of either. `unknown`: whether that word may stand for one."""
    kind = array.type
    rows = len(array)
    if pa.types.is_timestamp(kind):
        ticks = array.cast(pa.int64())
        valid = validity(array)
        numbers = np.asarray(ticks.fill_null(0))
        at = numbers // 1000 if kind.unit == "ns" else numbers * _US[kind.unit]
        return _checked(Written(fact, at, np.full(rows, LOCAL if kind.tz is None else ABSOLUTE, np.uint8), valid), numbers, faults)
    if pa.types.is_date(kind):
        days = np.asarray(pc.cast(array, pa.date32()).cast(pa.int32()).fill_null(0)).astype(np.int64)
        return _checked(Written(fact, days * DAY, np.full(rows, WHOLE_DAY, np.uint8), validity(array)), days, faults)
    return _from_text(fact, distinct(array), faults, unknown)


def _checked(written: Written, numbers: npt.NDArray[Any], faults: list[Fault]) -> Written:
    bad = (written.at < FIRST) | (written.at > LAST)
    if written.valid is not None:
        bad &= plane_bits(written.valid, len(written.at))
    if bad.any():
        rows = np.flatnonzero(bad)
        faults.append(Fault(rows, written.fact, int(numbers[rows[0]]), f"`{written.fact}` is a time; found one outside the years 37 to 9892"))
    written.at = np.clip(written.at, FIRST, LAST)
    return written


def _from_text(fact: str, found: Distinct, faults: list[Fault], unknown: bool) -> Written:
    at, kinds = np.zeros(len(found.values), np.int64), np.zeros(len(found.values), np.uint8)
    present = np.zeros(len(found.values), np.bool_)
    for code, value in enumerate(found.values):
        if value is None:
            continue
        present[code] = True
        when = parse_time(value)
        if isinstance(when, dt.datetime):
            at[code], kinds[code] = (micros(when), ABSOLUTE) if when.tzinfo else ((when - _WALL) // _TICK, LOCAL)
        elif when is not None:
            at[code], kinds[code] = (when - _WALL.date()).days * DAY, WHOLE_DAY
        elif unknown and isinstance(value, str) and value.strip() == "unknown":
            kinds[code] = UNKNOWN_TIME
            continue
        if when is None or not FIRST <= at[code] <= LAST:
            rows = found.rows(code)
            at[code] = 0
            if len(rows):
                faults.append(Fault(rows, fact, value, f"`{fact}` is a time such as 2026-03-02T14:00, or a day; found `{value}`"))
    valid = found.valid
    if not present.all():
        given: Bools = present[found.safe()]
        if valid is not None:
            given = given & plane_bits(valid, len(given))
        valid = pack(given)
    return Written(fact, at[found.safe()], kinds[found.safe()], valid)


def instants(written: Written, zones: list[Zone], zone_of: npt.NDArray[Any] | None) -> Instants:
    """The column on one clock."""
    first, last = written.on_clock(zones, zone_of)
    return Instants(written.fact, len(first), written.valid, None, first, last)
