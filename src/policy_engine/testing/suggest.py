"""A regression scenario for a fault that nothing noticed: facts under which it shows, and what the rules say of them."""

from __future__ import annotations

import re
from dataclasses import replace

from policy_engine.language.problems import BadInput
from policy_engine.language.rules import NormRule
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Outcome
from policy_engine.testing.mutation import Judge, Suite, Verdict

_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]+")


def suggestion(judge: Judge, verdict: Verdict) -> Scenario | None:
    """A scenario that passes on the rulebook and fails on the mutant, with its reason; None if none can be written."""
    found, mutant, engine = verdict.parting, verdict.mutant, judge.landscape.engine
    if found is None or found.scenario is None:
        return None
    bare = found.scenario
    try:
        outcome = engine.evaluate(bare, actions=[verdict.action]).outcomes[verdict.action]
    except BadInput:
        return None
    if outcome.status is not found.left:
        return None
    scenario = replace(
        bare,
        id=_PLAIN.sub("-", f"{mutant.id.replace('#', '-')}-{verdict.action}"),
        title=f"would fail if {mutant.told}" if mutant.operator != "bound agency removed" else f"{mutant.kinds[0]} is bound",
        expect={verdict.action: outcome.status.value},
        why=reason(outcome, mutant.rule[0].id if mutant.rule else mutant.concept[0] if mutant.concept else ""),
        file="suggested",
    )
    probe = Suite(engine, [scenario])
    return scenario if Judge(judge.landscape, probe).killer(mutant, verdict.action) is not None else None


def reason(outcome: Outcome, pinned: str) -> str:
    """Why an outcome is what it is, in the words of the rules that govern."""
    norms = outcome.governing_norms()
    if norms:
        told = "; ".join(_norm(norm, outcome.action) for norm in norms[:2])
        more = f" (and {len(norms) - 2} more)" if len(norms) > 2 else ""
    else:
        default = outcome.governing[0]
        told, more = f"no norm governs {outcome.action}, so its default stands under {default.citation}: {default.says}".rstrip(": "), ""
    fallen = [item.id for item in outcome.displaced]
    displaced = f" Displaced: {', '.join(fallen[:3])}." if fallen else ""
    return f"Pins {pinned}. {told}{more}.{displaced}".replace("..", ".")


def _norm(norm: NormRule, action: str) -> str:
    verb = {"require": "requires", "forbid": "forbids", "permit": "permits"}[norm.effect]
    says = norm.says.rstrip(".")
    return f"{norm.id} ({norm.citation}) {verb} {action}: {says if len(says) < 260 else f'{says[:257]}...'}"

