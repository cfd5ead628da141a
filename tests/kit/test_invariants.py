"""Invariants: the shipped ones hold over all places and days, each fails on a mutated rulebook, and faults in their file are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policy_engine import BadInput, Engine
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rules import NormRule
from policy_engine.language.times import ALWAYS_IN_FORCE
from policy_engine.reasoning.law import Law
from policy_engine.testing import Landscape, Prover, read_invariants
from policy_engine.testing.landscape import Spot
from policy_engine.testing.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Engine(ROOT / "rules")
INVARIANTS = read_invariants(ENGINE)
LANDSCAPE = Landscape(ENGINE)
PROVER = Prover(LANDSCAPE, INVARIANTS)
TOP: dict[str, Any] = {"rank": 0, "when": True, "unless": False, "binds": None, "in_force": ALWAYS_IN_FORCE}
# For each invariant a rule of the shipped rulebook and what is done to it.
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "release-order-ends-the-hold": ("us.hold.habeas-release", {"effect": "permit"}),
    "injunction-ends-detainer-holds": ("us.hold.injunction", {"effect": "permit", "grants": True}),
    "citizens-are-not-held": ("us.hold.citizen", {"effect": "require", "grants": True}),
    "no-hold-past-48-hours": ("us.hold.max-48h", {"effect": "require", "grants": True}),
    "federal-order-to-hold-is-obeyed": ("us.hold.court-order", {"effect": "forbid"}),
    "writ-to-produce-is-obeyed": ("us.transfer.court-order", {"effect": "forbid"}),
    "federal-law-alone-orders-no-hold": ("us.hold.max-48h", {"effect": "require", "grants": True}),
    "federal-law-alone-orders-no-notice": ("us.local-policy.no-notice", {"effect": "require"}),
    "federal-law-alone-orders-no-agreement": ("us.joint.unlawful-entry", {"effect": "require"}),
    "federal-law-alone-forbids-no-limits": ("us.limits.no-regulation-of-us", {"effect": "require"}),
    "obstruction-is-never-permitted": ("us.block.custody", {"effect": "require", "grants": True}),
    "obstruction-hangs-on-no-policy": ("us.block.custody", {"effect": "require", "grants": True, "when": "local_policy.declines_detainers"}),
    "judicial-warrant-opens-holds": ("us.hold.citizen", {"when": "judicial_warrant.presented", "unless": False}),
    "judicial-warrant-opens-transfers": ("us.local-policy.no-transfer", {"when": "judicial_warrant.presented", "unless": False}),
    "proof-of-citizenship-opens-nothing": ("us.hold.citizen", {"effect": "permit", "grants": True}),
    "declining-detainers-opens-no-hold": ("us.hold.detainer-request", {"when": "local_policy.declines_detainers"}),
    "declining-notices-opens-no-notice": ("us.local-policy.no-notice", {"when": "local_policy.declines_notification = false", "unless": False}),
    "withdrawn-detainer-opens-no-hold": ("us.hold.court-order", {"when": "detainer.withdrawn", "unless": False}),
    "name-of-agency-changes-nothing": ("us.hold.citizen", {"when": "agency.name = Example Jail", "unless": False}),
    "records-hang-on-no-detainer": ("us.local-policy.no-access", {"actions": ("share_records",), "when": "detainer.form = i247a"}),
    "limits-hang-on-no-person": ("us.local-policy.no-access", {"actions": ("adopt_limits",), "when": {"some": "convictions", "where": "grade = felony"}}),
    "agreements-hang-on-no-person": ("us.local-policy.no-agreements", {"when": "detainer.lodged"}),
    "contracts-hang-on-no-interview": ("us.local-policy.no-agreements", {"actions": ("detention_contract",), "when": "notice.copy_given"}),
    "arrest-and-removal-papers-alike": ("us.hold.citizen", {"when": "admin_warrant.form = i200", "unless": False}),
    "notice-forms-give-no-hold": ("us.hold.citizen", {"when": "detainer.form = i247g", "unless": False}),
    "no-paper-is-no-expired-order": ("us.transfer.court-order", {"when": "court_order.kind = writ_to_produce"}),
    "places-keep-what-is-required": ("travis.limit", TOP | {"effect": "forbid"}),
    "places-lift-no-ban-on-holds": ("travis.limit", TOP | {"effect": "require", "grants": True}),
    "places-lift-no-ban-on-limits": ("travis.limit", TOP | {"effect": "require", "actions": ("adopt_limits",)}),
    "places-keep-required-notices": ("travis.limit", TOP | {"effect": "forbid", "actions": ("notify_release",)}),
    "states-keep-orders-of-courts": ("travis.limit", TOP | {"effect": "forbid", "actions": ("transfer",)}),
}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda item: item.id)
def test_every_place_and_day_keeps_it(invariant: Any) -> None:
    found = PROVER.counterexample(invariant)
    assert found is None, f"{found.spot}: {found.told}\n{found.scenario!r}"


def test_there_are_at_least_25() -> None:
    assert len(INVARIANTS) >= 25
    assert {item.kind for item in INVARIANTS} == {"always", "never", "monotone", "irrelevant", "same-as", "refines"}


def planted(rule_id: str, changes: dict[str, Any]) -> Mutant:
    """A mutant of the shipped rulebook: one norm with some fields changed, conditions as rules write them."""
    path, norm = next((path, rule) for path in LANDSCAPE.paths for layer in path.layers for rule in layer.norms if rule.id == rule_id)
    scope = Scope(ENGINE.rulebook.lexicon, {name: tree for layer in path.layers for name, tree in layer.concepts.items()})
    made = {key: resolve(value, scope) if key in ("when", "unless") else value for key, value in changes.items()}
    after = replace(norm, **made)
    assert isinstance(after, NormRule)
    return Mutant(f"{rule_id}#0", "planted", "planted", norm.jurisdiction, norm.file, norm.line, after.actions, rule=(norm, after))


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda item: item.id)
def test_a_mutated_rulebook_breaks_it(invariant: Any) -> None:
    mutant = planted(*FAULTS[invariant.id])
    alone = Prover(LANDSCAPE, [invariant])
    assert any(broken.invariant is invariant for law, action, spot in mutated(mutant, invariant) for broken in alone.violations(law, action, spot))


def mutated(mutant: Mutant, invariant: Any) -> Iterator[tuple[Law, str, Spot]]:
    """The mutated law at every spot that the invariant speaks of and the mutant reaches, of the planted norm's actions."""
    for action in invariant.actions:
        for path in LANDSCAPE.paths:
            if any(layer.jurisdiction == mutant.jurisdiction for layer in path.layers):
                for law, spot in LANDSCAPE.of_path(path, action):
                    if spot.last.year >= 2024 and invariant.speaks_of(spot):
                        yield replace(law, path=mutant.path(path)), action, spot


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{id: x, says: s, kind: always, action: hold}", "needs `status`"),
        ("{id: x, says: s, kind: never, action: hodl, status: permitted}", "did you mean `hold`"),
        ("{id: x, says: s, kind: never, action: hold, status: permitted, when: detainer.loged}", "did you mean `detainer.lodged`"),
        ("{id: x, says: s, kind: monotone, action: hold, change: {detainer.lodged: 3}, from: permitted, to: prohibited}", "is true, false or unknown"),
        ("{id: x, says: s, kind: irrelevant, action: hold, facts: nothing.such}", "unknown fact `nothing.such`"),
        ("{id: x, says: s, kind: never, action: hold, status: permitted, keeps: permitted}", "does not belong to kind `never`"),
    ],
)
def test_faults_in_the_file_are_told_with_line_and_column(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "invariants.yaml"
    file.write_text(f"invariants:\n  - {text}\n", encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_invariants(ENGINE, file)
    assert all(problem.line == 2 and problem.column > 1 for problem in error.value.problems)
    assert told in str(error.value)
