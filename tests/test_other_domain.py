"""The engine under a rulebook of another domain, and no word of this one in its source."""

from __future__ import annotations

import re
from pathlib import Path

from policy_engine import Engine, Status
from policy_engine.expectations import failures

ROOT = Path(__file__).resolve().parent.parent
STALL = ROOT / "tests" / "rulebooks" / "food-stall"


def test_a_food_stall_is_judged() -> None:
    engine = Engine(STALL)
    scenarios = engine.scenarios(STALL / "scenarios.yaml")
    assert [line for scenario in scenarios for line in failures(engine, scenario)] == []
    assert len(scenarios) == 4
    decision = engine.evaluate(scenarios[-1])
    outcome = decision.outcomes["sell_hot_food"]
    assert outcome.status is Status.UNDETERMINED
    assert outcome.dispositive[0].ask == "When was the fridge last checked?"
    assert decision.disposition == ""


def test_the_engine_names_no_place_agency_action_or_instrument() -> None:
    words = set(re.findall(r"^  ([a-z_0-9]+):", (ROOT / "rules/vocabulary/actions.yaml").read_text(encoding="utf-8"), re.MULTILINE))
    words -= {"court", "federal", "interview", "transfer", "hold", "county", "city"}
    words |= {"detainer", "jail", "ice", "california", "texas", "287g", "immigration", "custody", "convictions", "offense", "hold_request"}
    pattern = re.compile(rf"\b({'|'.join(sorted(words))})\b", re.IGNORECASE)
    found = [f"{path.name}: {match.group()}" for path in (ROOT / "src").rglob("*.py") for match in pattern.finditer(path.read_text(encoding="utf-8"))]
    assert found == []


def test_files_stay_readable() -> None:
    long = {path.name: count for path in (ROOT / "src").rglob("*.py") if (count := len(path.read_text(encoding="utf-8").splitlines())) > 420}
    assert long == {}
