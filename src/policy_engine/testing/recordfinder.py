"""Records that make the tests of a list come out as wanted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy_engine.language.facts import FieldValue, Record
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.tree import AllOf, AnyOf, ClassTest, FieldCompare, FieldTest, ListTest, Negation, Tree
from policy_engine.language.typing_facts import OTHER_TERM
from policy_engine.language.vocabulary import Fact, FieldType
from policy_engine.reasoning.records import Today, TooManyCompletions, answers, compare, record_tests, with_presumptions

DAY = dt.timedelta(days=1)
STEPS = 2_000
ANOTHER = "another"


@dataclass(slots=True)
class RecordFinder:
    """Finds records of one list fact, told the day from which years are counted. The search is bounded, so it may miss some."""

    lexicon: Lexicon
    fact: Fact
    today: Today
    _steps: int = 0

    def records(self, wanted: Mapping[ListTest, bool]) -> tuple[Record, ...] | None:
        """Records on which each test comes out as wanted; None if none were found."""
        found: list[Record] = []
        tested = {item.field: item for test in wanted for item in record_tests(test.where)}
        for test in (test for test, holds in wanted.items() if holds):
            if self._fits(found, {test: True}):
                continue
            others = {item: False for item, holds in wanted.items() if not holds}
            for record in self.models(test.where, True):
                filled = self._filled(record, tested)
                copies = list(self._copies(filled, test))
                if self._fits(copies, {test: True, **others}):
                    found += copies
                    break
            else:
                return None
        return tuple(found) if self._fits(found, wanted) else None

    def _filled(self, record: Record, tested: Mapping[str, FieldTest | FieldCompare]) -> Record:
        """The record with a plain value in every further field that some test asks for and nothing presumes."""
        whole = dict(record)
        for name, test in tested.items():
            kind = self.fact.record[name]
            if name not in whole and kind.presume is None:
                whole[name] = next((value for value in self.values(name, kind, test) if not self._comes_out(test, {name: value})), self.values(name, kind, test)[0])
        return Record(whole)

    def _copies(self, record: Record, test: ListTest) -> Iterator[Record]:
        for number in range(test.least):
            yield Record({**record, test.distinct: f"{number + 1}"}) if test.distinct and self.fact.record[test.distinct].type == "text" else record

    def _fits(self, records: Sequence[Record], wanted: Mapping[ListTest, bool]) -> bool:
        try:
            return answers([with_presumptions(record, self.fact) for record in records], list(wanted), self.today) == {tuple(wanted.values())}
        except TooManyCompletions:
            return False

    def models(self, where: Tree, holds: bool) -> Iterator[Record]:
        """Records on which a `where` holds, or fails, in the order of writing."""
        self._steps = 0
        yield from map(Record, self._models(where, holds, {}))

    def _models(self, tree: Tree, holds: bool, record: dict[str, FieldValue]) -> Iterator[dict[str, FieldValue]]:
        self._steps += 1
        if self._steps > STEPS:
            return
        match tree:
            case FieldTest() | FieldCompare():
                yield from self._field(tree, holds, record)
            case ClassTest(body=part):
                yield from self._models(part, holds, record)
            case Negation(part):
                yield from self._models(part, not holds, record)
            case AllOf(parts) if holds:
                yield from self._each(parts, True, record)
            case AnyOf(parts) if not holds:
                yield from self._each(parts, False, record)
            case AllOf(parts) | AnyOf(parts):
                for part in parts:
                    yield from self._models(part, holds, record)

    def _each(self, parts: Sequence[Tree], holds: bool, record: dict[str, FieldValue]) -> Iterator[dict[str, FieldValue]]:
        if not parts:
            yield record
            return
        for found in self._models(parts[0], holds, record):
            yield from self._each(parts[1:], holds, found)

    def _field(self, test: FieldTest | FieldCompare, holds: bool, record: dict[str, FieldValue]) -> Iterator[dict[str, FieldValue]]:
        name = test.field
        kind = self.fact.record[name]
        if name in record:
            if self._comes_out(test, record) == holds:
                yield record
            return
        if kind.presume is not None and self._comes_out(test, {name: kind.presume}) == holds:
            yield record
            return
        for value in self.values(name, kind, test):
            if self._comes_out(test, {name: value}) == holds:
                yield {**record, name: value}

    def _comes_out(self, test: FieldTest | FieldCompare, record: dict[str, FieldValue]) -> bool:
        if isinstance(test, FieldTest):
            return record[test.field] in test.values
        return compare(test, record, self.today) == (True, False)

    def values(self, name: str, kind: FieldType, test: FieldTest | FieldCompare) -> list[FieldValue]:
        """Values of a field around what a test asks."""
        if isinstance(test, FieldCompare):
            return list(self.dates(test)) if kind.type == "date" else [test.number, test.number + 1, max(test.number - 1, 0.0)]
        if kind.type == "bool":
            return [True, False]
        asked = sorted(map(str, test.values))
        others = list(kind.values) if kind.type == "enum" else [OTHER_TERM if kind.type == "term" else ANOTHER]
        return [*asked, *(value for value in others if value not in asked)]

    def dates(self, test: FieldCompare) -> Iterator[dt.date]:
        """The day on which a comparison of a date turns, and the days around it."""
        if test.quantity == "day":
            middle = dt.date.fromordinal(int(test.number))
        else:
            base = self.today.day if test.quantity == "years_ago" else self.today.facts.get(test.quantity.partition(":")[2]) or self.today.day
            year = min(max(base.year - int(test.number), 2), 9998)
            middle = dt.date(year, 3, 1) if (base.month, base.day) == (2, 29) else base.replace(year=year)
        yield from (middle, middle + DAY, middle - DAY)
