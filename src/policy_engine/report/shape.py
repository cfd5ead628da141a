"""The JSON of a decision: one documented shape with a version. See docs/decision-json.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from policy_engine.reasoning.consequences import Deadline, Duty, Exposure
from policy_engine.reasoning.inquiry import Dispositive
from policy_engine.reasoning.trace import NormTrace, RuleRef
from policy_engine.reasoning.view import Step

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision, Outcome

SCHEMA = "policy-engine.decision/1"


def to_dict(decision: Decision, *, trace: bool = True) -> dict[str, Any]:
    """The decision as plain data; `trace` may be left out."""
    from policy_engine import __version__

    card = decision.rulebook.card
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "scenario": decision.scenario.id,
        "title": decision.scenario.title,
        "as_of": decision.scenario.as_of.isoformat(timespec="minutes"),
        "jurisdiction": decision.scenario.jurisdiction,
        "layers": [layer.jurisdiction for layer in decision.regime.law.layers],
        "agency": sorted(decision.scenario.kinds),
        "disposition": decision.disposition,
        "outcomes": {name: _outcome(item) for name, item in decision.outcomes.items()},
        "not_its_act": list(decision.not_its_act),
        "duties": [_duty(item) for item in decision.duties],
        "exposures": [_exposure(item) for item in decision.exposures],
        "notes": [{"rule": _rule(item.rule), "action": item.action, "open": item.open} for item in decision.notes],
        "deadlines": [_deadline(item) for item in decision.deadlines],
        "registry": [{"fact": item.fact, "value": item.value} for item in decision.registry],
        "presumptions": [{"fact": item.fact, "value": item.value} for item in decision.presumptions],
        "assumed": dict(decision.scenario.assume),
    }
    if trace:
        found["trace"] = {name: [_norm(item) for item in items] for name, items in decision.trace.items()}
    found["rulebook"] = {
        "name": card.name,
        "version": card.version,
        "checked": str(card.checked) if card.checked else None,
        "digest": decision.regime.law.path.digest,
        "notice": card.notice.strip(),
    }
    found["engine"] = __version__
    return found


def to_json(decision: Decision) -> str:
    """The decision as indented JSON."""
    return json.dumps(to_dict(decision), indent=2, ensure_ascii=False)


def _rule(ref: RuleRef) -> dict[str, Any]:
    return {
        "id": ref.id,
        "citation": ref.citation,
        "name": ref.name,
        "rank": ref.rank,
        "confidence": ref.confidence,
        "url": ref.url,
        "says": ref.says,
        "at": f"{ref.file}:{ref.line}" if ref.file else None,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    basis, because, leaning = outcome.basis, outcome.because, outcome.leaning
    return {
        "status": outcome.status.value,
        "basis": basis.value if basis else None,
        "candidates": [item.value for item in outcome.candidates],
        "because": because,
        "if": {answer: [item.value for item in left] for answer, left in outcome.if_.items()},
        "leaning": leaning.value if leaning else None,
        "dispositive": [_dispositive(item) for item in outcome.dispositive],
        "governing": [_rule(item) for item in outcome.governing],
        "displaced": [_rule(item) for item in outcome.displaced],
        "confidence": outcome.confidence,
        "due": outcome.due.isoformat() if outcome.due else None,
        "cut_off": outcome.cut_off,
    }


def _dispositive(item: Dispositive) -> dict[str, Any]:
    return {
        "fact": item.fact,
        "kind": item.kind,
        "ask": item.ask,
        "statuses_left": round(item.left, 3),
        "answers": {answer: [status.value for status in left] for answer, left in item.answers},
    }


def _duty(item: Duty) -> dict[str, Any]:
    return {"rule": _rule(item.rule), "on": item.on, "must": item.must, "open": item.open, "due": item.due.isoformat(timespec="minutes") if item.due else None}


def _deadline(item: Deadline) -> dict[str, Any]:
    return {
        "rule": _rule(item.rule),
        "action": item.action,
        "kind": item.kind,
        "says": item.says,
        "starts": item.starts.isoformat(timespec="minutes") if item.starts else None,
        "ends": item.ends.isoformat(timespec="minutes") if item.ends else None,
        "state": item.state,
        "excluding": list(item.excluding),
        "open": item.open,
    }


def _exposure(item: Exposure) -> dict[str, Any]:
    return {
        "rule": _rule(item.rule),
        "action": item.action,
        "choice": item.choice,
        "actor": item.actor,
        "kind": item.kind,
        "amount": item.amount,
        "status": item.status,
        "open": item.open,
    }


def _norm(item: NormTrace) -> dict[str, Any]:
    return {
        "norm": _rule(item.norm),
        "effect": item.effect,
        "state": item.state,
        "because": [_step(step) for step in item.because],
        "displaced_by": [{"reason": fall.reason, "by": _rule(fall.by), "certain": fall.certain} for fall in item.displaced_by],
        "when": _step(item.when),
        "unless": _step(item.unless),
    }


def _step(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"test": step.test, "truth": step.truth}
    if step.value:
        found["value"] = step.value
    if step.origin:
        found["origin"] = step.origin
    if step.rule:
        found["rule"] = step.rule
    if step.parts:
        found["parts"] = [_step(part) for part in step.parts]
    return found
