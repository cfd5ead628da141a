"""Phrases that every report uses."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from policy_engine.reasoning.status import Basis, Status
from policy_engine.reasoning.trace import Fall, NormTrace, RuleRef
from policy_engine.reasoning.view import Step

if TYPE_CHECKING:
    from policy_engine.reasoning.consequences import Deadline, Exposure
    from policy_engine.reasoning.decision import Decision, Outcome

EXPOSURE_STATUS = {
    "established": "established",
    "asserted": "asserted, not decided",
    "unresolved": "unresolved",
    "not_supported": "not supported by the sources",
}
CHOICES = {"do": "doing it", "refrain": "refraining", "adopt_policy": "adopting a policy"}


def moment(when: dt.datetime) -> str:
    """A local time with its zone."""
    return when.strftime("%a %Y-%m-%d %H:%M %Z")


def candidates(outcome: Outcome) -> str:
    """The statuses that are still possible."""
    names = [item.value for item in outcome.candidates]
    return " or ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} or {names[-1]}"


def status_line(outcome: Outcome) -> str:
    """The status, with what an undetermined one may be."""
    if outcome.status is not Status.UNDETERMINED:
        return outcome.status.value
    told = f"undetermined: {candidates(outcome)}"
    return f"{told} (search cut off)" if outcome.cut_off else told


def grounds(outcome: Outcome) -> str:
    """What a status rests on, in one line."""
    first, *rest = outcome.governing
    more = f" and {len(rest)} more" if rest else ""
    told = f"{first.citation}{more}"
    if outcome.basis is Basis.DEFAULT:
        told = f"no rule forbids or requires it ({first.citation})"
    elif outcome.basis is Basis.WANT_OF_AUTHORITY:
        told = f"want of authority ({first.citation})"
    elif outcome.status is Status.UNDETERMINED:
        told = f"{outcome.because or 'facts'}; {told}"
    if outcome.due:
        told += f"; by {outcome.due.isoformat()}"
    return f"{told} [low confidence]" if outcome.confidence == "low" else told


def reference(ref: RuleRef) -> str:
    """A rule with citation and id."""
    return f"{ref.citation} [{ref.id}]"


def leaf(step: Step) -> str:
    """A test with its value and where that came from."""
    if step.origin in ("unknown", "unsettled"):
        return f"{step.test}: {'not known' if step.origin == 'unknown' else 'not settled'}"
    value = f" ({step.origin}: {step.value})" if step.value else f" ({step.origin})" if step.origin else ""
    return f"{step.test} is {step.truth}{value}"


def fall(item: Fall) -> str:
    """How a norm falls."""
    how = {"preempted": "preempted by", "overridden": "overridden by", "outranked": "outranked by"}[item.reason]
    return f"{how} {reference(item.by)}" + ("" if item.certain else ", if that applies")


def state(item: NormTrace) -> str:
    """A norm's fate in one line."""
    if item.state == "applied":
        return "applies"
    if item.state == "displaced":
        return "; ".join(fall(one) for one in item.displaced_by if one.certain) or "displaced"
    reasons = "; ".join(leaf(step) for step in item.because)
    if item.state == "not_applicable":
        excepted = item.when.truth != "false" and item.unless.truth == "true"
        return f"does not apply{', excepted' if excepted else ''}: {reasons}" if reasons else "does not apply"
    falls = "; ".join(fall(one) for one in item.displaced_by)
    return "; ".join(part for part in (f"open: {reasons}" if reasons else "open", falls) if part)


def clock(item: Deadline) -> str:
    """A deadline in one line."""
    ends = f"ends {moment(item.ends)}" if item.ends else "its start is not known"
    told = {"running": "running", "expired": "has run out", "not_started": "not started", "unknown": "unknown"}[item.state]
    left_out = f"; leaves out {' and '.join(word.replace('_', ' ') for word in item.excluding)}" if item.excluding else ""
    name = item.says.strip().rstrip(".") or item.action
    return f"{'possibly: ' if item.open else ''}{name}: {told}, {ends}{left_out} ({item.rule.citation})"


def exposure(item: Exposure) -> str:
    """An exposure in one line."""
    amount = f", {item.amount}" if item.amount else ""
    maybe = "possible: " if item.open else ""
    return f"{maybe}{item.kind.replace('_', ' ')} of the {item.actor}{amount}: {EXPOSURE_STATUS[item.status]} ({item.rule.citation})"


def provenance(decision: Decision) -> str:
    """Which law and which engine gave the answer."""
    from policy_engine import __version__

    card = decision.rulebook.card
    checked = f", checked {card.checked}" if card.checked else ""
    return f"{card.name} {card.version}{checked}, digest {decision.regime.law.path.digest}, engine {__version__}"
