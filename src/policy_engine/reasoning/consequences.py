"""What goes with a decision: duties, clocks and deadlines, and the exposures of doing and of refraining."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from policy_engine.language.rules import NormRule
from policy_engine.language.times import Moment
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.trace import RuleRef
from policy_engine.reasoning.view import View


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that must accompany or follow an action or event. `open`: whether it applies hangs on an unknown."""

    rule: RuleRef
    on: str
    must: str
    open: bool
    due: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A limit in time: from when, to when, and whether it is running, expired, not_started or unknown.

    `norm` deadlines carry the day by which a requirement is to be met. `open`: whether it applies hangs on an unknown.
    """

    rule: RuleRef
    action: str
    kind: str
    says: str
    starts: dt.datetime | None
    ends: dt.datetime | None
    state: str
    excluding: tuple[str, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """Liability attached to a choice. `status` is that of the source; `open` says that its conditions hang on an unknown."""

    rule: RuleRef
    action: str
    choice: str
    actor: str
    kind: str
    amount: str | None
    status: str
    open: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What a source says about an action without effect on it. `open`: whether it fits hangs on an unknown."""

    rule: RuleRef
    action: str
    open: bool


def notes(regime: Regime, view: View, actions: tuple[str, ...]) -> tuple[Note, ...]:
    """The notes on the actions that fit, or may fit, the facts."""
    judged = [(rule, view.applies(rule)) for rule in regime.law.notes if rule.action in actions]
    return tuple(Note(RuleRef.of(rule), rule.action, may_not) for rule, (may, may_not) in judged if may)


def duties(regime: Regime, view: View, actions: tuple[str, ...]) -> tuple[Duty, ...]:
    """The duties that follow from the facts or go with the actions."""
    shown = []
    for rule in regime.law.duties:
        if rule.action is not None and rule.action not in actions:
            continue
        may, may_not = view.applies(rule)
        starts = rule.starts
        if rule.event is not None:
            tree, event_starts = regime.events[rule.event]
            happened = view.truth(tree)
            may, may_not = may and happened[0], may_not or happened[1]
            starts = starts or event_starts
        if not may:
            continue
        due = None
        start = view.find(starts) if starts else None
        if rule.within_hours and isinstance(start, Moment) and start.exact:
            due = regime.clockwork.local(regime.clockwork.add(start.first, rule.within_hours, rule.excluding))
        on = rule.action or rule.event or ""
        shown.append(Duty(RuleRef.of(rule), on, rule.must, may_not, due))
    return tuple(shown)


def deadlines(regime: Regime, view: View, governing: Mapping[str, tuple[NormRule, ...]]) -> tuple[Deadline, ...]:
    """The clocks on the actions, and the days by which requirements are to be met."""
    as_of = view.scenario.as_of
    clockwork = regime.clockwork
    found = []
    for rule in regime.law.clocks:
        may, may_not = view.applies(rule)
        if rule.action not in governing or not may:
            continue
        start = view.find(rule.starts)
        starts = ends = None
        state = "unknown"
        if isinstance(start, Moment) and start.exact:
            starts = clockwork.local(start.first)
            ends = clockwork.local(clockwork.add(start.first, rule.hours, rule.excluding))
            state = "not_started" if start.first > as_of else "expired" if ends < as_of else "running"
        found.append(Deadline(RuleRef.of(rule), rule.action, "clock", rule.says, starts, ends, state, rule.excluding, may_not))
    for action, norms in governing.items():
        for norm in norms:
            if norm.due is not None:
                ends = clockwork.local(clockwork.midnight(norm.due + dt.timedelta(days=1)) - dt.timedelta(minutes=1))
                state = "expired" if ends < as_of else "running"
                found.append(Deadline(RuleRef.of(norm), action, "norm", norm.says, None, ends, state, ()))
    return tuple(found)


def exposures(regime: Regime, view: View, actions: tuple[str, ...], governing: Mapping[str, tuple[NormRule, ...]]) -> tuple[Exposure, ...]:
    """The exposures of both choices on each action.

    Refraining from what is required only by a later day is exposed to nothing under that authority before it.
    """
    today = regime.clockwork.local(view.scenario.as_of).date()
    found = []
    for rule in regime.law.exposures:
        if rule.action not in actions:
            continue
        not_yet = [norm for norm in governing.get(rule.action, ()) if norm.due is not None and today <= norm.due]
        if rule.choice == "refrain" and any(norm.source.id == rule.source.id for norm in not_yet):
            continue
        may, may_not = view.applies(rule)
        if may:
            found.append(Exposure(RuleRef.of(rule), rule.action, rule.choice, rule.actor, rule.kind, rule.amount, rule.status, may_not))
    return tuple(found)
