"""Scenarios for what coverage found untried: for each test that came out one way only, plain facts on which it comes out the other way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.rules import RuleBase
from policy_engine.language.scenario import Scenario
from policy_engine.language.tree import AllOf, ConceptTest, Negation
from policy_engine.reasoning.diagram import TooLarge
from policy_engine.reasoning.status import IMPOSSIBLE, Status
from policy_engine.testing.coverage import Coverage, LeafCount, Subject, collect_concepts
from policy_engine.testing.edits import shortened
from policy_engine.testing.landscape import ActionLaw, Landscape, decide
from policy_engine.testing.realize import Situation
from policy_engine.testing.search import APART, SAME, reached
from policy_engine.testing.suggest import reason
from policy_engine.testing.written import as_cases, as_mapping, write_files

_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]+")
Want = tuple[Subject, int, bool]


def fillings(engine: Engine, found: Coverage) -> Iterator[tuple[Subject, Scenario]]:
    """For each untried side of a test a scenario, with what the rules say of it; sides for which none was found are left out."""
    landscape = Landscape(engine)
    wanted = {(item.jurisdiction, item.id): item for item in found.subjects if any(not leaf.both for leaf in item.leaves)}
    done: set[tuple[str, str, int, bool]] = set()
    for action in engine.rulebook.lexicon.actions:
        for law in landscape.laws(action):
            for subject, number, side in (*_unapplied(law, found, done), *_wants(law, wanted, done)):
                scenario = _scenario(landscape, law, subject, number, side)
                if scenario is not None:
                    done.add((subject.jurisdiction, subject.id, number, side))
                    yield subject, scenario


def _unapplied(item: ActionLaw, found: Coverage, done: set[tuple[str, str, int, bool]]) -> Iterator[Want]:
    """The norms of a law that never applied, each as if its whole condition were one test."""
    missing = {(subject.jurisdiction, subject.id): subject for subject in found.of_kind("norm") if not subject.covered}
    for rule in item.law.norms:
        subject = missing.get((rule.jurisdiction, rule.id))
        if subject is not None and (rule.jurisdiction, rule.id, 0, True) not in done:
            yield replace(subject, leaves=[LeafCount(AllOf((rule.when, Negation(rule.unless))), "applies")]), 0, True


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


def write_fillings(engine: Engine, found: Coverage, folder: Path) -> int:
    """Write the scenarios as files, a folder for each jurisdiction; how many they are."""
    by_file: dict[Path, dict[str, list[dict[str, Any]]]] = {}
    count = 0
    for subject, scenario in fillings(engine, found):
        count += 1
        zone = engine.clockwork(engine.rulebook.path(scenario.jurisdiction)).zone
        path = folder / subject.jurisdiction / f"{Path(subject.file).stem}-tests.yaml"
        by_file.setdefault(path, {}).setdefault(subject.id, []).append(as_mapping(scenario, zone))
    write_files({path: "---\n".join(map(as_cases, rules.values())) for path, rules in by_file.items()})
    return count
