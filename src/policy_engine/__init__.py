"""A rule-based decision engine for legal compliance: rules are data, and every answer carries its reasons."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policy_engine.engine import Engine, evaluate
    from policy_engine.language.problems import BadInput, Problem
    from policy_engine.language.rulebook import Rulebook
    from policy_engine.language.scenario import Scenario
    from policy_engine.reasoning.decision import Decision, Outcome
    from policy_engine.reasoning.status import Status

__version__ = "0.1.0"
__all__ = ["BadInput", "Decision", "Engine", "Outcome", "Problem", "Rulebook", "Scenario", "Status", "__version__", "evaluate"]

_HOMES = {
    "BadInput": "language.problems",
    "Problem": "language.problems",
    "Rulebook": "language.rulebook",
    "Scenario": "language.scenario",
    "Decision": "reasoning.decision",
    "Outcome": "reasoning.decision",
    "Status": "reasoning.status",
    "Engine": "engine",
    "evaluate": "engine",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package costs nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `policy_engine` has no attribute `{name}`")
    return getattr(import_module(f"policy_engine.{home}"), name)
