"""What `policy-engine lint` finds: a sound rulebook gives nothing, each fault is told by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import small_rulebook
from typer.testing import CliRunner

from policy_engine import BadInput, Engine
from policy_engine.cli import app as cli
from policy_engine.reasoning.checks import Checker

USED = [{"id": "n.used", "authority": "base", "forbid": "open", "when": "a", "unless": "b"}]


def found(folder: Path, norms: list[dict[str, Any]], card: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    """The words of every problem of the layer `top`."""
    rulebook = Engine(small_rulebook.write(folder, norms, card, **sections)).rulebook
    return [problem.message for problem in Checker.of(rulebook).check(rulebook.path("top").layers)]


def norm(**keys: Any) -> dict[str, Any]:
    return {"id": "n.one", "authority": "base", "forbid": "open", **keys}


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"when": ["a", "a = false"]}, "never-applies"),
        ({"when": ["weight > 20", "weight < 10"]}, "never-applies"),
        ({"when": ["sent.hours_ago > 48", {"not": "sent.is_past"}]}, "never-applies"),
        ({"when": "a", "unless": ["b", "a"]}, "never-applies"),
        ({"when": ["colour = red"], "unless": ["colour = blue", "a"]}, "idle-exception"),
        ({"when": "a", "unless": ["weight > 10", "weight > 20"]}, "idle-exception"),
        ({"when": "kind = left", "binds": ["right"]}, "never-applies"),
        (
            {"when": [{"some": "events", "where": ["name = ant"]}, {"not": {"some": "events", "where": ["name in ant | bee"]}}]},
            "never-applies",
        ),
    ],
)
def test_a_rule_that_cannot_apply_or_an_exception_that_cannot_matter_is_found(tmp_path: Path, keys: dict[str, Any], word: str) -> None:
    messages = found(tmp_path, [norm(**keys)])
    assert len(messages) == 1
    assert messages[0].startswith("`n.one`")
    assert messages[0].endswith(f"[{word}]")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"when": ["a", "b"], "unless": "c"},
        {"when": ["weight > 10", "weight < 20"]},
        {"when": "a", "unless": ["weight > 20", "weight < 10"]},
        {"when": "law.q", "unless": "law.r"},
        {"when": "kind = left", "binds": ["left", "right"]},
        {"when": [{"some": "events", "where": ["name = ant"]}, {"not": {"some": "events", "where": ["name = bee"]}}]},
    ],
)
def test_a_sound_rule_gives_nothing(tmp_path: Path, keys: dict[str, Any]) -> None:
    assert found(tmp_path, [norm(**keys)]) == []


def test_two_norms_that_say_the_same_are_found(tmp_path: Path) -> None:
    second = {**norm(when="a", in_force={"from": "2020-01-01"}), "id": "n.two"}
    assert found(tmp_path / "x", [norm(when="a"), second]) == ["`n.two`: says of `open` what `n.one` says already [overlap]"]
    apart = {**norm(when="a", in_force={"from": "2020-01-01"}), "id": "n.two"}
    assert found(tmp_path / "y", [norm(when="a", in_force={"to": "2019-12-31"}), apart]) == []


LAW = {"laws": [{"id": "no-order", "says": "the top may order only with a mark", "jurisdictions": ["to*"], "effect": "require", "ranks": ["top"], "implies": "marks contains x"}]}


def test_a_law_of_the_card_is_held_against_every_norm_it_speaks_of(tmp_path: Path) -> None:
    order = {"id": "n.order", "authority": "base", "require": "open", "when": "a"}
    assert found(tmp_path / "x", [order], LAW) == ["`n.order`: the top may order only with a mark [no-order]"]
    assert found(tmp_path / "y", [{**order, "when": ["a", "marks contains x"]}], LAW) == []
    assert found(tmp_path / "z", [norm(when="a")], LAW) == []
    wrong = {"laws": [{**LAW["laws"][0], "implies": "marcs contains x"}]}
    with pytest.raises(BadInput, match="law `no-order`: unknown fact"):
        found(tmp_path / "w", [order], wrong)


def lint(book: Path) -> tuple[int, str]:
    cli._add(("lint", "schema"))
    result = CliRunner().invoke(cli.app, ["lint", "--rules", str(book)])
    return result.exit_code, result.output


def test_names_that_nothing_uses_are_found(tmp_path: Path) -> None:
    authorities = {**small_rulebook.BASE, "idle": {"cite": "Idle Act", "kind": "rule", "rank": "low"}, "bare": {"cite": " ", "kind": "rule", "rank": "low"}}
    notes = [{"id": "note.bare", "authority": "bare", "action": "open", "says": "x"}]
    classes = {"k.small": {"authority": "base", "members": ["ant"]}}
    book = small_rulebook.write(tmp_path, USED, authorities=authorities, notes=notes, classes=classes, concepts={"k.idle-concept": "a"})
    code, output = lint(book)
    assert code == 1
    for words in (
        "no rule rests on the authority `idle` [unused-authority]",
        "no rule uses the class `k.small` [unused-class]",
        "no rule uses the concept `k.idle-concept` [unused-concept]",
        "the authority `bare` has no citation [no-citation]",
        "no rule tests the fact `shape` [unused-fact]",
        "no rule tests the question of law `law.q` [unused-question]",
    ):
        assert words in output
    assert "`base`" not in output
    assert "the fact `a`" not in output
