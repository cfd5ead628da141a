"""Rows by the law that rules them: place, kinds of agency, day and pinned questions, brought down to one regime for the same rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from policy_engine.batch.columns import Rows, joined
from policy_engine.batch.moments import micros
from policy_engine.batch.sheet import Kinds, Pins, Sheet
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.regime import Regime

if TYPE_CHECKING:
    from policy_engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one law. `rows` is None where it is all of them."""

    regime: Regime
    rows: Rows | None


class Laws:
    """The regimes of a batch. Places and days under the same rules in the same zone share one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = RLock()
        self._regimes: dict[tuple[object, ...], Regime] = {}
        self._segments: dict[tuple[str, Kinds, Pins, int], Regime] = {}
        self._changes: dict[str, tuple[list[dt.date], np.ndarray]] = {}  # type: ignore[type-arg]

    def groups(self, sheet: Sheet) -> list[Group]:
        """The rows of a sheet by regime, in order of first row."""
        if not sheet.rows:
            return []
        keys = [labels.codes for labels in (sheet.places, sheet.kinds, sheet.pins) if labels.codes is not None]
        first, kind = joined(keys, sheet.rows if keys else 1)
        parts = [] if len(first) == 1 else split(kind, len(first))
        found: dict[int, tuple[Regime, list[Rows | None]]] = {}
        for number, row in enumerate(first.tolist()):
            place, kinds, pins = sheet.places.of(row), sheet.kinds.of(row), sheet.pins.of(row)
            rows = None if len(first) == 1 else parts[number]
            for segment, inside in self._by_segment(sheet, place, rows):
                regime = self._regime(place, kinds, pins, segment)
                found.setdefault(id(regime), (regime, []))[1].append(inside)
        return [Group(regime, _together(parts)) for regime, parts in found.values()]

    def _by_segment(self, sheet: Sheet, place: str, rows: Rows | None) -> list[tuple[int, Rows | None]]:
        days, instants = self._cuts(place)
        if isinstance(sheet.as_of, int):
            return [(int(np.searchsorted(instants, sheet.as_of, "right")), rows)]
        moments = sheet.as_of if rows is None else sheet.as_of[rows]
        segments = np.searchsorted(instants, moments, "right")
        present = np.unique(segments).tolist()
        if len(present) == 1:
            return [(present[0], rows)]
        places = split(np.searchsorted(present, segments), len(present))
        return [(segment, part if rows is None else rows[part]) for segment, part in zip(present, places, strict=True)]

    def _cuts(self, place: str) -> tuple[list[dt.date], np.ndarray]:  # type: ignore[type-arg]
        """The days on which a place's law changes, and the moments at which they begin there."""
        found = self._changes.get(place)
        if found is None:
            path = self.engine.rulebook.path(place)
            clockwork = self.engine.clockwork(path)
            days = self.engine.cut_days(path)
            found = self._changes[place] = (days, np.array([micros(clockwork.midnight(day)) for day in days], np.int64))
        return found

    def _regime(self, place: str, kinds: Kinds, pins: Pins, segment: int) -> Regime:
        key = (place, kinds, pins, segment)
        found = self._segments.get(key)
        if found is None:
            with self._lock:
                found = self._segments[key] = self._made(place, kinds, pins, segment)
        return found

    def _made(self, place: str, kinds: Kinds, pins: Pins, segment: int) -> Regime:
        engine = self.engine
        path = engine.rulebook.path(place)
        days = self._cuts(place)[0]
        law = Law(engine.rulebook.lexicon, path, kinds, days[segment - 1] if segment else dt.date.min)
        clockwork = engine.clockwork(path)
        rules = (*law.norms, *law.preemptions, *law.holdings)
        key = (kinds, pins, clockwork.zone.key, tuple(id(rule) for rule in rules))
        if key not in self._regimes:
            self._regimes[key] = engine.regime(place, kinds, law.day, dict(pins))
        return self._regimes[key]


def _together(parts: list[Rows | None]) -> Rows | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else np.sort(np.concatenate(known))


def split(kind: Rows, count: int) -> list[Rows]:
    """The rows of each kind, in order."""
    order = np.argsort(kind, kind="stable")
    return np.split(order, np.cumsum(np.bincount(kind, minlength=count))[:-1])
