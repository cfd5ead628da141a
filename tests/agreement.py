"""The engine held against the slow interpreter on one scenario: statuses, candidates, and which norms apply and survive."""

from __future__ import annotations

from reference import Reference, TooMany

from policy_engine import Engine
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.trace import norm_truth


def agree(engine: Engine, reference: Reference, scenario: Scenario, actions: list[str] | None = None) -> bool:
    """Hold the engine against the interpreter; False where there are too many completions to try."""
    try:
        found = reference.decide(scenario, actions)
    except TooMany:
        return False
    decision = engine.evaluate(scenario, actions=actions)
    for action, statuses in found.statuses.items():
        outcome = decision.outcomes[action]
        candidates = {item.value for item in outcome.candidates}
        assert candidates == statuses, (action, candidates, statuses)
        assert (outcome.status.value in statuses) == (len(statuses) == 1)
        assert not outcome.cut_off
        for node in decision.regime.action(action).norms:
            applies, survives = norm_truth(decision.regime, decision.encoding, action, node)
            key = (action, node.norm.id)
            assert applies == (True in found.applies[key], False in found.applies[key]), (key, "applies")
            assert survives == (True in found.survives[key], False in found.survives[key]), (key, "survives")
        for item in outcome.dispositive:
            assert len({statuses for _, statuses in item.answers}) > 1 or len(item.answers) == 1 or item.left >= 1
    return True
