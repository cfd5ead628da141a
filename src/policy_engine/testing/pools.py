"""What the rules of a place test: for each fact the values on either side of every test, from which strategies draw."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policy_engine.engine import Engine
from policy_engine.language.facts import FactValue, Record
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.rules import Layer
from policy_engine.language.times import moment
from policy_engine.language.tree import CompareTest, HasTest, ListTest, Tree, ValueTest
from policy_engine.language.vocabulary import Fact
from policy_engine.reasoning.cells import Threshold, normal
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.records import Today, counted_from
from policy_engine.reasoning.regime import tests_in
from policy_engine.testing.recordfinder import ANOTHER, RecordFinder

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MOST_RECORDS = 6


@dataclass(frozen=True, slots=True)
class Around:
    """A time fact set a step from where one of its tests turns, seen from the moment of the decision."""

    threshold: Threshold
    step: dt.timedelta

    def at(self, as_of: dt.datetime, clockwork: Clockwork) -> FactValue:
        """The time."""
        point = self.threshold.change(as_of, clockwork) + self.step
        return moment(point.astimezone(clockwork.zone).replace(second=0, microsecond=0), clockwork.zone)


@dataclass(frozen=True, slots=True)
class Records:
    """A list fact with records that a test of it asks for, or just misses."""

    test: ListTest
    number: int

    def at(self, as_of: dt.datetime, clockwork: Clockwork, lexicon: Lexicon) -> FactValue:
        """The records."""
        found = record_choices(self.test, as_of, clockwork, lexicon)
        return (found[self.number % len(found)],) if found else ()


Choice = FactValue | Around | Records


def tested(layers: Iterable[Layer]) -> dict[str, list[Tree]]:
    """The tests of each fact in the rules of some layers."""
    found: dict[str, dict[Tree, None]] = {}
    for layer in layers:
        for rule in layer.rules:
            for tree in (rule.when, rule.unless):
                for test in tests_in(tree):
                    fact = getattr(test, "fact", None)
                    if fact is not None:
                        found.setdefault(fact, {})[test] = None
                    if isinstance(test, ListTest):
                        for name in counted_from(test.where):
                            found.setdefault(name, {})
    return {fact: list(tests) for fact, tests in found.items()}


def read_facts(engine: Engine, layers: Iterable[Layer]) -> frozenset[str]:
    """Every fact on which an answer under some layers can hang: those that rules test, that presumptions of these ask for, and by which the registry is looked up."""
    found = set(tested(layers))
    for table in engine.rulebook.tables.values():
        found |= set(table.spec.match.values())
    open_ = list(found)
    while open_:
        for item in engine.presumptions.rules.get(open_.pop(), ()):
            asked = {fact for test in tests_in(item.when) if (fact := getattr(test, "fact", None)) is not None}
            asked |= {name for glob in item.when_given for name in fnmatch.filter(engine.rulebook.lexicon.facts, glob)}
            open_ += asked - found
            found |= asked
    return frozenset(found)


def choices(name: str, fact: Fact, tests: Iterable[Tree]) -> list[Choice]:
    """Values of a fact on either side of each test, plainest first."""
    tests = list(tests)
    match fact.type:
        case "bool":
            return [False, True]
        case "enum" | "text" | "term":
            asked = [str(value) for test in tests if isinstance(test, ValueTest) for value in sorted(test.values, key=str)]
            others = [value for value in fact.values if value not in asked] or ([] if fact.values else [ANOTHER])
            return [*dict.fromkeys(asked), *others]
        case "set":
            words = list(dict.fromkeys([*(test.element for test in tests if isinstance(test, HasTest)), *fact.values])) or [ANOTHER]
            return [frozenset(), *(frozenset([word]) for word in words), *(frozenset(words[index : index + 2]) for index in range(len(words) - 1)), frozenset(words)]
        case "list":
            return [(), *(Records(test, number) for test in tests if isinstance(test, ListTest) for number in range(MOST_RECORDS))]
    thresholds = list(dict.fromkeys(normal(test)[0] for test in tests if isinstance(test, CompareTest)))
    if fact.type == "number":
        numbers = [number for item in thresholds for number in (item.number, item.number - 1, item.number + 1)] or [0.0, 1.0]
        return list(dict.fromkeys(map(float, numbers)))
    turns = thresholds or [Threshold("is_past", 1)]
    return [Around(item, step) for item in turns for step in (0 * HOUR, -HOUR, HOUR, -DAY, DAY)]


def record_choices(test: ListTest, as_of: dt.datetime, clockwork: Clockwork, lexicon: Lexicon) -> list[Record]:
    """Records that a test asks for or just misses, told on the day."""
    day = clockwork.local(as_of).date()
    finder = RecordFinder(lexicon, lexicon.facts[test.fact], Today(day, dict.fromkeys(counted_from(test.where), day)))
    return [*_first(finder.models(test.where, True)), *_first(finder.models(test.where, False))]


def _first(found: Iterator[Record]) -> list[Record]:
    return [record for record, _ in zip(found, range(MOST_RECORDS // 2))]
