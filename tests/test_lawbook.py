"""The pages of law in words: made from the rules, never drifting from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_engine import Engine
from policy_engine.report.lawbook import markdown

RULES = Path(__file__).resolve().parent.parent / "rules"
FOLDERS = [path for path in Engine(RULES).rulebook.rule_paths() if (RULES / path).is_dir()]


@pytest.mark.parametrize("jurisdiction", FOLDERS)
def test_the_page_in_the_folder_is_the_one_the_rules_give(engine: Engine, jurisdiction: str) -> None:
    page = RULES / jurisdiction / "README.md"
    assert page.is_file(), "write the pages anew with: make pages"
    assert page.read_text(encoding="utf-8") == markdown(engine.rulebook, engine.rulebook.path(jurisdiction)), "write the pages anew with: make pages"


@pytest.mark.parametrize("jurisdiction", FOLDERS)
def test_the_page_names_every_rule_and_source(engine: Engine, jurisdiction: str) -> None:
    path = engine.rulebook.path(jurisdiction)
    page = markdown(engine.rulebook, path)
    for rule in path.layers[-1].rules:
        assert f"`{rule.id}`" in page
    for source in path.layers[-1].sources:
        assert f"`{source}`" in page
