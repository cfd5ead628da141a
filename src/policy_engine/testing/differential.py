"""Two rulebooks compared: scenarios, found by search, on which they say different things."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, Phase, find, seed, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Outcome
from policy_engine.testing.strategies import Strategies
from policy_engine.testing.written import as_yaml


@dataclass(frozen=True, slots=True)
class Difference:
    """One scenario on which two rulebooks differ about an action: what each says, as candidates joined by `or`."""

    scenario: Scenario
    action: str
    left: str
    right: str

    def __str__(self) -> str:
        head = f"{self.action}: {self.left} in the first rulebook, {self.right} in the second"
        return f"{head}\n\n{as_yaml(self.scenario, self.scenario.as_of.tzinfo or dt.UTC)}"


def compare(
    engine_a: Engine,
    engine_b: Engine,
    *,
    actions: Iterable[str] = (),
    jurisdiction: str | None = None,
    as_of: dt.datetime | dt.date | None = None,
    unknowns: float = 0.2,
    examples: int = 500,
    most: int = 20,
) -> list[Difference]:
    """Scenarios on which two rulebooks differ, each made as small as the search can make it.

    For each action the search draws scenarios around what either rulebook tests, until it finds no new pair of answers.
    What it does not find may still be there: it is a search, not a proof.

    Args:
        engine_a: the first rulebook's engine.
        engine_b: the second's.
        actions: the actions to compare; all that both know if left out.
        jurisdiction: one place; any that both know if left out.
        as_of: one moment; days on which law changes if left out.
        unknowns: the share of facts that are stated to be unknown.
        examples: scenarios drawn for each search.
        most: differences to find at most.

    Raises:
        BadInput: no such place, or faults in a rule file.
    """
    kits = (Strategies(engine_a), Strategies(engine_b))
    shared = [name for name in kits[0].lexicon.actions if name in kits[1].lexicon.actions]
    chosen = list(actions) or shared
    found: list[Difference] = []
    for action in chosen:
        for kit in kits:
            strategy = kit.scenarios(jurisdiction, as_of, unknowns=unknowns)
            for difference in _search((engine_a, engine_b), strategy, action, examples, {(item.action, item.left, item.right) for item in found}):
                found.append(difference)
                if len(found) == most:
                    return found
    return found


def _search(engines: tuple[Engine, Engine], strategy: SearchStrategy[Any], action: str, examples: int, seen: set[tuple[str, str, str]]) -> Iterator[Difference]:
    quiet = settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink))

    def said(scenario: Scenario) -> tuple[str, str, str] | None:
        try:
            left, right = (_told(engine.evaluate(scenario, actions=[action]).outcomes.get(action)) for engine in engines)
        except BadInput:
            return None  # the place, the agency or a fact is not known to one of them
        return None if left == right else (action, left, right)

    while True:

        @seed(len(seen))
        def new(scenario: Scenario) -> bool:
            answer = said(scenario)
            return answer is not None and answer not in seen

        try:
            scenario = find(strategy, new, settings=quiet, random=None)
        except NoSuchExample:
            return
        answer = said(scenario)
        assert answer is not None
        seen.add(answer)
        yield Difference(replace(scenario, id=f"differs-{action}-{len(seen)}"), *answer)


def _told(outcome: Outcome | None) -> str:
    return "not its act" if outcome is None else " or ".join(outcome.candidates)
