"""Every scenario file of the repository against its `expect`."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_engine import Engine
from policy_engine.expectations import failures
from policy_engine.language.scenario import is_case_file

FILES = sorted(path for path in (Path(__file__).resolve().parent.parent / "scenarios").rglob("*.yaml") if not is_case_file(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(engine: Engine, path: Path) -> None:
    scenarios = engine.scenarios(path)
    assert any(scenario.expect or scenario.expect_candidates for scenario in scenarios), "a scenario without an expectation tests nothing"
    assert [line for scenario in scenarios for line in failures(engine, scenario)] == []


def test_ids_are_used_once(engine: Engine) -> None:
    ids = [scenario.id for path in FILES for scenario in engine.scenarios(path)]
    assert len(ids) == len(set(ids))
    assert len(FILES) >= 60


def test_a_wrong_expectation_fails_and_shows_what_governs(engine: Engine, tmp_path: Path) -> None:
    text = next(path for path in FILES if path.stem == "ca-bail-posted-detainer").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("hold: prohibited", "hold: permitted"), encoding="utf-8")
    found = "\n".join(failures(engine, engine.scenario(wrong)))
    assert "hold: expected permitted, found prohibited" in found
    assert "applied: ca.no-detainer-hold" in found
