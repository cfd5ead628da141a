"""Rows by the law that rules them: place, kinds of agency, day and pinned questions, brought down to one regime for the same rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from policy_engine.batch.columns import Rows, joined
from policy_engine.batch.moments import Micros, micros
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


@dataclass(frozen=True, slots=True)
class Home:
    """A place that stands for all under the same rules: the days on which its law changes, and the moments at which they begin there."""

    place: str
    days: list[dt.date]
    instants: Micros


class Laws:
    """The regimes of a batch. Places and days under the same rules in the same zone share one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = RLock()
        self._regimes: dict[tuple[object, ...], Regime] = {}
        self._segments: dict[tuple[str, Kinds, Pins, int], Regime] = {}
        self._homes: dict[str, Home] = {}
        self._by_action: dict[tuple[int, str], Regime] = {}
        self._acting: dict[tuple[object, ...], Regime] = {}
        self._by_law: dict[tuple[object, ...], Home] = {}

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
            home = self._home(place)
            for segment, inside in _by_segment(sheet, home, rows):
                regime = self._regime(home, kinds, pins, segment)
                found.setdefault(id(regime), (regime, []))[1].append(inside)
        return [Group(regime, together(parts)) for regime, parts in found.values()]

    def for_action(self, regime: Regime, action: str) -> Regime:
        """The regime that stands for all in which the same rules speak on an action: its verdicts hold in each of them."""
        key = (id(regime), action)
        found = self._by_action.get(key)
        if found is None:
            law = regime.law
            norms = [rule for rule in law.norms if action in rule.actions]
            selecting = [item for item in law.preemptions if any(item.selects(norm, action) for norm in norms)]
            authority = law.lexicon.actions[action].default_authority
            default = next(layer.sources[authority] for layer in law.layers if authority in layer.sources)
            rules = tuple(id(rule) for rule in (*norms, *selecting, *law.holdings, default))
            pins = tuple(sorted(regime.pins.items()))
            found = self._by_action[key] = self._acting.setdefault((action, law.kinds, pins, regime.clockwork.zone.key, rules), regime)
        return found

    def _home(self, place: str) -> Home:
        """The law of a place. Places under the same rules, in the same zone, have it in common."""
        found = self._homes.get(place)
        if found is None:
            engine = self.engine
            path = engine.rulebook.path(place)
            clockwork = engine.clockwork(path)
            key = (clockwork.zone.key, *(id(layer) for layer in path.layers if layer.rules))
            found = self._by_law.get(key)
            if found is None:
                days = engine.cut_days(path)
                found = self._by_law[key] = Home(place, days, np.array([micros(clockwork.midnight(day)) for day in days], np.int64))
            self._homes[place] = found
        return found

    def _regime(self, home: Home, kinds: Kinds, pins: Pins, segment: int) -> Regime:
        key = (home.place, kinds, pins, segment)
        found = self._segments.get(key)
        if found is None:
            with self._lock:
                found = self._segments[key] = self._made(home, kinds, pins, segment)
        return found

    def _made(self, home: Home, kinds: Kinds, pins: Pins, segment: int) -> Regime:
        engine = self.engine
        path = engine.rulebook.path(home.place)
        law = Law(engine.rulebook.lexicon, path, kinds, home.days[segment - 1] if segment else dt.date.min)
        rules = (*law.norms, *law.preemptions, *law.holdings)
        key = (kinds, pins, engine.clockwork(path).zone.key, tuple(id(rule) for rule in rules))
        if key not in self._regimes:
            self._regimes[key] = engine.regime(home.place, kinds, law.day, dict(pins))
        return self._regimes[key]


def _by_segment(sheet: Sheet, home: Home, rows: Rows | None) -> list[tuple[int, Rows | None]]:
    if isinstance(sheet.as_of, int):
        return [(int(np.searchsorted(home.instants, sheet.as_of, "right")), rows)]
    moments = sheet.as_of if rows is None else sheet.as_of[rows]
    segments = np.searchsorted(home.instants, moments, "right")
    present = np.unique(segments).tolist()
    if len(present) == 1:
        return [(present[0], rows)]
    places = split(np.searchsorted(present, segments), len(present))
    return [(segment, part if rows is None else rows[part]) for segment, part in zip(present, places, strict=True)]


def together(parts: list[Rows | None]) -> Rows | None:
    """The rows of several groups, in order; None where they are all."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else np.sort(np.concatenate(known))


def split(kind: Rows, count: int) -> list[Rows]:
    """The rows of each kind, in order."""
    order = np.argsort(kind, kind="stable")
    return np.split(order, np.cumsum(np.bincount(kind, minlength=count))[:-1])
