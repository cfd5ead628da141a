"""A regression scenario for a fault that nothing noticed: facts under which it shows, and what the rules say of them."""

from __future__ import annotations

import re
from dataclasses import replace

from policy_engine.language.problems import BadInput
from policy_engine.language.rules import NormRule
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Outcome
from policy_engine.reasoning.status import Status
from policy_engine.testing.landscape import decide
from policy_engine.testing.mutation import Judge, Suite, Verdict

_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]+")


def suggestion(judge: Judge, verdict: Verdict) -> Scenario | None:
    """A scenario that passes on the rulebook and fails on the mutant, with its reason; None if none can be written.

    Where the fault lies in what settles a question of law, the question must stay open, so each pin is also tried without.
    """
    found = verdict.parting
    if found is None or found.scenario is None:
        return None
    bare = found.scenario
    pins = [dict(bare.assume), *({key: answer for key, answer in bare.assume.items() if key != left} for left in bare.assume), {}]
    for assume in {tuple(sorted(item.items())): item for item in pins}.values():
        scenario = _expecting(judge, verdict, replace(bare, assume=assume))
        if scenario is not None:
            return scenario
    return None


def _expecting(judge: Judge, verdict: Verdict, bare: Scenario) -> Scenario | None:
    """The scenario with what the rulebook says of it; None where the mutant says the same."""
    mutant, engine = verdict.mutant, judge.landscape.engine
    try:
        outcome = decide(engine, bare, verdict.action).outcomes[verdict.action]
    except BadInput:
        return None
    open_ = outcome.status is Status.UNDETERMINED
    if open_ and outcome.cut_off:
        return None
    scenario = replace(
        bare,
        id=_PLAIN.sub("-", f"{mutant.id.replace('#', '-')}-{verdict.action}"),
        title=f"{mutant.kinds[0]} is bound" if mutant.kinds else f"notices: {mutant.told}",
        expect={verdict.action: outcome.status.value},
        expect_candidates={verdict.action: tuple(status.value for status in outcome.candidates)} if open_ else {},
        why=reason(outcome, mutant.subject),
        file="suggested",
    )
    return scenario if Judge(judge.landscape, Suite(engine, [scenario])).killer(mutant, verdict.action) is not None else None


def reason(outcome: Outcome, pinned: str) -> str:
    """Why an outcome is what it is, in the words of the rules that govern."""
    norms = outcome.governing_norms()
    if outcome.status is Status.UNDETERMINED:
        asked = ", ".join(item.fact for item in outcome.dispositive[:3])
        rules = ", ".join(norm.id for norm in norms[:3]) or "the default"
        return f"Pins {pinned}. Open ({' or '.join(outcome.candidates)}) while this is not settled: {asked}; it hangs on {rules}."
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
