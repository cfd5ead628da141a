"""From cells back to facts: a scenario that lies in the wanted cells of a regime, in as few and as plain facts as can be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from policy_engine.engine import Engine
from policy_engine.language.facts import FactValue
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment, moment
from policy_engine.language.tree import ListTest
from policy_engine.reasoning.cells import Variable
from policy_engine.reasoning.encode import Encoding
from policy_engine.reasoning.records import Today, counted_from, local_days
from policy_engine.reasoning.regime import Regime
from policy_engine.testing.landscape import Spot
from policy_engine.testing.recordfinder import ANOTHER, RecordFinder

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
NOON = dt.time(12)
PLAIN, MEASURED, LISTED, LAW, IMPOSSIBLE = 10, 14, 18, 60, 1_000_000


@dataclass(frozen=True, slots=True)
class Situation:
    """A place, a kind of agency and a moment, under one regime."""

    engine: Engine
    regime: Regime
    spot: Spot
    as_of: dt.datetime

    @classmethod
    def at(cls, engine: Engine, regime: Regime, spot: Spot, day: dt.date) -> Situation:
        """The situation at noon of a day."""
        zone = regime.clockwork.zone
        inside = min(max(day, dt.date(1900, 1, 1)), dt.date(2900, 1, 1))
        return cls(engine, regime, spot, dt.datetime.combine(inside, NOON, zone))

    @property
    def masks(self) -> list[int]:
        """The cells that each variable can lie in at the moment."""
        return [variable.unknown(self.as_of, self.regime.clockwork) for variable in self.regime.variables]

    def costs(self) -> list[list[int]]:
        """What stating each cell costs: nothing where the fact may be left out, most where law must be assumed."""
        absent = self.regime.encode({}, self.as_of).patterns[0]
        found = []
        for variable, mask, possible in zip(self.regime.variables, absent, self.masks, strict=True):
            price = {"question": LAW, "list": LISTED, "number": MEASURED, "time": MEASURED}.get(variable.kind, PLAIN)
            known = mask & (mask - 1) == 0
            row = []
            for cell in range(variable.size):
                if not possible >> cell & 1:
                    row.append(IMPOSSIBLE)
                elif known and mask >> cell & 1:
                    row.append(0)
                else:
                    row.append(price + (1 if variable.kind == "value" and cell not in variable.table.values() else 0) + (2 if variable.kind == "list" and cell else 0))
            found.append(row)
        return found

    def scenario(self, cells: Mapping[int, int], id: str, *, terse: bool = True) -> Scenario | None:
        """A scenario in the cells; None if no value was found for one. `terse` leaves out what is presumed whatever else is given."""
        writer = _Writer(self, terse)
        for index, cell in sorted(cells.items()):
            if not writer.take(self.regime.variables[index], cell):
                return None
        if not writer.lists():
            return None
        return Scenario(id, self.as_of, self.spot.place, frozenset([self.spot.kind]), writer.facts, writer.assume)

    def lies_in(self, scenario: Scenario, cells: Mapping[int, int]) -> bool:
        """Whether a scenario, with what the registry adds, lies in the cells."""
        facts = {**self.engine.registry_facts(scenario.jurisdiction, scenario.facts, scenario.as_of), **scenario.facts}
        encoding: Encoding = self.regime.encode(facts, scenario.as_of)
        pinned = scenario.assume.keys()
        variables = self.regime.variables
        return all(pattern[index] == 1 << cell for pattern in encoding.patterns for index, cell in cells.items() if variables[index].fact not in pinned)

    def realize(self, cells: Mapping[int, int], id: str) -> Scenario | None:
        """A scenario that lies in the cells, tersely if that is enough; None if none was found."""
        for terse in (True, False):
            found = self.scenario(cells, id, terse=terse)
            if found is not None and self.lies_in(found, cells):
                return found
        return None


@dataclass(slots=True)
class _Writer:
    """Collects the facts of one scenario."""

    situation: Situation
    terse: bool
    facts: dict[str, FactValue] = field(default_factory=dict)
    assume: dict[str, bool] = field(default_factory=dict)
    tests: dict[str, dict[ListTest, bool]] = field(default_factory=dict)

    def take(self, variable: Variable, cell: int) -> bool:
        """Put one variable into its cell; False if no value is known that lies there."""
        situation = self.situation
        if variable.kind == "question":
            self.assume[variable.fact] = cell == 1
            return True
        if variable.kind == "list":
            assert variable.test is not None
            self.tests.setdefault(variable.fact, {})[variable.test] = cell == 1
            return True
        presumed = situation.regime.presumptions.fixed.get(variable.fact)
        if self.terse and presumed is not None and variable.mask(presumed, situation.as_of, situation.regime.clockwork) == 1 << cell:
            return True
        if variable.kind == "has":
            assert variable.element is not None
            now = self.facts.get(variable.fact, frozenset())
            assert isinstance(now, frozenset)
            self.facts[variable.fact] = now | {variable.element} if cell else now
            return True
        value = value_in(situation, variable, cell)
        if value is None:
            return False
        self.facts[variable.fact] = value
        return True

    def lists(self) -> bool:
        """Write the records of every list; False if none make the tests come out as wanted."""
        situation = self.situation
        zone, lexicon = situation.regime.clockwork.zone, situation.regime.lexicon
        for fact, wanted in self.tests.items():
            names = sorted({name for test in wanted for name in counted_from(test.where)})
            for name in names:
                self.facts.setdefault(name, moment(situation.as_of, zone))
            today = Today(situation.as_of.astimezone(zone).date(), local_days(self.facts, names, zone))
            records = RecordFinder(lexicon, lexicon.facts[fact], today).records(wanted)
            if records is None:
                return False
            self.facts[fact] = records
        return True


def value_in(situation: Situation, variable: Variable, cell: int) -> FactValue | None:
    """A plain value in a cell of a bool, enum, text, number or time; None if none was found."""
    if variable.kind == "value":
        for value, place in variable.table.items():
            if place == cell:
                return value
        declared = situation.regime.lexicon.facts[variable.fact].values
        return next((value for value in declared if value not in variable.table), None if declared else ANOTHER)
    as_of, clockwork = situation.as_of, situation.regime.clockwork
    candidates: Sequence[FactValue]
    if variable.kind == "number":
        candidates = [float(number) for item in variable.thresholds for number in (item.number, item.number + 1, item.number - 1)]
    else:
        candidates = moments(variable, situation)
    return next((value for value in candidates if variable.mask(value, as_of, clockwork) == 1 << cell), None)


def moments(variable: Variable, situation: Situation) -> list[Moment]:
    """Moments next to each threshold of a time, plainest first: whole hours and days away, then the minute itself."""
    as_of, zone = situation.as_of, situation.regime.clockwork.zone
    turns = [item.change(as_of, situation.regime.clockwork) for item in variable.thresholds]
    steps = [step for size in (HOUR, 24 * HOUR, MINUTE) for step in (-size, size)]
    points = [as_of, as_of - HOUR, as_of + HOUR, *(turn + step for turn in turns for step in (0 * HOUR, *steps)), *(as_of + step for step in (-72 * HOUR, 72 * HOUR, -9000 * HOUR))]
    return [moment(point.astimezone(zone).replace(second=0, microsecond=0), zone) for point in points]
