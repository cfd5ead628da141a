"""A rule-based decision engine for legal compliance: rules are data, and every answer carries its reasons."""

from policy_engine.engine import Engine, evaluate
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.status import Status

__version__ = "0.1.0"
__all__ = ["BadInput", "Decision", "Engine", "Outcome", "Problem", "Rulebook", "Scenario", "Status", "__version__", "evaluate"]
