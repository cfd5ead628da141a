"""Tests of lists of records, judged together: which answers to all of them the known and unknown fields allow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from policy_engine.language.facts import UNKNOWN, FieldValue
from policy_engine.language.times import Moment
from policy_engine.language.tree import AllOf, AnyOf, ClassTest, FieldCompare, FieldTest, ListTest, Negation, Tree
from policy_engine.language.vocabulary import Fact
from policy_engine.reasoning.clock import years_between

MAX_COMPLETIONS = 4096
Fields = Mapping[str, FieldValue]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_NO_VALUE = "\0another value"
_SELF = "\0the record itself"
_OPEN_KEY = "\0open"


class TooManyCompletions(ValueError):
    """The unknown fields of a list allow more completions than are tried."""


@dataclass(frozen=True, slots=True)
class Today:
    """What the tests of dates need: the local day of the decision, and the local days of time facts where known."""

    day: dt.date
    facts: Mapping[str, dt.date | None]


def local_days(facts: Mapping[str, Any], names: Sequence[str], zone: dt.tzinfo) -> dict[str, dt.date | None]:
    """The local day of each named time fact, None where it is not known to the day."""
    found: dict[str, dt.date | None] = {}
    for name in names:
        value = facts.get(name)
        first = value.first.astimezone(zone).date() if isinstance(value, Moment) else None
        found[name] = first if isinstance(value, Moment) and value.last.astimezone(zone).date() == first else None
    return found


def counted_from(where: Tree) -> list[str]:
    """The time facts that a `where` counts years to."""
    return sorted({item.quantity[13:] for item in record_tests(where) if isinstance(item, FieldCompare) and item.quantity.startswith("years_before:")})


def record_tests(where: Tree) -> Iterator[FieldTest | FieldCompare]:
    """The tests of fields in a `where`."""
    match where:
        case FieldTest() | FieldCompare():
            yield where
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from record_tests(part)
        case Negation(part) | ClassTest(body=part):
            yield from record_tests(part)


def with_presumptions(record: Fields, fact: Fact) -> dict[str, FieldValue]:
    """The record with its presumed fields filled and the rest unknown."""
    full: dict[str, FieldValue] = {}
    for name, kind in fact.record.items():
        value = record.get(name, kind.presume if kind.presume is not None else UNKNOWN)
        full[name] = value
    return full


def matches(where: Tree, record: Fields, today: Today) -> tuple[bool, bool]:
    """Whether a record may match and may fail, each unknown field taken by itself."""
    match where:
        case FieldTest(field, values):
            value = record[field]
            if value is UNKNOWN:
                return True, True
            return value in values, value not in values
        case FieldCompare():
            return compare(where, record, today)
        case AllOf(parts):
            may, may_not = True, False
            for part in parts:
                found = matches(part, record, today)
                if found == (False, True):
                    return found
                may, may_not = may and found[0], may_not or found[1]
            return may, may_not
        case AnyOf(parts):
            may, may_not = False, True
            for part in parts:
                found = matches(part, record, today)
                if found == (True, False):
                    return found
                may, may_not = may or found[0], may_not and found[1]
            return may, may_not
        case Negation(part):
            may, may_not = matches(part, record, today)
            return may_not, may
        case ClassTest(body=body):
            return matches(body, record, today)
    raise TypeError(f"{where!r} does not belong under `where`")


def compare(test: FieldCompare, record: Fields, today: Today) -> tuple[bool, bool]:
    """A comparison on one record: may hold, may fail."""
    value = record[test.field]
    if value is UNKNOWN:
        return True, True
    if test.quantity == "value":
        number = float(value)  # type: ignore[arg-type]
    else:
        assert isinstance(value, dt.date)
        if test.quantity == "day":
            number = float(value.toordinal())
        elif test.quantity == "years_ago":
            number = years_between(value, today.day)
        else:
            other = today.facts.get(test.quantity.partition(":")[2])
            if other is None:
                chosen = record.get(_free_name(test), UNKNOWN)
                return (True, True) if chosen is UNKNOWN else (bool(chosen), not chosen)
            number = years_between(value, other)
    holds = COMPARE[test.op](number, test.number)
    return holds, not holds


def _free_name(test: FieldCompare) -> str:
    return f"{test.field} {test.quantity} {test.op} {test.number}"


def answers(records: Sequence[Fields], tests: Sequence[ListTest], today: Today) -> set[tuple[bool, ...]]:
    """Every way the tests can come out together over the completions of unknown fields.

    Raises:
        TooManyCompletions: there are more than `MAX_COMPLETIONS`.
    """
    states: set[tuple[Any, ...]] = {tuple(frozenset() for _ in tests)}
    for index, record in enumerate(records):
        options = set(_outcomes(record, tests, today))
        states = {joined for state in states for option in options for joined in _join_open(state, option, index, tests, records)}
        if len(states) > MAX_COMPLETIONS:
            raise TooManyCompletions
    return {tuple(len(keys) >= test.least for keys, test in zip(state, tests, strict=True)) for state in states}


def _outcomes(record: Fields, tests: Sequence[ListTest], today: Today) -> Iterator[tuple[Any, ...]]:
    """For each completion of the record: per test the key it counts under, or None where it does not match."""
    wheres = [test.where for test in tests]
    open_tests = [where for where in wheres if matches(where, record, today) == (True, True)]
    for filled in _completions(record, open_tests, today):
        yield tuple(_key(filled, test) if matches(test.where, filled, today)[0] else None for test in tests)


def _key(record: Fields, test: ListTest) -> Any:
    if test.distinct is None:
        return _SELF
    value = record[test.distinct]
    return _OPEN_KEY if value is UNKNOWN else value


def _join(state: tuple[Any, ...], option: tuple[Any, ...], index: int, tests: Sequence[ListTest]) -> tuple[Any, ...]:
    grown = []
    for keys, key, test in zip(state, option, tests, strict=True):
        if key is None or len(keys) >= test.least:
            grown.append(keys)
        else:
            grown.append(keys | {index if key == _SELF and test.least > 1 else key})
    return tuple(grown)


def _join_open(state: tuple[Any, ...], option: tuple[Any, ...], index: int, tests: Sequence[ListTest], records: Sequence[Fields]) -> Iterator[tuple[Any, ...]]:
    """An unknown value of the counted field may be new, or that of any other record."""
    if _OPEN_KEY not in option:
        yield _join(state, option, index, tests)
        return
    fields = {test.distinct for test, key in zip(tests, option, strict=True) if key == _OPEN_KEY and test.distinct}
    choices: dict[str, list[Any]] = {}
    for name in sorted(fields):
        known = {record[name] for record in records if record[name] is not UNKNOWN}
        earlier = {("new", other) for other in range(index) if records[other][name] is UNKNOWN}
        choices[name] = [*known, *earlier, ("new", index)]
    for chosen in product(*choices.values()):
        names = dict(zip(choices, chosen, strict=True))
        filled = tuple(names[test.distinct] if key == _OPEN_KEY and test.distinct else key for key, test in zip(option, tests, strict=True))
        yield _join(state, filled, index, tests)


def _completions(record: Fields, wheres: Sequence[Tree], today: Today) -> Iterator[Fields]:
    """The record with its unknown tested fields filled in every way that the tests can tell apart."""
    by_field: dict[str, list[FieldTest | FieldCompare]] = {}
    for where in wheres:
        for test in record_tests(where):
            if record[test.field] is UNKNOWN:
                by_field.setdefault(test.field, []).append(test)
            elif isinstance(test, FieldCompare) and test.quantity.startswith("years_before:") and today.facts.get(test.quantity[13:]) is None:
                by_field.setdefault(_free_name(test), [])
    if not by_field:
        yield record
        return
    choices = [_samples(name, tests, today) for name, tests in by_field.items()]
    count = 1
    for options in choices:
        count *= len(options)
    if count > MAX_COMPLETIONS:
        raise TooManyCompletions
    for values in product(*choices):
        yield {**record, **dict(zip(by_field, values, strict=True))}


def _samples(name: str, tests: Sequence[FieldTest | FieldCompare], today: Today) -> list[Any]:
    """Values of an unknown field, one for each way its tests can come out."""
    if not tests:
        return [False, True]
    candidates: list[Any] = []
    for test in tests:
        if isinstance(test, FieldTest):
            candidates += [not next(iter(test.values)), *test.values] if any(isinstance(v, bool) for v in test.values) else [*sorted(map(str, test.values)), _NO_VALUE]
        elif test.quantity == "value":
            candidates += [test.number - 1e-6, test.number, test.number + 1e-6]
        else:
            candidates += _dates(test, today)
    found: dict[tuple[bool, ...], Any] = {}
    for value in dict.fromkeys(candidates):
        signature = tuple(matches(test, {name: value}, today)[0] for test in tests)
        found.setdefault(signature, value)
    return list(found.values())


def _dates(test: FieldCompare, today: Today) -> list[dt.date]:
    if test.quantity == "day":
        middle = dt.date.fromordinal(int(test.number))
    else:
        base = today.day if test.quantity == "years_ago" else today.facts.get(test.quantity.partition(":")[2]) or today.day
        year = min(max(base.year - int(test.number), 1), 9998)
        middle = dt.date(year, 3, 1) if (base.month, base.day) == (2, 29) else base.replace(year=year)
    step = dt.timedelta(days=1)
    return [middle - 2 * step, middle - step, middle, middle + step, middle + 2 * step]


def implies(strong: ListTest, weak: ListTest) -> bool:
    """Whether the first test holding always means that the second does, told from how they are written.

    Every part of the second `where` must follow from one part of the first, by the same test, a narrower set of
    values or a class that the other includes, or a tighter bound; and at least as many records must be asked for.
    """
    if strong.fact != weak.fact or strong.least < weak.least:
        return False
    if weak.least > 1 and strong.distinct != weak.distinct:
        return False
    left, right = _parts(strong.where), _parts(weak.where)
    return all(any(_follows(a, b) for a in left) for b in right)


def _parts(where: Tree) -> tuple[Tree, ...]:
    if isinstance(where, AllOf):
        return tuple(item for part in where.parts for item in _parts(part))
    return (where,)


def _follows(a: Tree, b: Tree) -> bool:
    if a == b:
        return True
    if isinstance(b, AnyOf) and any(_follows(a, part) for part in b.parts):
        return True
    if isinstance(a, AnyOf):
        return all(_follows(part, b) for part in a.parts)
    if isinstance(a, FieldTest) and isinstance(b, FieldTest):
        return a.field == b.field and a.values <= b.values
    if isinstance(a, FieldCompare) and isinstance(b, FieldCompare):
        same = a.field == b.field and a.quantity == b.quantity and a.op[0] == b.op[0]
        if not same:
            return False
        inside = a.number < b.number if a.op[0] == "<" else a.number > b.number
        return inside or (a.number == b.number and (a.op == b.op or len(b.op) == 2))
    if isinstance(b, ClassTest):
        return _follows(a, b.body) if not isinstance(a, ClassTest) else any(_follows(a, part) for part in _alternatives(b.body))
    if isinstance(a, ClassTest):
        return _follows(a.body, b)
    if isinstance(a, AllOf):
        return any(_follows(part, b) for part in a.parts)
    return False


def _alternatives(tree: Tree) -> tuple[Tree, ...]:
    return tree.parts if isinstance(tree, AnyOf) else (tree,)
