"""Duties and clocks of a case: what a decision opens, meets, starts and lets run out, told against what stood before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from policy_engine.cases.events import Event
from policy_engine.cases.step import ClockState, DutyState, Must
from policy_engine.language.tree import TRUE
from policy_engine.reasoning.consequences import deadlines
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.status import Status

State = TypeVar("State", DutyState, ClockState)

Duties = Mapping[str, DutyState]
Clocks = Mapping[str, ClockState]


@dataclass(frozen=True, slots=True)
class Past:
    """What events have told so far: actions done, actions that cannot go on, and duty events with their times."""

    done: frozenset[str]
    ended: frozenset[str]
    happened: Mapping[str, dt.datetime]
    met: frozenset[str]

    @classmethod
    def of(cls, events: Iterable[Event]) -> Past:
        """From the events that count, in their order."""
        done, met = set[str](), set[str]()
        ended: frozenset[str] = frozenset()
        happened: dict[str, dt.datetime] = {}
        for event in events:
            done.update(event.does)
            met.update(event.meets)
            ended = (ended | frozenset(event.ends)) - frozenset(event.does)
            happened |= dict.fromkeys(event.happens, event.at)
        return cls(frozenset(done), ended, happened, frozenset(met))


def duties_after(decision: Decision, past: Past, before: Duties) -> dict[str, DutyState]:
    """The duties of a case after a decision.

    A duty opens when what it follows has surely happened: an event that the facts tell or an event of the case is, or
    an action that is required or was done. Standing duties, which nothing tells, are not the case's.
    """
    regime, now = decision.regime, decision.scenario.as_of
    rules = {rule.id: rule for rule in regime.law.duties}
    found: dict[str, DutyState] = {}
    for duty in decision.duties:
        rule = rules[duty.rule.id]
        if duty.open:
            continue
        if rule.event is not None:
            tree, _ = regime.events[rule.event]
            if tree == TRUE and rule.event not in past.happened:
                continue
        elif rule.action not in past.done and decision.outcomes[rule.action or ""].status is not Status.REQUIRED:
            continue
        due = duty.due
        start = past.happened.get(rule.event or "")
        if due is None and rule.within_hours and start is not None:
            due = regime.clockwork.local(regime.clockwork.add(start, rule.within_hours, rule.excluding))
        known = before.get(rule.id)
        state = "met" if rule.id in past.met or (known and known.state == "met") else "overdue" if due is not None and due < now else "open"
        found[rule.id] = DutyState(rule.id, duty.on, duty.must, duty.rule.citation, due, state)
    for name, known in before.items():
        if name not in found:
            found[name] = known if known.state == "met" else replace(known, state="dropped")
    return dict(sorted(found.items()))


def clocks_after(decision: Decision, past: Past, before: Clocks) -> dict[str, ClockState]:
    """The clocks of a case after a decision; those of an action that cannot go on are stopped."""
    dated = {norm.id for norm in decision.regime.law.norms if norm.due is not None}
    governing = {
        name: outcome.governing_norms() if any(node.norm.id in dated for node in decision.regime.action(name).norms) else () for name, outcome in decision.outcomes.items()
    }
    found: dict[str, ClockState] = {}
    for item in deadlines(decision.regime, decision.view, governing):
        if item.ends is None:
            continue
        state, known = item.state, before.get(item.rule.id)
        if item.action in past.ended:
            if known is None:
                continue
            state = known.state if known.state == "expired" else "stopped"
        says = item.says.strip() or item.rule.says.strip()
        found[item.rule.id] = ClockState(item.rule.id, item.action, says, item.rule.citation, item.starts, item.ends, state, item.open)
    for name, last in before.items():
        if name not in found:
            found[name] = replace(last, state="stopped") if last.state in ("running", "not_started") else last
    return dict(sorted(found.items()))


def news(before: Mapping[str, State], after: Mapping[str, State]) -> tuple[State, ...]:
    """The entries that are new or other than before."""
    return tuple(item for name, item in after.items() if before.get(name) != item)


def musts(decision: Decision, clocks: Iterable[ClockState], former: Mapping[str, Outcome]) -> tuple[Must, ...]:
    """What follows from the clocks that have just run out, and by which authority.

    Where the clock leaves the action open, the authority is the one that governed until then and is now in doubt.
    """
    found = []
    for clock in clocks:
        outcome = decision.outcomes.get(clock.action)
        if clock.state == "expired" and not clock.possible and outcome is not None:
            ref = outcome.governing[0]
            if outcome.status is Status.UNDETERMINED and clock.action in former:
                until_then = {item.id for item in former[clock.action].governing}
                ref = next((item for item in outcome.governing if item.id in until_then), ref)
            statuses = tuple(str(item) for item in outcome.candidates)
            found.append(Must(clock.id, clock.action, statuses, ref.id, ref.citation, ref.says.strip()))
    return tuple(found)
