"""Conditions: the small language of `when`, `unless` and concepts, as a tree of frozen nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy_engine.language.yamlfile import Loc


@dataclass(frozen=True, slots=True)
class Leaf:
    """A test of one fact or, under `where`, of one field of a record.

    `values` are the words as written; the vocabulary gives them their types.
    """

    name: str
    op: str
    values: tuple[str, ...]
    loc: Loc = ()

    def __str__(self) -> str:
        if self.op == "is":
            return self.name
        return f"{self.name} {self.op} {' | '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; the empty one is true."""

    parts: tuple[Condition, ...]
    loc: Loc = ()

    def __str__(self) -> str:
        return " and ".join(_bracket(part) for part in self.parts) or "always"


@dataclass(frozen=True, slots=True)
class Any_:
    """At least one part holds; the empty one is false."""

    parts: tuple[Condition, ...]
    loc: Loc = ()

    def __str__(self) -> str:
        return " or ".join(_bracket(part) for part in self.parts) or "never"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition
    loc: Loc = ()

    def __str__(self) -> str:
        return f"not {_bracket(self.part)}"


@dataclass(frozen=True, slots=True)
class Count:
    """At least `least` records of a list match `where`; with `distinct`, that many different values of that field."""

    least: int
    of: str
    where: Condition
    distinct: str | None = None
    loc: Loc = ()

    def __str__(self) -> str:
        if self.least == 1:
            return f"some {self.of} where {self.where}"
        by = f" with different {self.distinct}" if self.distinct else ""
        return f"at least {self.least} {self.of}{by} where {self.where}"


@dataclass(frozen=True, slots=True)
class YearsBefore:
    """Under `where`: full years from a date field of the record to a time fact, against a number."""

    fact: str
    field: str | None
    op: str
    years: int
    loc: Loc = ()

    def __str__(self) -> str:
        return f"{self.field or 'date'} {self.op} {self.years} years before {self.fact}"


Condition = Leaf | All | Any_ | Not | Count | YearsBefore

ALWAYS = All(())
NEVER = Any_(())

_NAME = r"[A-Za-z][A-Za-z0-9_\-]*(?:\.[A-Za-z0-9_\-]+)*"
_LEAF = re.compile(rf"\s*(?P<name>{_NAME})\s*(?:(?P<op>!=|<=|>=|=|<|>|\bin\b|\bcontains\b)\s*(?P<rest>\S.*?))?\s*$", re.DOTALL)
_BOUNDS = {"at_most": "<=", "at_least": ">=", "under": "<", "over": ">"}


class ConditionError(ValueError):
    """A condition that cannot be read; `loc` is where in the value, `offset` the character in the leaf."""

    def __init__(self, message: str, loc: Loc, offset: int = 0) -> None:
        super().__init__(message)
        self.message, self.loc, self.offset = message, loc, offset


def _bracket(part: Condition) -> str:
    return f"({part})" if isinstance(part, (All, Any_)) and len(part.parts) > 1 else str(part)


def parse_condition(data: Any, loc: Loc = (), *, bare_list: str = "all") -> Condition:
    """The condition that a YAML value says. `bare_list` tells what a list without a keyword means: `all` or `any`.

    Raises:
        ConditionError: with the place of the fault below `loc`.
    """
    if isinstance(data, str):
        return _leaf(data, loc)
    if isinstance(data, bool):
        return ALWAYS if data else NEVER
    if isinstance(data, list):
        parts = tuple(parse_condition(item, (*loc, index)) for index, item in enumerate(data))
        return All(parts, loc) if bare_list == "all" else Any_(parts, loc)
    if isinstance(data, dict):
        return _mapping(data, loc)
    if data is None:
        raise ConditionError("empty condition; write a test such as `fact = value`, or leave the key out", loc)
    raise ConditionError(f"found `{data}`; a condition is a test such as `fact = value`, or all, any, not, some, at_least", loc)


def _leaf(text: str, loc: Loc) -> Condition:
    found = _LEAF.match(text)
    if not found:
        raise ConditionError(f"cannot read the test `{text.strip()}`; write `fact`, `fact = value`, `fact in a | b`, `fact contains a` or compare with != < <= > >=", loc)
    name, op, rest = found["name"], found["op"], found["rest"]
    if op is None:
        return Leaf(name, "is", (), loc)
    values = tuple(part.strip().strip("'\"") for part in rest.split("|"))
    if not all(values):
        raise ConditionError(f"an empty value between the bars of `{text.strip()}`", loc, found.start("rest"))
    if op not in ("in", "contains") and len(values) > 1:
        raise ConditionError(f"`{op}` takes one value; use `in` for several", loc, found.start("op"))
    if any(re.search(r"[<>=!]", value) for value in values):
        raise ConditionError(f"one test a line: `{text.strip()}` holds two", loc, found.start("rest"))
    return Leaf(name, op, values, loc)


def _mapping(data: dict[str, Any], loc: Loc) -> Condition:
    keys = set(data)
    if "some" in keys or ("at_least" in keys and "of" in keys):
        return _count(data, loc)
    if "years_before" in keys:
        return _years_before(data, loc)
    if len(keys) != 1:
        raise ConditionError(
            f"found the keys {', '.join(f'`{key}`' for key in sorted(keys)) or 'of an empty mapping'}; valid: one of all, any, not, some, at_least, years_before", loc
        )
    (key,) = keys
    if key in ("all", "any"):
        body = data[key]
        if not isinstance(body, list):
            raise ConditionError(f"`{key}` takes a list of conditions", (*loc, key))
        parts = tuple(parse_condition(item, (*loc, key, index)) for index, item in enumerate(body))
        if not parts:
            raise ConditionError(f"`{key}` needs at least one condition", (*loc, key))
        return All(parts, loc) if key == "all" else Any_(parts, loc)
    if key == "not":
        return Not(parse_condition(data[key], (*loc, key)), loc)
    raise ConditionError(f"unknown condition `{key}`; valid: all, any, not, some, at_least, years_before, or a quoted test", (*loc, key))


def _count(data: dict[str, Any], loc: Loc) -> Condition:
    simple = "some" in data
    allowed = {"some", "where"} if simple else {"at_least", "of", "distinct", "where"}
    for key in data:
        if key not in allowed:
            raise ConditionError(f"unknown key `{key}`; valid: {', '.join(sorted(allowed))}", (*loc, key))
    of = data["some" if simple else "of"]
    least = 1 if simple else data["at_least"]
    if not isinstance(of, str):
        raise ConditionError("the list is named by a list fact", (*loc, "some" if simple else "of"))
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        raise ConditionError(f"`at_least` takes a whole number from 1, found `{least}`", (*loc, "at_least"))
    where = parse_condition(data["where"], (*loc, "where")) if "where" in data else ALWAYS
    for node in walk(where):
        if isinstance(node, Count):
            raise ConditionError("a test of a list cannot stand inside another", node.loc)
    distinct = data.get("distinct")
    if distinct is not None and not isinstance(distinct, str):
        raise ConditionError("`distinct` names one field", (*loc, "distinct"))
    return Count(least, of, where, distinct, loc)


def _years_before(data: dict[str, Any], loc: Loc) -> Condition:
    bounds = [key for key in _BOUNDS if key in data]
    for key in data:
        if key not in {"years_before", "field", *_BOUNDS}:
            raise ConditionError(f"unknown key `{key}`; valid: years_before, field, at_most, at_least, under, over", (*loc, key))
    if len(bounds) != 1:
        raise ConditionError("`years_before` needs exactly one of at_most, at_least, under, over", loc)
    years, fact, field = data[bounds[0]], data["years_before"], data.get("field")
    if isinstance(years, bool) or not isinstance(years, int):
        raise ConditionError(f"`{bounds[0]}` takes a whole number of years, found `{years}`", (*loc, bounds[0]))
    if not isinstance(fact, str) or not (field is None or isinstance(field, str)):
        raise ConditionError("`years_before` names a time fact, `field` a date field", loc)
    return YearsBefore(fact, field, _BOUNDS[bounds[0]], years, loc)


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition and everything below it, in writing order."""
    yield condition
    match condition:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from walk(part)
        case Not(part):
            yield from walk(part)
        case Count(where=where):
            yield from walk(where)
