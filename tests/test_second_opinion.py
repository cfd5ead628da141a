"""The Rete derivation and the circuit agree, norm by norm, on every scenario and on scenarios made up; a difference is an error."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import random_rulebooks
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_reference_real import real_case

from policy_engine import Engine
from policy_engine.cases.opinion import Agreement, Disagreement, SecondOpinion
from policy_engine.cases.rete.process import Derivations
from policy_engine.language.scenario import is_case_file
from policy_engine.reasoning.regime import Regime

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = sorted(path for path in (ROOT / "scenarios").rglob("*.yaml") if not is_case_file(path))
EVERY = 16  # all of them take minutes; `benchmarks/cases.py --full` holds every one


def test_scenarios_of_every_file_agree(engine: Engine) -> None:
    scenarios = [scenario for path in SCENARIOS for scenario in engine.scenarios(path)]
    found = [engine.opinion.check(engine.decide(scenario)) for scenario in scenarios[::EVERY]]
    assert len(found) >= 300
    assert sum(item.rules for item in found) > 25_000
    assert {name for item in found for name in item.unconfirmed} == set()


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        ("us/ca/san-diego-county", ["sheriff", "jail"]),
        ("us/ca/los-angeles", ["police", "city"]),
        ("us/il/chicago", ["police", "city"]),
        ("us/il/cook-county", ["sheriff", "jail", "county"]),
        ("us/ny/new-york-city", ["police", "jail", "city"]),
        ("us/fl/miami-dade-county", ["jail", "county"]),
    ],
)
def test_the_largest_regimes_load_on_every_day_on_which_their_law_changes(engine: Engine, place: str, kinds: list[str]) -> None:
    """The limits of durable_rules are checked for every plan, and the newest of them is loaded and asked."""
    path = engine.rulebook.path(place)
    days = engine.cut_days(path)
    plans = [engine.opinion.plan(engine.regime(place, kinds, day)) for day in days]
    assert max(made.rules for made in plans) > 60
    case = {"id": "case", "as_of": f"{days[-1]}T12:00", "jurisdiction": place, "agency": {"kind": kinds}, "facts": {"detainer.lodged": True}}
    assert engine.opinion.check(engine.decide(case)).rules >= 50


def test_scenarios_made_up_over_real_regimes_agree(engine: Engine) -> None:
    seen: list[Agreement] = []

    @settings(max_examples=500)
    @given(case=real_case())
    def check(case: dict[str, Any]) -> None:
        seen.append(engine.opinion.check(engine.decide(case)))

    check()
    assert sum(item.rules for item in seen) > 20_000
    assert [name for item in seen for name in item.unconfirmed] == []


def test_random_rulebooks_agree() -> None:
    """Conditions here are odd enough that unknowns taken one by one do not tell: those norms are derived completion by completion."""
    derivations = Derivations()
    seen: list[Agreement] = []

    @settings(max_examples=120, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(files=random_rulebooks.rulebooks(), cases=st.lists(random_rulebooks.scenarios(), min_size=12, max_size=12))
    def check(files: dict[str, Any], cases: list[dict[str, Any]]) -> None:
        opinion = SecondOpinion(derivations)
        with tempfile.TemporaryDirectory() as folder:
            engine = Engine(random_rulebooks.write(Path(folder), files))
            for case in cases:
                decision = engine.decide(case)
                seen.append(opinion.check(decision))
                assert len(decision.trace) == len(decision.outcomes)

    check()
    derivations.close()
    assert sum(item.rules for item in seen) > 3_000
    assert sum(item.completed for item in seen) > 10


CASE = {
    "id": "case",
    "as_of": "2026-03-02T14:00",
    "jurisdiction": "us/ca/fresno-county",
    "agency": {"kind": "sheriff"},
    "facts": {"detainer.lodged": True, "custody.release_due": "2026-03-02T14:00"},
}


def test_a_fault_in_the_circuit_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(second_opinion=True)
    assert engine.evaluate(CASE).outcomes["hold"].status == "prohibited"
    true = Regime.literal_truth

    def wrong(self: Regime, action: str, pattern: tuple[int, ...], literal: int) -> tuple[bool, bool]:
        node = next(node for node in self.action("hold").norms if node.norm.id == "ca.no-detainer-hold")
        return (False, True) if literal == node.applies else true(self, action, pattern, literal)

    monkeypatch.setattr(Regime, "literal_truth", wrong)
    with pytest.raises(Disagreement, match=r"case: hold, ca.no-detainer-hold: by the circuit: does not apply; by durable_rules: applies") as found:
        engine.evaluate(CASE)
    assert (found.value.action, found.value.rule) == ("hold", "ca.no-detainer-hold")


def test_a_fault_in_a_status_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(second_opinion=True)
    true = Regime.rule

    def wrong(self: Regime, encoding: Any, actions: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(bits << 1 & 15 or bits >> 1 for bits in true(self, encoding, actions))

    monkeypatch.setattr(Regime, "rule", wrong)
    with pytest.raises(Disagreement, match="case: hold: by the circuit: conflict; by durable_rules: prohibited"):
        engine.evaluate(CASE)


def test_a_fault_in_the_derivation_is_found(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    opinion = SecondOpinion(engine.opinion.derivations)
    decision = engine.decide(CASE)
    made = opinion.plan(decision.regime)
    output = made.outputs["ca.no-detainer-hold"]
    true = Derivations.derive
    monkeypatch.setattr(Derivations, "derive", lambda self, plan, facts: [found - {output} for found in true(self, plan, facts)])
    with pytest.raises(Disagreement, match=r"ca.no-detainer-hold: by the circuit: applies; by durable_rules: does not apply"):
        opinion.check(decision)


def test_without_it_no_process_is_started() -> None:
    engine = Engine()
    engine.evaluate(CASE)
    assert "opinion" not in vars(engine)


def test_what_displaces_a_norm_keeps_to_what_lists_can_hold(tmp_path: Path) -> None:
    """Three events of one kind are three of a wider kind, also in a preemption on whose tests no status of the action hangs."""
    wide = {"at_least": 3, "of": "events", "where": [{"any": ["years_ago <= 2", "size <= 3"]}]}
    narrow = {"at_least": 3, "of": "events", "where": ["years_ago <= 2"]}
    rules = {
        "jurisdiction": "top",
        "authorities": {"base": {"cite": "b", "kind": "rule", "rank": "top"}, **{name: {"cite": name, "kind": "rule", "rank": name} for name in ("high", "middle", "low")}},
        "norms": [
            {"id": "ban", "authority": "high", "forbid": "open", "overrides": ["leave"]},
            {"id": "leave", "authority": "low", "permit": "open", "when": "a"},
        ],
        "preemptions": [
            {"id": "never", "authority": "middle", "when": [{"not": wide}, narrow], "displaces": {"actions": ["open"], "effects": ["permit"], "ranks": ["low"]}},
        ],
    }
    engine = Engine(random_rulebooks.write(tmp_path, {"top": rules}), second_opinion=True)
    case = {"id": "s", "as_of": "2026-03-09T00:10", "jurisdiction": "top", "agency": {"kind": "left"}, "facts": {"a": True, "events": "unknown"}}
    decision = engine.evaluate(case)
    leave = next(item for item in decision.trace["open"] if item.norm.id == "leave")
    assert (leave.state, [fall.by.id for fall in leave.displaced_by]) == ("displaced", ["ban"])
