"""Scenarios for what coverage found untried: for each test that came out one way only, plain facts on which it comes out the other way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.rules import RuleBase
from policy_engine.language.scenario import Scenario
from policy_engine.language.tree import ConceptTest
from policy_engine.reasoning.diagram import TooLarge
from policy_engine.reasoning.status import IMPOSSIBLE, Status
from policy_engine.testing.coverage import Coverage, LeafCount, Subject, collect_concepts
from policy_engine.testing.edits import shortened
from policy_engine.testing.landscape import ActionLaw, Landscape, decide
from policy_engine.testing.realize import Situation
from policy_engine.testing.search import APART, SAME, reached
from policy_engine.testing.suggest import reason

_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]+")
Want = tuple[Subject, int, bool]


def fillings(engine: Engine, found: Coverage) -> Iterator[tuple[Subject, Scenario]]:
    """For each untried side of a test a scenario, with what the rules say of it; sides for which none was found are left out."""
    landscape = Landscape(engine)
    wanted = {(item.jurisdiction, item.id): item for item in found.subjects if any(not leaf.both for leaf in item.leaves)}
    done: set[tuple[str, str, int, bool]] = set()
    for action in engine.rulebook.lexicon.actions:
        for law in landscape.laws(action):
            for subject, number, side in _wants(law, wanted, done):
                scenario = _scenario(landscape, law, subject, number, side)
                if scenario is not None:
                    done.add((subject.jurisdiction, subject.id, number, side))
                    yield subject, scenario


def _wants(item: ActionLaw, wanted: dict[tuple[str, str], Subject], done: set[tuple[str, str, int, bool]]) -> Iterator[Want]:
    """The untried sides of the tests of a law's rules, and of the concepts in them."""
    law = item.law
    rules: list[RuleBase] = [*law.norms, *law.preemptions]
    names = dict.fromkeys((rule.jurisdiction, rule.id) for rule in rules)
    concepts: dict[int, ConceptTest] = {}
    for rule in rules:
        collect_concepts(rule.when, concepts)
        collect_concepts(rule.unless, concepts)
    for concept in concepts.values():
        names |= {(layer.jurisdiction, concept.name): None for layer in law.layers if layer.concepts.get(concept.name) is concept.body}
    for name in names:
        subject = wanted.get(name)
        for number, leaf in enumerate(subject.leaves if subject else ()):
            for side, count in ((True, leaf.true), (False, leaf.false)):
                if not count and subject is not None and (*name, number, side) not in done:
                    yield subject, number, side


def _scenario(landscape: Landscape, item: ActionLaw, subject: Subject, number: int, side: bool) -> Scenario | None:
    engine, action, leaf = landscape.engine, item.action, subject.leaves[number]
    spot = next((spot for spot in item.spots if spot.first <= landscape.usual <= spot.last), item.spot)
    regime = landscape.regime(replace(item.law, path=engine.rulebook.path(spot.place), kinds=frozenset([spot.kind]), day=spot.first), conditions=(leaf.tree,))
    literal = regime.resolution.literal(leaf.tree)
    order = list(dict.fromkeys([*regime.order(action), *regime.circuit.support([literal])]))
    try:
        diagram = regime.grow(action, order)
        region = diagram.store.build(literal if side else literal ^ 1)
        pairs = diagram.store.pair(diagram.root, region, lambda a, b: APART + a if b == 1 and a != IMPOSSIBLE else SAME)
    except TooLarge:
        return None
    situation = Situation.at(engine, regime, spot, spot.day(landscape.usual))
    for _, _, bare in reached(situation, diagram.store, pairs, range(APART, APART + 5)):
        if bare is not None:
            made = _told(engine, bare, action, subject, leaf, number, side)
            if made is not None:
                return made
    return None


def _told(engine: Engine, bare: Scenario, action: str, subject: Subject, leaf: LeafCount, number: int, side: bool) -> Scenario | None:
    try:
        decision = decide(engine, bare, action)
    except BadInput:
        return None
    outcome = decision.outcomes[action]
    if decision.view.truth(leaf.tree) != (side, not side) or outcome.status is Status.UNDETERMINED:
        return None
    name = _PLAIN.sub("-", f"{subject.id}-{leaf.side}-{number + 1}-{'true' if side else 'false'}")
    title = f"`{shortened(leaf.tree)}` is {'true' if side else 'false'}"
    return replace(bare, id=name, title=title, expect={action: outcome.status.value}, why=reason(outcome, subject.id), file="suggested")
