"""The account of the research: encoded, left out with a reason, or missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_rulebook
import yaml

from policy_engine import BadInput
from policy_engine.language.coverage import Account, account
from policy_engine.language.vocabulary import Research

RESEARCH = Research(named=("provisions",), numbered={"doubts": "doubt"})
DOSSIER = {"provisions": [{"id": "n.one", "says": "first"}, {"id": "n.two"}, {"id": "n.three"}], "doubts": ["Whether it holds.", "Whether it binds."]}


def held(folder: Path, left_out: list[dict[str, object]], covers: list[str]) -> Account:
    book = small_rulebook.write(folder / "book", [{"id": "n.one", "authority": "base", "forbid": "open", "covers": covers}])
    (book / "left_out.yaml").write_text(yaml.safe_dump({"left_out": left_out}), encoding="utf-8")
    (folder / "law").mkdir(exist_ok=True)
    (folder / "law" / "place.yaml").write_text(yaml.safe_dump(DOSSIER, sort_keys=False), encoding="utf-8")
    return account(book, "book", folder / "law", RESEARCH)


def test_every_entry_is_encoded_left_out_or_missing(tmp_path: Path) -> None:
    found = held(tmp_path, [{"ids": ["n.three"], "why": "binds only schools"}], ["n.two", "place.doubt-2"])
    assert [item.id for item in found.encoded] == ["n.one", "n.two", "place.doubt-2"]
    assert [item.id for item in found.left_out] == ["n.three"]
    assert [(item.id, item.text, item.line) for item in found.missing] == [("place.doubt-1", "Whether it holds.", 7)]
    assert found.problems == ()


def test_a_reason_for_what_is_carried_or_does_not_exist_is_a_fault(tmp_path: Path) -> None:
    found = held(tmp_path, [{"ids": ["n.one", "n.tree"], "why": "binds only schools"}, {"ids": ["n.tree"], "why": "for another reason"}], [])
    told = sorted(problem.message for problem in found.problems)
    assert told[0] == "`n.one` is left out here, but a rule carries it"
    assert told[1] == "`n.tree` is named twice"
    assert told[2].startswith("unknown entry of the research `n.tree`; did you mean `n.three`")


def test_a_reason_is_needed(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"left_out\.yaml"):
        held(tmp_path, [{"ids": ["n.two"], "why": "no"}], [])
    with pytest.raises(BadInput, match="no dossiers"):
        account(tmp_path / "book", "book", tmp_path / "nothing", RESEARCH)
