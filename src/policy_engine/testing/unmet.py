"""A scenario or invariant that is not met, told: expected and found, what governs, and the shortest change of facts that would give what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from policy_engine.engine import Engine
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.headline import NOT_ITS_ACT
from policy_engine.reasoning.status import CODES
from policy_engine.testing.functions import Refutation
from policy_engine.testing.prover import Counterexample
from policy_engine.testing.written import as_yaml, write_files


def unmet(engine: Engine, scenario: Scenario) -> Iterator[str]:
    """Lines for each expectation of a scenario that is not met; none if all are.

    Raises:
        BadInput: faults in a rule file on the scenario's path.
    """
    asked = tuple(dict.fromkeys((*scenario.expect, *scenario.expect_candidates)))
    decision = engine.evaluate(scenario, actions=asked)
    for action, wanted in scenario.expect.items():
        outcome = decision.outcomes.get(action)
        found = outcome.status.value if outcome else NOT_ITS_ACT
        if found != wanted:
            yield f"{scenario.file}: {scenario.id}: {action}"
            yield f"  expected  {wanted}"
            yield f"  found     {found}{_open(outcome)}"
            yield from _grounds(decision, outcome)
            yield from _change(decision, action, wanted)
    for action, candidates in scenario.expect_candidates.items():
        outcome = decision.outcomes.get(action)
        open_ = [item.value for item in outcome.candidates] if outcome else []
        if not set(candidates) <= set(open_):
            yield f"{scenario.file}: {scenario.id}: {action}"
            yield f"  expected  {' or '.join(candidates)} to stay open"
            yield f"  found     {' or '.join(open_) or NOT_ITS_ACT}"
            yield from _grounds(decision, outcome)


def _open(outcome: Outcome | None) -> str:
    return f" ({' or '.join(outcome.candidates)})" if outcome is not None and len(outcome.candidates) > 1 else ""


def _grounds(decision: Decision, outcome: Outcome | None) -> Iterator[str]:
    if outcome is None:
        return
    for item in decision.trace[outcome.action]:
        if item.state != "not_applicable":
            by = f", {item.displaced_by[0].reason} by {item.displaced_by[0].by.id}" if item.displaced_by and item.state == "displaced" else ""
            yield f"  {item.state:<9} {item.effect} {item.norm.id} ({item.norm.citation}){by}"
    if not outcome.governing_norms():
        yield f"  default   {outcome.governing[0].citation}"
    for question in outcome.dispositive[:4]:
        yield f"  open      {question.fact}: {question.ask}"


def _change(decision: Decision, action: str, wanted: str) -> Iterator[str]:
    """The diff in facts between this scenario and the nearest one with the expected status."""
    if action not in decision.outcomes or wanted not in [status.value for status in CODES]:
        return
    found = decision.what_if(action, wanted)
    if found is None:
        yield f"  no facts make {action} {wanted} here"
        return
    yield f"  {action} would be {wanted} with"
    for change in found.changes:
        if change.kind == "change":
            yield f"    - {change.fact}: {change.now}"
        yield f"    + {change.fact}: {change.then}{' (a question of law)' if change.kind == 'settle' else ''}"


def broken(engine: Engine, found: Counterexample, folder: Path | None = None) -> Iterator[str]:
    """Lines for a broken invariant, with the counterexample as a scenario file, also written to a folder if one is given.

    Raises:
        BadInput: the file cannot be written.
    """
    invariant, spot = found.invariant, found.spot
    yield f"{invariant.file}:{invariant.line}: {invariant.id}: {invariant.says}"
    yield f"  broken in {spot.place} for {spot.kind} from {spot.first} to {spot.last}: {found.told}"
    if found.scenario is None:
        yield "  (no scenario could be written for it: its tests of lists and times hang together in ways that the search did not meet)"
        return
    decision = engine.evaluate(found.scenario, actions=[found.action])
    yield from _grounds(decision, decision.outcomes.get(found.action))
    yield from _shown(engine, found.scenario, invariant.id, folder)


def refuted(engine: Engine, found: Refutation, folder: Path | None = None) -> Iterator[str]:
    """Lines for a function invariant that fails, as for `broken`.

    Raises:
        BadInput: the file cannot be written.
    """
    yield f"{found.invariant.id}: {found.invariant.says}"
    yield from (f"  {line}" for line in found.told.splitlines())
    yield from (f"  drawn: {value!r}" for value in found.drawn)
    yield from _shown(engine, found.scenario, found.invariant.id, folder)


def _shown(engine: Engine, scenario: Scenario, name: str, folder: Path | None) -> Iterator[str]:
    """A counterexample as a scenario file, also written to a folder if one is given."""
    text = as_yaml(scenario, engine.clockwork(engine.rulebook.path(scenario.jurisdiction)).zone)
    yield from ("", *text.splitlines())
    if folder is not None:
        path = folder / f"{name}.yaml"
        write_files({path: text})
        yield f"written: {path}"
