"""From facts at a moment to a step of the timeline: the decision, checked, and what it changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from policy_engine.cases.events import Event
from policy_engine.cases.ledger import Clocks, Duties, Past, clocks_after, duties_after, musts, news
from policy_engine.cases.step import AGAINST, IN_ORDER, UNSETTLED, Act, Change, Statuses, Step
from policy_engine.language.facts import FactValue
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.status import Status

Facts = Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a case after its last step."""

    now: dt.datetime
    facts: Facts
    past: Past
    regime: Regime
    outcomes: Mapping[str, Statuses]
    duties: Duties
    clocks: Clocks


def outcomes_of(decision: Decision) -> dict[str, Statuses]:
    """For each action its possible statuses."""
    return {name: tuple(str(item) for item in outcome.candidates) for name, outcome in decision.outcomes.items()}


def make_step(
    decision: Decision,
    kind: str,
    at: dt.datetime,
    events: Iterable[Event],
    before: Standing | None,
    earlier: Callable[[Standing], Decision],
    event: Event | None = None,
    acts: tuple[Act, ...] = (),
) -> tuple[Step, Standing]:
    """The step of a decision, and what stands after it.

    Args:
        at: when what the step tells of was true.
        events: the events that count now.
        before: what stood before; None at the opening.
        earlier: the decision of what stood before, asked for where something changed.
        acts: the acts that the event reports, judged.
    """
    regime = decision.regime
    outcomes = outcomes_of(decision)
    past = Past.of(events)
    duties = duties_after(decision, past, before.duties if before else {})
    clocks = clocks_after(decision, past, before.clocks if before else {})
    known = before.outcomes if before else {}
    changed = [name for name, found in outcomes.items() if known.get(name) != found]
    former = earlier(before).outcomes if before and changed else {}
    changes = tuple(_change(decision.outcomes[name], former.get(name), known.get(name, ()), outcomes[name]) for name in changed)
    began, gone = _law(before.regime, regime) if before else ((), ())
    clock_news = news(before.clocks if before else {}, clocks)
    step = Step(
        kind=kind,
        at=regime.clockwork.local(at),
        decided=regime.clockwork.local(decision.scenario.as_of),
        event=event.id if event else None,
        outcomes=outcomes,
        headline=decision.disposition,
        changes=changes,
        duties=news(before.duties if before else {}, duties),
        clocks=clock_news,
        musts=musts(decision, clock_news),
        acts=acts,
        law_began=began,
        law_ended=gone,
    )
    return step, Standing(decision.scenario.as_of, decision.scenario.given, past, regime, outcomes, duties, clocks)


def _change(outcome: Outcome, former: Outcome | None, before: Statuses, after: Statuses) -> Change:
    alive = {node.norm.id for node, state in outcome.norms() if state in ("applied", "open")}
    gone = tuple(norm.id for norm in former.governing_norms() if norm.id not in alive) if former else ()
    return Change(outcome.action, before, after, tuple(ref.id for ref in outcome.governing), gone)


def _law(before: Regime, after: Regime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules that came into force and those that went out."""
    if before is after:
        return (), ()
    old, new = ({rule.id: None for rule in (*item.law.norms, *item.law.preemptions, *item.law.holdings, *item.law.duties, *item.law.clocks)} for item in (before, after))
    return tuple(name for name in new if name not in old), tuple(name for name in old if name not in new)


def judge(event: Event, outcomes: Mapping[str, Statuses]) -> tuple[Act, ...]:
    """The acts and omissions that an event reports, held against the decision that stood."""
    found = []
    for names, done in ((event.does, True), (event.refrains, False)):
        for name in names:
            if name in outcomes:
                found.append(Act(event.id, name, done, outcomes[name], verdict(done, outcomes[name])))
    return tuple(found)


def verdict(done: bool, statuses: Statuses) -> str:
    """Whether doing or not doing an action was in order under its statuses."""
    wrong = Status.PROHIBITED if done else Status.REQUIRED
    if statuses == (wrong,):
        return AGAINST
    return UNSETTLED if wrong in statuses or Status.CONFLICT in statuses else IN_ORDER
