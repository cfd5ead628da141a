"""The reports: what stands first, that JSON keeps its shape, and that no colour reaches a pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policy_engine import Engine
from policy_engine.report import FORMATS, render
from policy_engine.report.shape import SCHEMA

KEYS = {
    "schema", "scenario", "title", "as_of", "jurisdiction", "layers", "agency", "disposition", "outcomes", "not_its_act", "duties", "exposures", "notes",
    "deadlines", "registry", "presumptions", "assumed", "trace", "rulebook", "engine",
}  # fmt: skip
OUTCOME = {"status", "basis", "candidates", "because", "if", "leaning", "dispositive", "governing", "displaced", "confidence", "due", "cut_off"}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["us/ca/ca-bail-posted-detainer", "us/la/orleans-parish/orleans-detainer-2025", "us/federal/county-asked-about-hold"])
def test_every_format_tells_every_scenario(engine: Engine, scenario_root: Path, name: str, format: str) -> None:
    text = render(engine.evaluate(scenario_root / f"{name}.yaml"), format)
    assert "adopt_limits" in text
    assert "\x1b[" not in text


def test_the_first_screen_is_what_a_duty_officer_needs(engine: Engine, scenario_root: Path) -> None:
    text = engine.evaluate(scenario_root / "us/federal/thanksgiving-saturday.yaml").explain("text")
    head, _, rest = text.partition("\nRationale")
    assert "Do not hold until settled" in head
    assert "undetermined: permitted or prohibited" in head
    assert "ends Mon 2025-12-01 17:00 CST" in head
    assert "Find out next" in head
    assert "us.hold.max-48h" in rest
    assert "Not legal advice" in rest


def test_json_keeps_its_shape(engine: Engine, scenario_root: Path) -> None:
    decision = engine.evaluate(scenario_root / "us/la/orleans-parish/orleans-detainer-2025.yaml")
    found = json.loads(render(decision, "json"))
    assert found["schema"] == SCHEMA == "policy-engine.decision/1"
    assert set(found) == KEYS
    assert set(found["outcomes"]["hold"]) == OUTCOME
    assert found["rulebook"]["digest"] == engine.rulebook.path("us/la/orleans-parish").digest
    assert found == decision.to_dict()
    assert "trace" not in decision.to_dict(trace=False)


def test_the_json_page_documents_every_key() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "decision-json.md").read_text(encoding="utf-8")
    assert [key for key in sorted(KEYS | OUTCOME) if f"`{key}`" not in page] == []


def test_mermaid_is_one_graph_with_quoted_labels(engine: Engine, scenario_root: Path) -> None:
    graph = engine.evaluate(scenario_root / "us/mt/mt-double-law.yaml", actions=["hold"]).explain("mermaid")
    first, *lines = graph.splitlines()
    assert first == "flowchart LR"
    assert all(line.startswith("  n") for line in lines)


def test_an_unknown_format_is_refused(engine: Engine, scenario_root: Path) -> None:
    with pytest.raises(ValueError, match="unknown format"):
        engine.evaluate(scenario_root / "us/mt/mt-double-law.yaml").explain("pdf")
