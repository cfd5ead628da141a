"""A scenario held against its `expect`: what differs, and the norms that govern."""

from __future__ import annotations

from policy_engine.engine import Engine
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.headline import NOT_ITS_ACT


def failures(engine: Engine, scenario: Scenario) -> list[str]:
    """One block of lines for each expectation that is not met; empty if all are."""
    asked = tuple(dict.fromkeys((*scenario.expect, *scenario.expect_candidates)))
    if not asked:
        return []
    decision = engine.evaluate(scenario, actions=asked)
    found: list[str] = []
    for action, wanted in scenario.expect.items():
        outcome = decision.outcomes.get(action)
        status = outcome.status.value if outcome else NOT_ITS_ACT
        if status != wanted:
            found.append(f"{scenario.file}: {scenario.id}: {action}: expected {wanted}, found {status}")
            found += _governing(decision, outcome)
    for action, candidates in scenario.expect_candidates.items():
        outcome = decision.outcomes.get(action)
        open_ = {item.value for item in outcome.candidates} if outcome else set()
        missing = [item for item in candidates if item not in open_]
        if missing:
            found.append(f"{scenario.file}: {scenario.id}: {action}: expected {', '.join(missing)} to stay open; open: {', '.join(sorted(open_)) or 'none'}")
            found += _governing(decision, outcome)
    return found


def _governing(decision: Decision, outcome: Outcome | None) -> list[str]:
    if outcome is None:
        return []
    told = [f"    {item.state}: {item.norm.id} ({item.norm.citation})" for item in decision.trace[outcome.action] if item.state != "not_applicable"]
    if outcome.basis is not None and not outcome.governing_norms():
        told.append(f"    {outcome.basis}: {decision.default_of(outcome.action).citation}")
    for item in outcome.dispositive[:4]:
        told.append(f"    open: {item.fact} ({item.ask})")
    return told
