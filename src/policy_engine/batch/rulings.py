"""Decisions over the rows of a sheet: by planes where rows are many, by distinct patterns where reasons are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from policy_engine.batch.columns import Bools, Plane, Rows, joined, pack, unpack
from policy_engine.batch.groups import Group, Laws, together
from policy_engine.batch.leaves import fills
from policy_engine.batch.presume import Filler
from policy_engine.batch.program import arena
from policy_engine.batch.registry import Registry
from policy_engine.batch.sheet import Sheet
from policy_engine.batch.sources import Clocks, Sources
from policy_engine.batch.verdicts import Verdict, Verdicts
from policy_engine.batch.wiring import Wired, known
from policy_engine.reasoning.regime import Regime

if TYPE_CHECKING:
    from policy_engine.engine import Engine

OPEN, NOT_ITS_ACT = 4, 5
CUT_OFF = 0x80
BLOCK = 1 << 18
MANY = 1 << 21
FEW = 1 << 13
Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Ruled:
    """One action over all rows.

    Attributes:
        status: the code of `reasoning.status.CODES`, 4 for undetermined, 5 where it is not the agency's act.
        candidates: the possible statuses as bits, with `CUT_OFF` where the search ended early; None if not asked for.
        citation: the place of the governing citation in the table; None if not asked for.
        everywhere: every row has a status.
    """

    status: Bytes
    candidates: Bytes | None
    citation: npt.NDArray[np.int32] | None
    everywhere: bool = True


@dataclass(slots=True)
class Rulings:
    """The decisions of a sheet. `applies`: for each norm the rows in which it surely applies, and those in which that is known."""

    rows: int
    actions: dict[str, Ruled]
    applies: dict[str, tuple[Plane, Plane | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of every row."""

    actions: tuple[str, ...]
    candidates: bool = True
    citations: bool = True
    applies: bool = False


class Judge:
    """Decides sheets under one engine; what it compiles and learns serves every later sheet."""

    def __init__(self, engine: Engine, wanted: Wanted) -> None:
        self.wanted = wanted
        self.laws, self.filler, self.clocks = Laws(engine), Filler(engine.presumptions), Clocks()
        self.registry = Registry(engine, self.clocks)
        self.verdicts = Verdicts(engine)
        self._wired: dict[tuple[object, ...], Wired] = {}

    def decide(self, sheet: Sheet) -> Rulings:
        """The decisions of every row."""
        self.registry.add(sheet)
        self.filler.fill(sheet)
        groups = self.laws.groups(sheet)
        found = Rulings(sheet.rows, {action: self.room(sheet.rows) for action in self.wanted.actions})
        if len(groups) == 1 and groups[0].rows is None:
            regime = groups[0].regime
            self._unit(Sources(sheet, regime, self.filler, self.clocks), [action for action in self.wanted.actions if action in regime.actions], found)
            return found
        truths: dict[str, tuple[Bools, Bools]] = {}
        for sources, actions in self._units(sheet, groups):
            part = Rulings(sources.rows, {})
            self._unit(sources, actions, part)
            assert sources.places is not None
            self._scatter(part, sources.places, found, truths)
        found.applies = {name: (pack(true), pack(sure)) for name, (true, sure) in truths.items()}
        return found

    def _units(self, sheet: Sheet, groups: Sequence[Group]) -> Iterator[tuple[Sources, list[str]]]:
        """Rows in which the same rules speak on an action, with the actions that have just these rows in common."""
        shared: dict[tuple[int, ...], tuple[Regime, list[str]]] = {}
        for action in self.wanted.actions:
            alike: dict[int, list[int]] = {}
            regimes: dict[int, Regime] = {}
            for number, group in enumerate(groups):
                if action in group.regime.actions:
                    regime = self.laws.for_action(group.regime, action)
                    regimes[id(regime)] = regime
                    alike.setdefault(id(regime), []).append(number)
            for key, numbers in alike.items():
                shared.setdefault((key, *numbers), (regimes[key], []))[1].append(action)
        for (_, *numbers), (regime, actions) in shared.items():
            rows = together([groups[number].rows for number in numbers])
            yield Sources(sheet, regime, self.filler, self.clocks, np.arange(sheet.rows) if rows is None else rows), actions

    def room(self, rows: int) -> Ruled:
        """Room for the decisions of one action, none made yet."""
        wanted = self.wanted
        return Ruled(
            np.full(rows, NOT_ITS_ACT, np.uint8),
            np.zeros(rows, np.uint8) if wanted.candidates else None,
            np.zeros(rows, np.int32) if wanted.citations else None,
            everywhere=False,
        )

    def _scatter(self, part: Rulings, rows: Rows, whole: Rulings, truths: dict[str, tuple[Bools, Bools]]) -> None:
        for action, ruled in part.actions.items():
            into = whole.actions[action]
            into.status[rows] = ruled.status
            if into.candidates is not None and ruled.candidates is not None:
                into.candidates[rows] = ruled.candidates
            if into.citation is not None and ruled.citation is not None:
                into.citation[rows] = ruled.citation
        for name, (true, sure) in part.applies.items():
            all_true, all_known = truths.setdefault(name, (np.zeros(whole.rows, np.bool_), np.zeros(whole.rows, np.bool_)))
            all_true[rows] = unpack(true, part.rows)
            all_known[rows] = True if sure is None else unpack(sure, part.rows)

    # -- one regime -------------------------------------------------------------------------------
    def _unit(self, sources: Sources, actions: Sequence[str], found: Rulings) -> None:
        by_planes = [action for action in actions if self._suits_planes(sources, action)]
        if by_planes:
            self._by_planes(sources, by_planes, found)
        for action in actions:
            if action not in by_planes:
                self._by_pattern(sources, action, found)

    def _suits_planes(self, sources: Sources, action: str) -> bool:
        regime = sources.regime
        if self.wanted.citations or sources.rows < FEW or sources.branches(regime.support(action)):
            return False
        indexes = regime.status_support(action)
        return known({index: sources.source(index) for index in indexes}, indexes) or regime.diagram(action) is not None

    def _by_planes(self, sources: Sources, actions: Sequence[str], found: Rulings) -> None:
        regime, rows = sources.regime, sources.rows
        indexes = sorted({index for action in actions for index in regime.support(action)})
        seen = {index: sources.source(index) for index in indexes}
        key = (id(regime), tuple(actions), *((index, source.shape()) for index, source in seen.items()))
        wired = self._wired.get(key)
        if wired is None:
            wired = self._wired[key] = Wired.of(regime, actions, seen, self.wanted.candidates, self.wanted.applies)
        planes = arena(wired.shown, rows)
        rooms = [(np.empty(rows, np.uint8), np.empty(rows, np.uint8) if self.wanted.candidates else None) for _ in actions]

        def work(blocks: Iterator[int]) -> None:
            run = wired.program.runner(fills(wired.program.leaves, seen, BLOCK), BLOCK)
            spare = np.empty((wired.program.outputs - wired.shown, BLOCK // 64), np.uint64)
            for low in blocks:
                high = min(low + BLOCK, rows)
                words = slice(low // 64, (high + 63) // 64)
                size = words.stop - words.start
                run(low, high, [*(plane[words] for plane in planes), *(plane[:size] for plane in spare)])
                at = 0
                for status, (codes, bits) in zip(wired.statuses, rooms, strict=True):
                    count = len(status.nodes())
                    status.write(spare[at : at + count, :size], codes[low:high], None if bits is None else bits[low:high])
                    at += count

        spread(work, range(0, rows, BLOCK), rows)
        for action, (codes, bits) in zip(actions, rooms, strict=True):
            found.actions[action] = Ruled(codes, bits, None)
        place = 0
        for name, everywhere in wired.norms.items():
            found.applies[name] = (planes[place], None if everywhere else planes[place + 1])
            place += 1 if everywhere else 2

    def _by_pattern(self, sources: Sources, action: str, found: Rulings) -> None:
        """Rows alike in every cell that the action can depend on are decided once."""
        regime, sheet = sources.regime, sources.sheet
        support = regime.support(action)
        cells = {index: sources.cells(index) for index in support}
        varying = [index for index, item in cells.items() if item.constant is None]
        branches = sources.branches(support)
        first, kind = joined([*(cells[index].codes for index in varying), *branches], sources.rows)
        base = [1] * len(regime.variables)
        for index, item in cells.items():
            base[index] = item.masks[0]
        verdicts: list[Verdict] = []
        for row in first.tolist():
            if any(codes[row] for codes in branches):
                encoding = regime.encoder.encode(sheet.facts(sources.place(row)), sheet.moment(sources.place(row)))
                verdicts.append(self.verdicts.of_encoding(regime, action, encoding, self.wanted.citations, self.wanted.applies))
                continue
            pattern = base.copy()
            for index in varying:
                pattern[index] = cells[index].masks[int(cells[index].codes[row])]
            verdicts.append(self.verdicts.of(regime, action, tuple(pattern), self.wanted.citations, self.wanted.applies))
        found.actions[action] = Ruled(
            np.array([item.status for item in verdicts], np.uint8)[kind],
            np.array([item.candidates for item in verdicts], np.uint8)[kind] if self.wanted.candidates else None,
            np.array([item.citation for item in verdicts], np.int32)[kind] if self.wanted.citations else None,
        )
        if self.wanted.applies:
            for place, node in enumerate(regime.action(action).norms):
                truths = np.array([item.applies[place] for item in verdicts], np.uint8).reshape(-1)[kind]
                found.applies.setdefault(node.norm.id, (pack(truths == 1), None if (truths < OPEN).all() else pack(truths < OPEN)))


def spread(work: Callable[[Iterator[int]], None], blocks: range, rows: int) -> None:
    """Run blocks on every core where they are many, else here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shared = iter(blocks)
    if rows < MANY or cores == 1:
        work(shared)
        return
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, [shared] * cores))
