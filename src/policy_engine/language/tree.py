"""Resolved conditions: every name found, every value typed. This is what reasoning compiles and a trace shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Value = bool | str | float


@dataclass(frozen=True, slots=True)
class ValueTest:
    """A fact of type bool, enum or text has one of these values."""

    fact: str
    values: frozenset[Value]

    def __str__(self) -> str:
        return _equals(self.fact, self.values)


@dataclass(frozen=True, slots=True)
class HasTest:
    """A set fact holds this element."""

    fact: str
    element: str

    def __str__(self) -> str:
        return f"{self.fact} contains {self.element}"


@dataclass(frozen=True, slots=True)
class CompareTest:
    """A quantity of a fact against a number.

    `quantity`: `value` of a number; `hours_ago`, `workday_hours_ago`, `days_ago` or `is_past` of a time;
    `day` of a time, the ordinal of its local calendar day.
    """

    fact: str
    quantity: str
    op: str
    number: float
    written: str

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class ListTest:
    """At least `least` records of a list fact match, counted by different values of `distinct` if given."""

    fact: str
    least: int
    distinct: str | None
    where: Tree
    written: str

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class QuestionTest:
    """A question of law is answered yes."""

    question: str

    def __str__(self) -> str:
        return self.question


@dataclass(frozen=True, slots=True)
class ConceptTest:
    """A named condition, shown as one step."""

    name: str
    body: Tree

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " and ".join(_bracket(part) for part in self.parts) or "always"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " or ".join(_bracket(part) for part in self.parts) or "never"


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: Tree

    def __str__(self) -> str:
        return f"not {_bracket(self.part)}"


@dataclass(frozen=True, slots=True)
class FieldTest:
    """Under `where`: a field of the record has one of these values."""

    field: str
    values: frozenset[Value]

    def __str__(self) -> str:
        return _equals(self.field, self.values)


@dataclass(frozen=True, slots=True)
class FieldCompare:
    """Under `where`: a number field, or the full years since a date field, against a number.

    `quantity`: `value`, `years_ago`, or `years_before:FACT`; for a date field against a day, `day` with its ordinal.
    """

    field: str
    quantity: str
    op: str
    number: float

    def __str__(self) -> str:
        name = self.field if self.quantity == "value" else f"{self.field}.{self.quantity}"
        return f"{name} {self.op} {self.number:g}"


@dataclass(frozen=True, slots=True)
class ClassTest:
    """Under `where`: the record falls in a class of terms. `body` says the same in tests of fields."""

    name: str
    body: Tree

    def __str__(self) -> str:
        return self.name


Tree = ValueTest | HasTest | CompareTest | ListTest | QuestionTest | ConceptTest | AllOf | AnyOf | Negation | FieldTest | FieldCompare | ClassTest

TRUE: AllOf = AllOf(())
FALSE: AnyOf = AnyOf(())


def all_of(*parts: Tree) -> Tree:
    """All parts, without needless nesting."""
    flat = [part for part in parts if part != TRUE]
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and everything below it, not into the records of a list."""
    yield tree
    match tree:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from walk(part)
        case Negation(part) | ConceptTest(body=part) | ClassTest(body=part):
            yield from walk(part)


def _equals(name: str, values: frozenset[Value]) -> str:
    if values == frozenset([True]):
        return name
    if values == frozenset([False]):
        return f"{name} = false"
    words = sorted(_word(value) for value in values)
    return f"{name} = {words[0]}" if len(words) == 1 else f"{name} in {' | '.join(words)}"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bracket(tree: Tree) -> str:
    return f"({tree})" if isinstance(tree, (AllOf, AnyOf)) and len(tree.parts) > 1 else str(tree)
