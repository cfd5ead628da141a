"""The truth of a condition on facts taken one by one: what a trace shows, and what duties and exposures ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.times import Moment
from policy_engine.language.tree import AllOf, AnyOf, CompareTest, ConceptTest, HasTest, ListTest, Negation, QuestionTest, Tree, ValueTest
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.records import COMPARE

Truth = tuple[bool, bool]
TRUE: Truth = (True, False)
FALSE: Truth = (False, True)
OPEN: Truth = (True, True)


@dataclass(frozen=True, slots=True)
class Judges:
    """How tests that need more than a value are judged: by the clock, and on lists and questions of law."""

    as_of: dt.datetime
    clockwork: Clockwork
    on_list: Callable[[ListTest], Truth]
    on_question: Callable[[str], Truth]


def truth(tree: Tree, find: Callable[[str], FactValue], judges: Judges | None = None) -> Truth:
    """May be true and may be false, each unknown taken by itself (sound, not exact)."""
    match tree:
        case ValueTest(fact, values):
            value = find(fact)
            if value is UNKNOWN:
                return OPEN
            return (True, False) if value in values else (False, True)
        case HasTest(fact, element):
            value = find(fact)
            if value is UNKNOWN:
                return OPEN
            return (True, False) if element in value else (False, True)  # type: ignore[operator]
        case AllOf(parts):
            results = [truth(part, find, judges) for part in parts]
            return all(may for may, _ in results), any(may_not for _, may_not in results)
        case AnyOf(parts):
            results = [truth(part, find, judges) for part in parts]
            return any(may for may, _ in results), all(may_not for _, may_not in results)
        case Negation(part):
            may, may_not = truth(part, find, judges)
            return may_not, may
        case ConceptTest(body=body):
            return truth(body, find, judges)
        case CompareTest(fact):
            return _compare(tree, find(fact), judges)
        case ListTest():
            return judges.on_list(tree) if judges else OPEN
        case QuestionTest(question):
            return judges.on_question(question) if judges else OPEN
    raise TypeError(f"{tree!r} stands only under `where`")


def _compare(test: CompareTest, value: FactValue, judges: Judges | None) -> Truth:
    if value is UNKNOWN:
        return OPEN
    holds = COMPARE[test.op]
    if isinstance(value, Moment):
        if judges is None:
            return OPEN
        ends = {holds(judges.clockwork.quantity(test.quantity, end, judges.as_of), test.number) for end in (value.first, value.last)}
        return True in ends, False in ends
    result = holds(float(value), test.number)  # type: ignore[arg-type]
    return result, not result
