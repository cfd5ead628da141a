"""Tests of rules: strategies that draw scenarios, invariants, coverage, planted faults, and the comparison of two rulebooks."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policy_engine.testing.coverage import measure
    from policy_engine.testing.differential import Difference, compare
    from policy_engine.testing.functions import FunctionInvariant, Refutation, invariant
    from policy_engine.testing.invariants import Invariant, read_invariants
    from policy_engine.testing.landscape import Landscape
    from policy_engine.testing.prover import Counterexample, Prover
    from policy_engine.testing.strategies import Strategies, regression
    from policy_engine.testing.written import as_yaml

__all__ = [
    "Counterexample",
    "Difference",
    "FunctionInvariant",
    "Invariant",
    "Landscape",
    "Prover",
    "Refutation",
    "Strategies",
    "as_yaml",
    "compare",
    "invariant",
    "measure",
    "read_invariants",
    "regression",
]

_HOMES = {
    "measure": "coverage",
    "Difference": "differential",
    "compare": "differential",
    "FunctionInvariant": "functions",
    "Refutation": "functions",
    "invariant": "functions",
    "Invariant": "invariants",
    "read_invariants": "invariants",
    "Landscape": "landscape",
    "Counterexample": "prover",
    "Prover": "prover",
    "Strategies": "strategies",
    "regression": "strategies",
    "as_yaml": "written",
}
_SHIPPED: list[Any] = []


def __getattr__(name: str) -> Any:
    """A public name, loaded when first used; any other name is a strategy of the shipped rulebook: `scenarios`, `dates`, or a list fact of its vocabulary."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _HOMES:
        return getattr(import_module(f"policy_engine.testing.{_HOMES[name]}"), name)
    if find_spec(f"policy_engine.testing.{name}") is not None:
        raise AttributeError(name)  # a module of this package that is not imported yet
    if not _SHIPPED:
        _SHIPPED.append(import_module("policy_engine.testing.strategies").Strategies())
    return getattr(_SHIPPED[0], name)
