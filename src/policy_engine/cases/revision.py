"""The past of a case gone through again with what is known now, and held against what was decided then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policy_engine.cases.events import Event, fold
from policy_engine.cases.horizon import TICK
from policy_engine.cases.step import IN_ORDER, Act, Difference, Revision, Statuses, Step
from policy_engine.cases.stepper import Facts, judge, outcomes_of
from policy_engine.reasoning.decision import Decision

Decide = Callable[[Facts, dt.datetime], Decision]
Turns = Callable[[Facts, dt.datetime, dt.datetime], Iterable[dt.datetime]]


@dataclass(slots=True)
class _Open:
    """A difference that has not ended yet."""

    start: dt.datetime
    decided: Statuses
    instead: Statuses
    because: tuple[str, ...]


class Reviser:
    """Goes through the past of one case.

    Args:
        base: the facts at its opening.
        decide: the checked decision on facts at a moment.
        turns: the moments between two others at which time alone may change something.
    """

    def __init__(self, base: Facts, decide: Decide, turns: Turns) -> None:
        self.base, self.decide, self.turns = base, decide, turns

    def revise(self, events: Sequence[Event], steps: Sequence[Step], acts: Sequence[Act], since: dt.datetime, now: dt.datetime) -> Revision:
        """What would have been different from `since` to `now`.

        Args:
            events: the events that count, in the order in which they were true.
            steps: the steps told so far.
            acts: the acts that the new event reports, judged by what stood then.
        """
        differences: list[Difference] = []
        running: dict[str, _Open] = {}
        for moment, facts in self._moments(events, steps, since, now):
            decision = self.decide(facts, moment)
            local = decision.regime.clockwork.local(moment)
            then = decided_at(steps, moment)
            for action, instead in outcomes_of(decision).items():
                known = running.get(action)
                if known is not None and (known.decided, known.instead) != (then.get(action), instead):
                    differences.append(_closed(action, running.pop(action), local))
                if instead != then.get(action) and action not in running:
                    running[action] = _Open(local, then.get(action, ()), instead, tuple(ref.id for ref in decision.outcomes[action].governing))
        differences += [_closed(action, item, now) for action, item in running.items()]
        verdicts = {(act.event, act.action): act.verdict for act in (*(act for step in steps for act in step.acts), *acts)}
        again = [(act, verdicts.get((act.event, act.action), IN_ORDER)) for act in self._acts(events, since, now)]
        return Revision(
            since,
            tuple(sorted(differences, key=lambda item: (item.start, item.action))),
            tuple(act for act, was in again if was == IN_ORDER and act.verdict != IN_ORDER),
            tuple(act for act, was in again if was != IN_ORDER and act.verdict == IN_ORDER),
        )

    def _moments(self, events: Sequence[Event], steps: Sequence[Step], since: dt.datetime, now: dt.datetime) -> Iterator[tuple[dt.datetime, Facts]]:
        """Every moment at which something was decided, or is now known to have changed, with the facts now known of it."""
        told = {step.decided for step in steps if since <= step.decided < now}
        bounds = sorted({since, *(event.at for event in events if since < event.at < now), now})
        for start, end in pairwise(bounds):
            facts = fold(self.base, [event for event in events if event.at <= start])
            inside = {start, *(turn + TICK for turn in self.turns(facts, start, end)), *(moment for moment in told if start <= moment < end)}
            for moment in sorted(inside):
                yield moment, facts

    def _acts(self, events: Sequence[Event], since: dt.datetime, now: dt.datetime) -> Iterator[Act]:
        for index, event in enumerate(events):
            if since <= event.at <= now and (event.does or event.refrains):
                yield from judge(event, outcomes_of(self.decide(fold(self.base, events[:index]), event.at)))


def decided_at(steps: Sequence[Step], moment: dt.datetime) -> dict[str, Statuses]:
    """The outcomes that stood at a moment, as told then."""
    found = next((step for step in reversed(steps) if step.decided <= moment), steps[0])
    return dict(found.outcomes)


def _closed(action: str, item: _Open, end: dt.datetime) -> Difference:
    return Difference(action, item.start, end, item.decided, item.instead, item.because)
