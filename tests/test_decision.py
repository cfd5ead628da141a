"""What a decision tells beside its outcomes: presumptions, questions, leanings, changes, clocks, duties, exposures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from policy_engine import BadInput, Engine, Status
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Decision


@pytest.fixture(scope="module")
def ca(engine: Engine, scenario_root: Path) -> Decision:
    return engine.evaluate(scenario_root / "us/ca/ca-bail-posted-detainer.yaml")


@pytest.fixture(scope="module")
def holiday(engine: Engine, scenario_root: Path) -> Decision:
    return engine.evaluate(scenario_root / "us/federal/thanksgiving-saturday.yaml")


def case(where: str, kind: Any = "sheriff", as_of: str = "2025-06-02T10:00", **facts: Any) -> dict[str, Any]:
    return {"id": "case", "as_of": as_of, "jurisdiction": where, "agency": {"kind": kind}, "facts": facts}


def test_every_norm_on_the_action_is_accounted_for(ca: Decision) -> None:
    for action, trace in ca.trace.items():
        assert [item.norm.id for item in trace] == [node.norm.id for node in ca.regime.action(action).norms]
        assert len(trace) == sum(action in norm.actions for norm in ca.regime.law.norms)
        for item in trace:
            assert item.state in ("applied", "displaced", "not_applicable", "open")
            assert item.state in ("applied", "displaced") or item.because
            assert item.norm.citation
            assert item.norm.confidence in ("high", "medium", "low")


def test_a_norm_that_does_not_apply_names_the_leaf_its_value_and_origin(ca: Decision) -> None:
    norm = next(item for item in ca.trace["hold"] if item.norm.id == "us.hold.judicial-warrant")
    assert norm.state == "not_applicable"
    leaves = {leaf.test: (leaf.truth, leaf.value, leaf.origin) for leaf in norm.because}
    assert leaves["judicial_warrant.presented"] == ("false", "false", "given")


def test_presumed_values_are_listed(engine: Engine) -> None:
    decision = engine.evaluate(case("us/pa/lehigh-county", **{"detainer.form": "i247a"}), actions=["hold"])
    presumed = {item.fact: item.value for item in decision.presumptions}
    assert presumed["detainer.lodged"] == "true", "any other detainer fact means that a detainer is on file"
    assert presumed["judicial_warrant.presented"] == "false"
    assert "admin_warrant.form" not in presumed, "no warrant is presumed only where no detainer is lodged"
    plain = engine.evaluate(case("us/pa/lehigh-county"), actions=["hold"])
    assert {item.fact: item.value for item in plain.presumptions}["detainer.lodged"] == "false"


def test_unknown_stops_a_presumption(engine: Engine) -> None:
    decision = engine.evaluate(case("us/il/lake-county", **{"judicial_warrant.presented": "unknown", "detainer.lodged": True}), actions=["hold"])
    assert decision.outcomes["hold"].status is Status.UNDETERMINED


def test_function_follows_custody(engine: Engine) -> None:
    jailing = engine.evaluate(case("us/md/harford-county", **{"custody.status": "pretrial"}), actions=["transfer"])
    policing = engine.evaluate(case("us/md/harford-county", **{"custody.status": "none"}), actions=["transfer"])
    assert jailing.outcomes["transfer"].status is Status.PERMITTED
    assert policing.outcomes["transfer"].status is Status.PROHIBITED


def test_questions_come_best_first_and_say_what_each_answer_leaves(engine: Engine, scenario_root: Path) -> None:
    decision = engine.evaluate(scenario_root / "us/federal/service-on-person-not-known.yaml", actions=["hold"])
    outcome = decision.outcomes["hold"]
    assert [item.left for item in outcome.dispositive] == sorted(item.left for item in outcome.dispositive)
    assert {item.fact for item in outcome.dispositive} == {"detainer.served_on_person", "law.local_hold_authority", "law.detainer_shows_probable_cause"}
    assert outcome.because == "both"
    served = next(item for item in outcome.dispositive if item.fact == "detainer.served_on_person")
    assert dict(served.answers)["false"] == (Status.PROHIBITED,)
    assert served.ask == "Has a copy of the detainer been served on the person?"
    assert outcome.if_ == dict(outcome.dispositive[0].answers)


def test_a_persuasive_ruling_leans_and_settles_nothing(engine: Engine) -> None:
    limits = case("us/me/kennebec-county", "jail", **{"local_policy.declines_status_sharing": True})
    outcome = engine.evaluate(limits, actions=["share_status"]).outcomes["share_status"]
    assert outcome.status is Status.UNDETERMINED
    assert outcome.because == "law"
    assert outcome.leaning is Status.PROHIBITED


def test_the_shortest_change(ca: Decision) -> None:
    found = ca.what_if("notify_release", Status.PERMITTED)
    assert found is not None
    assert len(found.changes) == 1
    assert found.changes[0].kind == "change"
    assert ca.what_if("hold", "prohibited").changes == ()  # type: ignore[union-attr]
    assert ca.what_if("block_federal", Status.REQUIRED) is None


def test_the_shortest_change_brings_the_status(engine: Engine, scenario_root: Path) -> None:
    scenario = engine.scenario(scenario_root / "us/federal/citizen-proof-shown.yaml")
    found = engine.evaluate(scenario, actions=["hold"]).what_if("hold", Status.PERMITTED)
    assert found is not None
    facts = {change.fact: change.then for change in found.changes}
    assert facts.keys() & {"judicial_warrant.presented", "person.citizenship", "agreement.model"}


def test_why_not_names_what_stands_in_the_way(ca: Decision) -> None:
    against = [item.norm.id for item in ca.why_not("hold", Status.PERMITTED)]
    assert against[0] == "ca.no-detainer-hold"
    assert "us.hold.judicial-warrant" in against
    assert {item.state for item in ca.why("hold")} <= {"applied", "open"}


def test_both_48_hour_clocks_with_their_ends(holiday: Decision) -> None:
    clocks = {item.rule.id: item for item in holiday.deadlines}
    regulation, form = clocks["us.clock.regulation-48h"], clocks["us.clock.form-48h"]
    assert (regulation.state, regulation.ends.isoformat()) == ("running", "2025-12-01T17:00:00-06:00")  # type: ignore[union-attr]
    assert (form.state, form.ends.isoformat()) == ("expired", "2025-11-28T17:00:00-06:00")  # type: ignore[union-attr]


def test_the_form_clock_counts_elapsed_hours_over_a_clock_change(engine: Engine, scenario_root: Path) -> None:
    decision = engine.evaluate(scenario_root / "us/federal/clock-change-hours-elapsed.yaml")
    form = next(item for item in decision.deadlines if item.rule.id == "us.clock.form-48h")
    assert form.ends == dt.datetime(2026, 3, 8, 22, 0, tzinfo=dt.UTC)
    assert form.ends.isoformat() == "2026-03-08T17:00:00-05:00"


def test_no_exposure_for_refraining_before_the_due_day(engine: Engine, scenario_root: Path) -> None:
    before = engine.evaluate(scenario_root / "us/tx/tx-287g-before-deadline.yaml")
    after = engine.evaluate(scenario_root / "us/tx/tx-287g-after-deadline.yaml")
    assert before.outcomes["agreement_287g"].due == dt.date(2026, 12, 1)
    assert "tx.liab.287g-suit" not in {item.rule.id for item in before.exposures}
    assert "tx.liab.287g-suit" in {item.rule.id for item in after.exposures}


def test_exposures_keep_the_status_of_their_source(ca: Decision) -> None:
    found = {item.rule.id: item.status for item in ca.exposures}
    assert found["us.liab.hold.refuse-federal"] == "not_supported"
    assert found["us.liab.limits.criminal-harbouring"] == "asserted"
    both = {item.choice for item in ca.exposures if item.action == "hold"}
    assert {"do", "refrain"} <= both


def test_duties_follow_events(ca: Decision) -> None:
    assert "ca.truth-act-copy-of-request" in {item.rule.id for item in ca.duties}


def test_an_act_of_another_kind_of_agency_has_no_outcome(engine: Engine, scenario_root: Path) -> None:
    decision = engine.evaluate(scenario_root / "us/federal/county-asked-about-hold.yaml", actions=["hold", "adopt_limits"])
    assert decision.not_its_act == ("hold",)
    assert list(decision.outcomes) == ["adopt_limits"]


def test_a_place_without_a_file_takes_its_states_law_and_an_unknown_one_is_an_error(engine: Engine) -> None:
    decision = engine.evaluate(case("us/ca/alpine-county", **{"detainer.lodged": True}))
    assert [layer.jurisdiction for layer in decision.regime.law.layers] == ["us", "us/circuits/9", "us/ca", "us/ca/alpine-county"]
    with pytest.raises(BadInput, match=r"unknown place `us/ca/alpin-county`; did you mean `us/ca/alpine-county`"):
        engine.evaluate(case("us/ca/alpin-county"))


def test_an_alias_is_the_place(engine: Engine) -> None:
    assert engine.scenario(case("us/ca/san-francisco-county")).jurisdiction == "us/ca/san-francisco"


def test_local_rules_never_bind_state_agencies(engine: Engine) -> None:
    local = {norm.id for norm in engine.regime("us/pa/philadelphia", ["jail"], dt.date(2025, 1, 1)).law.norms}
    state = {norm.id for norm in engine.regime("us/pa/philadelphia", ["state_corrections"], dt.date(2025, 1, 1)).law.norms}
    assert "phl.no-hold" in local
    assert not any(name.startswith("phl.") for name in state)


def test_pinned_questions_win(engine: Engine) -> None:
    given = case("us/ma/essex-county", **{"detainer.lodged": True})
    held = engine.evaluate({**given, "assume": {"law.local_hold_authority": True}}, actions=["hold"])
    assert engine.evaluate(given, actions=["hold"]).outcomes["hold"].status is Status.PROHIBITED
    assert held.outcomes["hold"].status is Status.UNDETERMINED


def test_the_same_scenario_on_other_days(engine: Engine, scenario_root: Path) -> None:
    path = scenario_root / "us/ca/ca-robbery-never-lapses.yaml"
    later = engine.evaluate(path, actions=["hold"])
    earlier = engine.evaluate(engine.scenario(path), actions=["notify_release"], as_of="2015-06-01T10:00")
    assert later.outcomes["hold"].status is Status.PROHIBITED
    assert earlier.outcomes["notify_release"].status is Status.PERMITTED


def test_regimes_are_shared_and_compiled_once(engine: Engine) -> None:
    one = engine.regime("us/ca/fresno-county", ["sheriff"], dt.date(2025, 3, 1))
    assert one is engine.regime("us/ca/fresno-county", ["sheriff"], dt.date(2025, 3, 2))
    assert one is not engine.regime("us/ca/fresno-county", ["police"], dt.date(2025, 3, 1))


def test_threads_may_share_an_engine(scenario_root: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    shared = Engine(scenario_root.parent / "rules")
    cases = [scenario for path in sorted((scenario_root / "us/ca").glob("*.yaml")) for scenario in shared.scenarios(path)]
    thrice = cases * 3

    def told(case: Scenario) -> list[tuple[str, str]]:
        decision = shared.evaluate(case)
        return [(name, outcome.status.value) for name, outcome in decision.outcomes.items()] + [(item.norm.id, item.state) for item in decision.trace["hold"]]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(told, thrice))
    third = len(cases)
    assert found[:third] == found[third : 2 * third] == found[2 * third :] == [told(case) for case in cases]
