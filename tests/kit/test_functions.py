"""Invariants written as functions: laws of every rulebook, kept by the engine and broken by faulty ones; their collection; their counterexamples."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from policy_engine import BadInput, Engine
from policy_engine.language.rulebook import LawPath, Rulebook
from policy_engine.testing import FunctionInvariant, Strategies, invariant

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "rules"
STALL = ROOT / "tests" / "rulebooks" / "food-stall"
KIT = Strategies(RULES)


def answers(decision: Any) -> dict[str, tuple[Any, ...]]:
    return {name: outcome.candidates for name, outcome in decision.outcomes.items()}


@invariant(jurisdictions=["us/tx", "us/ca", "us/il", "us/ma"], examples=100)
def a_fact_that_no_norm_reads_changes_nothing(scenario, decide, draw, kit):
    """A fact that no norm reads changes nothing."""
    name = draw(st.sampled_from(kit.unread_facts(scenario.jurisdiction)))
    value = draw(kit.fact_values(name, jurisdiction=scenario.jurisdiction, as_of=scenario.as_of))
    assert answers(decide(scenario)) == answers(decide(scenario.with_facts({name: value})))


@invariant(jurisdictions=["us/tx", "us/ca", "us/il", "us/ma"], examples=100)
def the_order_of_facts_does_not_matter(scenario, decide, draw):
    """The order of facts does not matter."""
    turned = list(scenario.facts.items())
    random.Random(draw(st.integers(0, 9))).shuffle(turned)
    assert answers(decide(scenario)) == answers(decide(replace(scenario, facts=dict(turned))))


class Forgetful(Engine):
    """An engine with room for two facts: the first given are forgotten."""

    def decide(self, scenario: Any, *args: Any, **named: Any) -> Any:
        return super().decide(replace(scenario, facts=dict(list(scenario.facts.items())[-2:])), *args, **named)


@pytest.mark.parametrize("law", [a_fact_that_no_norm_reads_changes_nothing, the_order_of_facts_does_not_matter], ids=lambda law: law.id)
def test_an_engine_that_forgets_facts_breaks_it(law):
    found = replace(law, jurisdictions=("us/tx",), examples=600, unknowns=0.0).counterexample(Strategies(Forgetful(RULES)))
    assert found is not None
    assert isinstance(found.error, AssertionError)
    assert len(found.scenario.facts) >= 2
    assert found.scenario.title == law.says


def test_a_norm_that_reads_the_fact_after_all_is_noticed(monkeypatch):
    """A rule that the list of facts read misses: the invariant is about what norms do, not about the list."""
    missed = frozenset({"detainer.lodged", "court_order.kind"})
    kit = Strategies(RULES)
    monkeypatch.setattr(kit, "unread_facts", lambda place: sorted(missed))
    assert replace(a_fact_that_no_norm_reads_changes_nothing, jurisdictions=("us/tx",)).counterexample(kit) is not None


class Turned(Rulebook):
    """A rulebook whose files are read from the last to the first."""

    def files(self, jurisdiction: str) -> list[tuple[Path, str]]:
        return super().files(jurisdiction)[::-1]


class HalfRead(Turned):
    """One that also loses the norms of each layer that are read last."""

    def path(self, jurisdiction: str) -> LawPath:
        found = super().path(jurisdiction)
        return replace(found, layers=tuple(replace(layer, norms=layer.norms[: len(layer.norms) // 2]) for layer in found.layers))


def same_as_in(other: Engine) -> Any:
    """The invariant that another engine answers the same."""

    @invariant(jurisdictions=["us/tx", "us/ca"], examples=100, unknowns=0.1)
    def the_order_of_files_does_not_matter(scenario, decide):
        """The order of files does not matter."""
        assert answers(decide(scenario)) == answers(other.evaluate(scenario))

    return the_order_of_files_does_not_matter


def test_the_order_of_files_does_not_matter():
    turned = Turned(RULES)
    assert [len(turned.files(place)) > 1 for place in ("us", "us/tx", "us/ca")] == [True] * 3
    assert turned.files("us") != KIT.engine.rulebook.files("us")
    assert same_as_in(Engine(turned)).counterexample(KIT) is None


def test_a_reader_that_loses_what_it_reads_last_breaks_it():
    found = same_as_in(Engine(HalfRead(RULES))).counterexample(KIT)
    assert found is not None
    assert isinstance(found.error, AssertionError)


# -- the decorator and the plugin -----------------------------------------------------------------
def test_no_health_check_fails_and_places_are_spread():
    places = set()

    @invariant(examples=60)
    def seen(scenario):
        places.add(scenario.jurisdiction)

    settings.register_profile("strict", suppress_health_check=())
    settings.load_profile("strict")
    try:
        assert seen.counterexample(Strategies(RULES)) is None
    finally:
        settings.load_profile("suite")
    assert len(places) > 10


def test_what_an_invariant_may_take_is_told():
    with pytest.raises(TypeError, match="takes `case`; an invariant takes any of scenario, decide, draw, kit"):
        invariant()(lambda case: None)
    with pytest.raises(BadInput, match="no place with rules fits us/nowhere"):
        invariant(jurisdictions="us/nowhere")(lambda scenario: None).counterexample(KIT)


@pytest.mark.parametrize("page", ["README.md", "docs/testing-rules.md"])
def test_the_invariants_of_the_documents_hold(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "@invariant(" in block]
    assert len(blocks) == 1
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    laws = [item for item in names.values() if isinstance(item, FunctionInvariant)]
    assert len(laws) == 1
    assert laws[0].counterexample(KIT) is None


FUNCTIONS = '''
from policy_engine.testing import invariant

@invariant(examples=400)
def nothing_is_forbidden(scenario, decide):
    """Whatever is so, nothing is forbidden."""
    statuses = {outcome.status.value for outcome in decide(scenario).outcomes.values()}
    assert "prohibited" not in statuses, "something is forbidden"

@invariant(unknowns=0, examples=50)
def every_answer_has_a_candidate(scenario, decide):
    assert all(outcome.candidates for outcome in decide(scenario).outcomes.values())
'''


@pytest.mark.parametrize("home", ["rules/invariants.py", "tests/test_laws.py"])
def test_the_plugin_collects_functions_and_writes_the_counterexample(home: str, tmp_path: Path) -> None:
    shutil.copytree(STALL, tmp_path / "rules")
    (tmp_path / home).parent.mkdir(exist_ok=True)
    (tmp_path / home).write_text(FUNCTIONS, encoding="utf-8")
    run = [sys.executable, "-m", "pytest", "-q", "--rulebook", "rules", "--counterexamples", "found", *([home] if home.startswith("tests") else [])]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "POLICY_ENGINE_CACHE": "off"})
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "nothing-is-forbidden: Whatever is so, nothing is forbidden." in done.stdout
    assert 'assert "prohibited" not in statuses, "something is forbidden"' in done.stdout
    assert "every_answer_has_a_candidate" not in done.stdout
    written = tmp_path / "found" / "nothing-is-forbidden.yaml"
    decision = Engine(STALL).evaluate(written)
    assert "prohibited" in {outcome.status.value for outcome in decision.outcomes.values()}
