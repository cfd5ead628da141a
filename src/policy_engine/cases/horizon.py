"""The moments at which a decision may change though nothing happens: limits in time, look-backs that lapse, new law."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from policy_engine.language.facts import FactValue
from policy_engine.language.rules import RuleBase
from policy_engine.language.times import Moment
from policy_engine.language.tree import CompareTest, ConceptTest, FieldCompare, ListTest, Tree, walk
from policy_engine.reasoning.cells import Threshold, normal
from policy_engine.reasoning.clock import HOUR, Clockwork
from policy_engine.reasoning.records import record_tests
from policy_engine.reasoning.regime import Regime

# A limit of 48 hours is passed just after the 48th hour: what a turn brings is decided one tick later.
TICK = dt.timedelta(microseconds=1)
SECOND = dt.timedelta(seconds=1)


@dataclass(slots=True)
class _Tested:
    """What the rules of a regime test of time: thresholds of time facts, and years since the dates of records."""

    thresholds: dict[str, set[Threshold]]
    years: dict[str, set[tuple[str, float]]]


class Horizon:
    """Finds the turns of a case. What is tested is gathered once for each regime."""

    def __init__(self) -> None:
        self._tested: WeakKeyDictionary[Regime, _Tested] = WeakKeyDictionary()

    def next_turn(self, regime: Regime, facts: Mapping[str, FactValue], days: Iterable[dt.date], after: dt.datetime, until: dt.datetime) -> dt.datetime | None:
        """The first moment from `after` and before `until` at which something may change, under the law and with the facts of `after`.

        Args:
            days: the days on which law begins or ends, or the registry says something else.
        """
        clockwork = regime.clockwork
        first, last = clockwork.local(after).date(), clockwork.local(until).date()
        found = {clockwork.midnight(day) for day in days if first <= day <= last}
        tested = self._of(regime)
        for fact, thresholds in tested.thresholds.items():
            value = facts.get(fact)
            if value is None:
                value = regime.presumptions.value(fact, facts)
            if isinstance(value, Moment):
                for end in {value.first, value.last}:
                    found |= {turn for item in thresholds for turn in _reached(item, end, clockwork)}
            if not (isinstance(value, Moment) and value.exact):
                found |= set(_crossings(thresholds, first, last, clockwork))
        for start, hours, excluding in _limits(regime):
            value = facts.get(start)
            if isinstance(value, Moment) and value.exact:
                found.add(clockwork.add(value.first, hours, excluding))
        for fact, years in tested.years.items():
            records = facts.get(fact)
            if isinstance(records, tuple):
                found |= {turn for record in records for field, number in years for turn in _anniversary(record.get(field), number, clockwork)}
        return min((turn for turn in found if after <= turn < until), default=None)

    def _of(self, regime: Regime) -> _Tested:
        found = self._tested.get(regime)
        if found is None:
            found = self._tested[regime] = _Tested({}, {})
            law = regime.law
            for rule in (*law.norms, *law.preemptions, *law.holdings, *law.clocks, *law.duties):
                for test in _tests(rule):
                    if isinstance(test, CompareTest) and test.quantity not in ("value", "day"):
                        found.thresholds.setdefault(test.fact, set()).add(normal(test)[0])
                    elif isinstance(test, ListTest):
                        years = found.years.setdefault(test.fact, set())
                        years |= {(item.field, item.number) for item in record_tests(test.where) if isinstance(item, FieldCompare) and item.quantity == "years_ago"}
        return found


def _limits(regime: Regime) -> Iterable[tuple[str, float, tuple[str, ...]]]:
    """The time facts from which clocks and duties run, with the hours allowed and the days left out."""
    for clock in regime.law.clocks:
        yield clock.starts, clock.hours, clock.excluding
    for duty in regime.law.duties:
        start = duty.starts or (regime.events[duty.event][1] if duty.event else None)
        if duty.within_hours and start:
            yield start, duty.within_hours, duty.excluding


def _tests(rule: RuleBase) -> Iterable[Tree]:
    return (node for tree in (rule.when, rule.unless) for node in walk(tree) if not isinstance(node, ConceptTest))


def _reached(item: Threshold, start: dt.datetime, clockwork: Clockwork) -> Iterable[dt.datetime]:
    """When a time that lies at `start` reaches a threshold."""
    if item.quantity == "is_past":
        yield start
    elif item.quantity == "hours_ago":
        yield start + dt.timedelta(hours=item.number)
    elif item.quantity == "workday_hours_ago":
        yield clockwork.add(start, item.number, clockwork.workdays)
        # run out on the eve of days left out, the count goes on only after them
        yield clockwork.add(start, item.number + 1 / HOUR, clockwork.workdays) - SECOND
    elif item.quantity == "days_ago":
        days = math.floor(item.number) + 1 if item.strict else math.ceil(item.number)
        yield clockwork.midnight(clockwork.local(start).date() + dt.timedelta(days=days))


def _crossings(thresholds: Iterable[Threshold], first: dt.date, last: dt.date, clockwork: Clockwork) -> Iterable[dt.datetime]:
    """When the ways in which a time that is not known can reach its thresholds together may change.

    More than 48 hours ago but not more than 48 working hours: on a Tuesday that can be so, over the weekend, on a Thursday it cannot.
    Elapsed and working hours part and meet again only over days left out; calendar days and hours can at any midnight.
    """
    elapsed = {item.number for item in thresholds if item.quantity == "hours_ago"} | {0.0 for item in thresholds if item.quantity == "is_past"}
    working = {item.number for item in thresholds if item.quantity == "workday_hours_ago"}
    by_day = any(item.quantity == "days_ago" for item in thresholds)
    if bool(elapsed) + bool(working) + by_day < 2:
        return
    back = dt.timedelta(days=14 + 2 * math.ceil(max(elapsed | working, default=0) / 24))
    for number in range((last - first + back).days + 2):
        day = first - back + dt.timedelta(days=number)
        left_out, before = (clockwork.left_out(item, clockwork.workdays) for item in (day, day - dt.timedelta(days=1)))
        if by_day or left_out != before:
            start = clockwork.midnight(day)
            yield start
            yield from (start + dt.timedelta(hours=hours) for hours in elapsed)
            yield from (clockwork.add(start, hours, clockwork.workdays) for hours in working)
            if left_out:  # working time stands still: elapsed time may catch up with it
                yield from (clockwork.back(start, counted, clockwork.workdays) + dt.timedelta(hours=hours) for counted in working for hours in elapsed)


def _anniversary(day: object, years: float, clockwork: Clockwork) -> Iterable[dt.datetime]:
    """The anniversary of a date, and the day after, on which `<=` fails."""
    if isinstance(day, dt.date) and day.year + years <= dt.MAXYEAR - 1:
        year = day.year + math.floor(years)
        last = dt.date(year, 3, 1) if (day.month, day.day) == (2, 29) and not _leap(year) else day.replace(year=year)
        yield clockwork.midnight(last)
        yield clockwork.midnight(last + dt.timedelta(days=1))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
