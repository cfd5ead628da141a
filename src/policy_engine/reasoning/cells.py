"""Variables of a regime: for each fact the cells that its rules can tell apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from policy_engine.language.facts import UNKNOWN, FactValue, shown
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.times import Moment
from policy_engine.language.tree import CompareTest, HasTest, ListTest, QuestionTest, Tree, Value, ValueTest
from policy_engine.reasoning.clock import Clockwork

OTHER = "(another value)"
_TICK = dt.timedelta(microseconds=1)
_FAR = dt.timedelta(days=800)


class TooManyCells(ValueError):
    """A fact is tested in more ways than its cells can hold."""


@dataclass(slots=True)
class Variable:
    """One thing that can differ between scenarios, with its cells.

    `kind`: value, has, number, time, list or question. `labels` tells a person what each cell means.
    """

    index: int
    fact: str
    kind: str
    labels: tuple[str, ...]
    table: dict[Value, int] = field(default_factory=dict)
    element: str | None = None
    thresholds: tuple[Threshold, ...] = ()
    signatures: dict[tuple[bool, ...], int] = field(default_factory=dict)
    test: ListTest | None = None
    _cache: tuple[dt.datetime, int] | None = None

    @property
    def size(self) -> int:
        """How many cells."""
        return len(self.labels)

    @property
    def full(self) -> int:
        """The mask of every cell."""
        return (1 << len(self.labels)) - 1

    @property
    def name(self) -> str:
        """The fact, with the element of a set or the test of a list."""
        if self.element is not None:
            return f"{self.fact} contains {self.element}"
        return str(self.test) if self.test is not None else self.fact

    # -- from values to masks ---------------------------------------------------------------------
    def mask(self, value: FactValue, as_of: dt.datetime, clockwork: Clockwork) -> int:
        """The cells in which a value may lie. Lists are not handled here: their tests are judged together."""
        if value is UNKNOWN:
            return self.unknown(as_of, clockwork)
        if self.kind == "value":
            return 1 << self.table.get(value, self.size - 1)  # type: ignore[arg-type]
        if self.kind == "has":
            return 2 if self.element in value else 1  # type: ignore[operator]
        if self.kind == "number":
            return 1 << self.signatures[tuple(item.holds(float(value)) for item in self.thresholds)]  # type: ignore[arg-type]
        if self.kind == "time":
            assert isinstance(value, Moment)
            if value.exact:
                return 1 << self._time_cell(value.first, as_of, clockwork)
            return self._span(value.first, value.last, as_of, clockwork)
        return self.full

    def unknown(self, as_of: dt.datetime, clockwork: Clockwork) -> int:
        """The cells possible when the value is not known at all."""
        if self.kind != "time":
            return self.full
        cached = self._cache
        if cached is None or cached[0] != as_of:
            changes = [item.change(as_of, clockwork) for item in self.thresholds]
            first, last = min([as_of, *changes]) - _FAR, max([as_of, *changes]) + _FAR
            cached = self._cache = (as_of, self._span(first, last, as_of, clockwork))
        return cached[1]

    def _time_cell(self, moment: dt.datetime, as_of: dt.datetime, clockwork: Clockwork) -> int:
        seen: dict[str, float] = {}
        signature = []
        for item in self.thresholds:
            if item.quantity not in seen:
                seen[item.quantity] = clockwork.quantity(item.quantity, moment, as_of)
            signature.append(item.holds(seen[item.quantity]))
        return self.signatures[tuple(signature)]

    def _span(self, first: dt.datetime, last: dt.datetime, as_of: dt.datetime, clockwork: Clockwork) -> int:
        """Every test changes once as the moment moves back, so the moments around each change show every cell."""
        points = {first, last}
        for item in self.thresholds:
            change = item.change(as_of, clockwork)
            points |= {change - _TICK, change, change + _TICK}
        mask = 0
        for point in points:
            if first <= point <= last:
                mask |= 1 << self._time_cell(point, as_of, clockwork)
        return mask


@dataclass(frozen=True, slots=True)
class Threshold:
    """A quantity at or past a number (`strict`: past it). For the ordinal of a day, at or before it."""

    quantity: str
    number: float
    strict: bool = False

    def holds(self, value: float) -> bool:
        """Whether the threshold is reached."""
        if self.quantity == "day":
            return value <= self.number
        return value > self.number if self.strict else value >= self.number

    def implies(self, other: Threshold) -> bool:
        """Whether reaching this one always means reaching the other."""
        if self.quantity == other.quantity:
            if self.quantity == "day":
                return self.number <= other.number
            return self.number > other.number or (self.number == other.number and (self.strict or not other.strict))
        if self.quantity == "workday_hours_ago" and other.quantity == "hours_ago":
            return Threshold("hours_ago", self.number, self.strict).implies(other)
        positive = self.number > 0 or (self.strict and self.number == 0)
        return other.quantity == "is_past" and self.quantity in ("hours_ago", "workday_hours_ago", "days_ago") and positive

    def change(self, as_of: dt.datetime, clockwork: Clockwork) -> dt.datetime:
        """A moment next to which the test changes, seen from `as_of`."""
        if self.quantity == "is_past":
            return as_of
        if self.quantity == "hours_ago":
            return as_of - dt.timedelta(hours=self.number)
        if self.quantity == "day":
            return clockwork.midnight(dt.date.fromordinal(int(self.number) + 1))
        if self.quantity == "days_ago":
            whole = int(self.number) if self.strict or self.number == int(self.number) else int(self.number) + 1
            back = whole if self.strict else whole - 1
            return clockwork.midnight(clockwork.local(as_of).date() - dt.timedelta(days=back))
        return clockwork.back(as_of, self.number, clockwork.workdays, past=self.strict)


def normal(test: CompareTest) -> tuple[Threshold, bool]:
    """The threshold behind a comparison, and whether the comparison is its opposite."""
    if test.quantity == "day":
        number = test.number - 1 if test.op in ("<", ">=") else test.number
        return Threshold("day", number), test.op in (">", ">=")
    return Threshold(test.quantity, test.number, test.op in (">", "<=")), test.op in ("<", "<=")


class CellBuilder:
    """Collects the tests of a regime and makes its variables."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.values: dict[str, dict[Value, None]] = {}
        self.elements: dict[str, dict[str, None]] = {}
        self.thresholds: dict[str, dict[Threshold, None]] = {}
        self.lists: dict[str, dict[ListTest, None]] = {}
        self.questions: dict[str, None] = {}
        self.order: dict[str, None] = {}

    def collect(self, tests: Iterable[Tree]) -> None:
        """Note every test of a fact."""
        for test in tests:
            match test:
                case ValueTest(fact, values):
                    self.order[fact] = None
                    self.values.setdefault(fact, {}).update(dict.fromkeys(sorted(values, key=str)))
                case HasTest(fact, element):
                    self.order[fact] = None
                    self.elements.setdefault(fact, {})[element] = None
                case CompareTest(fact):
                    self.order[fact] = None
                    self.thresholds.setdefault(fact, {})[normal(test)[0]] = None
                case ListTest(fact):
                    self.order[fact] = None
                    self.lists.setdefault(fact, {})[test] = None
                case QuestionTest(question):
                    self.questions[question] = None

    def variables(self) -> list[Variable]:
        """Every variable: facts in order of first test, then questions of law."""
        made: list[Variable] = []
        for fact in self.order:
            for variable in self._of(fact):
                variable.index = len(made)
                made.append(variable)
        for question in self.questions:
            made.append(Variable(len(made), question, "question", ("false", "true")))
        return made

    def _of(self, fact: str) -> list[Variable]:
        if fact in self.values:
            return [self._value(fact)]
        if fact in self.elements:
            return [Variable(0, fact, "has", ("false", "true"), element=element) for element in self.elements[fact]]
        if fact in self.lists:
            return [Variable(0, fact, "list", ("false", "true"), test=test) for test in self.lists[fact]]
        thresholds = _sorted(self.thresholds[fact])
        kind = "time" if self.lexicon.facts[fact].type in ("time", "date") else "number"
        found = _signatures(thresholds)
        labels = tuple(_label(thresholds, signature) for signature in found)
        signatures = {signature: cell for cell, signature in enumerate(found)}
        return [Variable(0, fact, kind, labels, thresholds=thresholds, signatures=signatures)]

    def _value(self, fact: str) -> Variable:
        declared = self.lexicon.facts[fact]
        if declared.type == "bool":
            return Variable(0, fact, "value", ("false", "true"), table={False: 0, True: 1})
        tested = list(self.values[fact])
        if declared.values:
            tested = [value for value in declared.values if value in self.values[fact]]
        table: dict[Value, int] = {value: cell for cell, value in enumerate(tested)}
        labels = tuple(shown(value) for value in tested)
        rest = [value for value in declared.values if value not in table]
        if rest or not declared.values:
            labels += (" or ".join(rest) if rest and len(rest) <= 3 else OTHER,)
        return Variable(0, fact, "value", labels, table=table)


def _sorted(thresholds: Iterable[Threshold]) -> tuple[Threshold, ...]:
    return tuple(sorted(thresholds, key=lambda item: (item.quantity, item.number, item.strict)))


def _signatures(thresholds: tuple[Threshold, ...]) -> list[tuple[bool, ...]]:
    """Every way the thresholds can be reached together."""
    found: list[tuple[bool, ...]] = [()]
    for index, item in enumerate(thresholds):
        grown: list[tuple[bool, ...]] = []
        for signature in found:
            earlier = list(enumerate(thresholds[:index]))
            if not any(signature[i] and other.implies(item) for i, other in earlier):
                grown.append((*signature, False))
            if all(signature[i] or not item.implies(other) for i, other in earlier):
                grown.append((*signature, True))
        found = grown
        if len(found) > 4096:
            raise TooManyCells(f"{len(thresholds)} tests of one fact make more than 4096 cells")
    return found


def _label(thresholds: tuple[Threshold, ...], signature: tuple[bool, ...]) -> str:
    """The cell in words: the tightest bounds of each quantity."""
    words: list[str] = []
    for quantity in dict.fromkeys(item.quantity for item in thresholds):
        reached = [item for item, holds in zip(thresholds, signature, strict=True) if holds and item.quantity == quantity]
        missed = [item for item, holds in zip(thresholds, signature, strict=True) if not holds and item.quantity == quantity]
        if quantity == "is_past":
            words.append("past" if reached else "not yet past")
        elif quantity == "day":
            words += [f"by {dt.date.fromordinal(int(min(item.number for item in reached)))}"] if reached else []
            words += [f"after {dt.date.fromordinal(int(max(item.number for item in missed)))}"] if missed else []
        else:
            unit = "" if quantity == "value" else f" {quantity.replace('_', ' ')}"
            if reached:
                low = max(reached, key=lambda item: (item.number, item.strict))
                words.append(f"{'more than' if low.strict else 'at least'} {low.number:g}{unit}")
            if missed:
                high = min(missed, key=lambda item: (item.number, item.strict))
                words.append(f"{'at most' if high.strict else 'under'} {high.number:g}{unit}")
    return ", ".join(words)
