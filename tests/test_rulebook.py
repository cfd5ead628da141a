"""The shipped rulebook as a whole: worked cases for every state and place, both YAML loaders, law that follows its days."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from policy_engine import Engine
from policy_engine.language.scenario import Scenario

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "rules").rglob("*.yaml"))
STATES = [f"us/{folder.name}" for folder in sorted((ROOT / "rules" / "us").iterdir()) if folder.is_dir() and len(folder.name) == 2]
PLACES = ["/".join(folder.relative_to(ROOT / "rules").parts) for folder in sorted((ROOT / "rules" / "us").glob("??/*")) if folder.is_dir()]


@pytest.fixture(scope="module")
def scenarios(engine: Engine) -> list[Scenario]:
    """Every case worked by hand: not the case files of events, nor the pins found by search (scenarios/coverage)."""
    files = [path for path in sorted((ROOT / "scenarios").rglob("*.yaml")) if not {"cases", "coverage"} & set(path.relative_to(ROOT / "scenarios").parts)]
    return [case for path in files for case in engine.scenarios(path)]


def test_every_state_and_place_of_the_research_is_there() -> None:
    assert len(STATES) == 52  # the fifty states, the District of Columbia and Puerto Rico
    assert len(PLACES) >= 65


def test_each_state_has_four_worked_cases_and_each_place_two(scenarios: list[Scenario]) -> None:
    by_state = Counter("/".join(case.jurisdiction.split("/")[:2]) for case in scenarios)
    by_place = Counter(case.jurisdiction for case in scenarios)
    assert {state: by_state[state] for state in STATES if by_state[state] < 4} == {}
    assert {place: by_place[place] for place in PLACES if by_place[place] < 2} == {}


def test_every_case_says_what_it_expects_and_why(scenarios: list[Scenario]) -> None:
    assert [case.id for case in scenarios if not case.expect] == []
    assert [case.id for case in scenarios if not case.why or not case.source] == []
    names = Counter(case.id for case in scenarios)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_the_loader_in_plain_python_reads_every_file_alike(path: Path) -> None:
    """PyYAML's own loader refuses some flow scalars that libyaml takes; not every machine has libyaml."""
    text = path.read_text(encoding="utf-8")
    assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
