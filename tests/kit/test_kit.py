"""Strategies, planted faults, coverage and the comparison of rulebooks."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from policy_engine import Engine
from policy_engine.testing import Strategies, as_yaml, compare, measure
from policy_engine.testing.campaign import Plan, Score, campaign, survivors
from policy_engine.testing.files import is_scenario_file, read_scenarios

ROOT = Path(__file__).resolve().parents[2]
STALL = ROOT / "tests" / "rulebooks" / "food-stall"
ENGINE = Engine(ROOT / "rules")
KIT = Strategies(ENGINE)


@settings(max_examples=150)
@given(KIT.scenarios("us/nv", as_of=dt.date(2026, 3, 2)), st.data())
def test_finding_out_a_fact_never_widens_the_candidates(scenario, data):
    unknown = [name for name, value in scenario.facts.items() if str(value) == "Unknown.UNKNOWN"]
    if not unknown:
        return
    name = data.draw(st.sampled_from(unknown))
    known = scenario.with_facts({name: data.draw(KIT.fact_values(name, jurisdiction="us/nv", as_of=scenario.as_of))})
    before, after = (ENGINE.evaluate(item).outcomes for item in (scenario, known))
    assert all(set(after[action].candidates) <= set(before[action].candidates) for action in before)


@settings(max_examples=60)
@given(KIT.scenarios("us/nv", as_of=dt.date(2026, 3, 2)))
def test_the_order_of_facts_changes_nothing_and_a_printed_scenario_says_the_same(scenario):
    import yaml

    turned = scenario.with_facts({})
    turned = type(scenario)(**{**turned.__dict__, "facts": dict(reversed(scenario.facts.items()))})
    written = yaml.safe_load(as_yaml(scenario, scenario.as_of.tzinfo))
    said = [{name: item.candidates for name, item in ENGINE.evaluate(case).outcomes.items()} for case in (scenario, turned, written)]
    assert said[0] == said[1] == said[2]


def test_values_lie_on_either_side_of_thresholds():
    hours = {find(KIT.fact_values("custody.hours_past_release"), lambda value, wanted=wanted: value == wanted) for wanted in (47.0, 48.0, 49.0)}
    assert hours == {47.0, 48.0, 49.0}
    assert find(KIT.convictions(), lambda records: len(records) == 2)
    with pytest.raises(AttributeError):
        KIT.nothing_such()


def test_scenarios_shrink_to_what_matters():
    found = find(KIT.scenarios("us/nv", as_of=dt.date(2026, 3, 2)), lambda item: "detainer.lodged" in item.facts)
    assert set(found.facts) == {"detainer.lodged"}


def test_two_rulebooks_are_told_apart(tmp_path):
    other = tmp_path / "rules"
    shutil.copytree(STALL, other)
    assert compare(Engine(STALL), Engine(other), examples=40) == []
    changed = 0
    for path in other.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if "norms:" in text and "forbid:" in text:
            path.write_text(text.replace("forbid:", "require:"), encoding="utf-8")
            changed += 1
    assert changed
    assert compare(Engine(STALL), Engine(other), examples=200)


def test_planted_faults_are_judged_and_a_run_is_taken_up_again(tmp_path):
    scenarios = tmp_path / "none"
    scenarios.mkdir()
    plan = Plan(STALL, (scenarios,), suggest=True)
    state = tmp_path / "state"
    first = campaign(plan, workers=1, state=state)
    left = list(survivors(first))
    assert left
    assert Score.of(first).counts["killed"] == 0
    seen: list[int] = []
    assert campaign(plan, workers=1, state=state, progress=lambda done, whole: seen.append(done)) == first
    assert seen == []


def test_suggested_scenarios_kill_the_survivors(tmp_path):
    from policy_engine.testing.campaign import write_suggestions

    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    results = campaign(Plan(STALL, (empty,), suggest=True), workers=1)
    write_suggestions(results, full)
    assert all(is_scenario_file(path) for path in full.rglob("*.yaml"))
    after = Score.of(campaign(Plan(STALL, (full,)), workers=1))
    assert after.killed(after.counts) >= 0.9


def test_coverage_counts_only_what_is_expected(tmp_path):
    engine = Engine(ROOT / "rules")
    scenarios = read_scenarios(engine, [ROOT / "scenarios" / "us" / "ca"])
    found = measure(engine, scenarios, ["us/ca"])
    assert 0 < found.norms[0] < found.norms[1]
    assert 0 < found.leaves[0] < found.leaves[1]
    assert measure(engine, [], ["us/ca"]).norms[0] == 0
    from policy_engine.testing.coverage_html import write_html

    index = write_html(engine, found, tmp_path)
    pages = list(tmp_path.glob("*.html"))
    assert len(pages) > 3
    assert any("applied" in page.read_text(encoding="utf-8") for page in pages if page != index)
