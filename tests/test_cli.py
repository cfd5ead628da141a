"""The command: exit codes, one line a fault, plain output when piped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from policy_engine.cli.schema import MODELS, schema_of

ROOT = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).parent / "policy-engine")


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], cwd=ROOT, capture_output=True, text=True, input=stdin, timeout=120)


def test_decide_prints_the_answer_and_its_reasons() -> None:
    done = run("decide", "scenarios/us/ca/ca-bail-posted-detainer.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Release; do not hold; do not notify; do not hand over" in done.stdout
    assert "ca.no-detainer-hold" in done.stdout
    assert "\x1b" not in done.stdout


def test_decide_as_json_of_several_files_is_a_list() -> None:
    done = run("decide", "-f", "json", "-a", "hold", "scenarios/us/ca/ca-bail-posted-detainer.yaml", "scenarios/us/pa/pa-unsettled-power.yaml")
    assert [item["outcomes"]["hold"]["status"] for item in json.loads(done.stdout)] == ["prohibited", "undetermined"]


def test_bad_input_is_one_line_and_exit_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: x\nas_of: 2026-01-01\njurisdiction: us/ca\nagency: {kind: sherif}\nfacts: {detainer.loged: true}\n", encoding="utf-8")
    for words in (["decide", str(bad)], ["test", str(bad)], ["ask", str(bad)], ["why", str(bad), "hold"]):
        done = run(*words)
        assert done.returncode == 2, words
        assert "Traceback" not in done.stderr
        assert f"{bad}:4:16: unknown agency kind `sherif`; did you mean `sheriff`?" in done.stderr.splitlines()
        assert f"{bad}:5:9: unknown fact `detainer.loged`; did you mean `detainer.lodged`, `detainer.signed`, `detainer.issued`?" in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["decide", "nowhere.yaml"], "nowhere.yaml: no such file or folder"),
        (["decide", "-f", "pdf", "scenarios/us/pa"], "unknown format `pdf`"),
        (["decide", "-a", "holt", "scenarios/us/pa"], "unknown action `holt`; did you mean `hold`?"),
        (["decide", "--as-of", "soon", "scenarios/us/pa/pa-unsettled-power.yaml"], "found `soon`; a time is written"),
        (["show", "us/zz"], "unknown place `us/zz`"),
        (["show", "us/ca", "--on", "today"], "a day is written YYYY-MM-DD"),
        (["schema", "rule"], "unknown kind of file `rule`; did you mean"),
        (["lint", "--rules", "docs"], "no rulebook.yaml here"),
    ],
)
def test_wrong_words_end_with_2(words: list[str], told: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert told in done.stderr


def test_lint_is_clean() -> None:
    done = run("lint")
    assert (done.returncode, done.stdout.splitlines()[-1].endswith("0 problems")) == (0, True)


def test_a_failed_expectation_ends_with_1(tmp_path: Path) -> None:
    text = (ROOT / "scenarios/us/ca/ca-bail-posted-detainer.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("hold: prohibited", "hold: required"), encoding="utf-8")
    done = run("test", str(wrong))
    assert done.returncode == 1
    assert "hold: expected required, found prohibited" in done.stdout


def test_ask_asks_the_best_question_and_writes_the_scenario(tmp_path: Path) -> None:
    source = tmp_path / "case.yaml"
    source.write_text((ROOT / "scenarios/us/federal/service-on-person-not-known.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    done = run("ask", str(source), "-a", "hold", stdin="perhaps\nfalse\n")
    assert done.returncode == 0
    assert "Has a copy of the detainer been served on the person?" in done.stdout
    assert "is true, false or unknown; found `perhaps`" in done.stdout
    assert "hold: prohibited" in done.stdout
    written = yaml.safe_load((tmp_path / "case.answered.yaml").read_text(encoding="utf-8"))
    assert written["facts"]["detainer.served_on_person"] is False
    assert run("decide", str(tmp_path / "case.answered.yaml")).returncode == 0


def test_show_lists_the_law_of_a_day() -> None:
    before, after = run("show", "us/ca", "--on", "2017-12-31", "--own"), run("show", "us/ca", "--on", "2018-01-01", "--own")
    assert "ca.no-detainer-hold" not in before.stdout
    assert "ca.no-detainer-hold" in after.stdout


def test_why_gives_the_shortest_change() -> None:
    done = run("why", "scenarios/us/ca/ca-look-back-day-after.yaml", "notify_release", "--not", "permitted")
    assert "notify_release is permitted if " in done.stdout


@pytest.mark.parametrize("kind", MODELS)
def test_schemas_are_schemas(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(kind))


def test_shipped_files_fit_their_schemas() -> None:
    def plain(path: Path) -> list[object]:
        return json.loads(json.dumps(list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))))  # type: ignore[no-any-return]

    rules = jsonschema.Draft202012Validator(schema_of("rules"))
    assert not rules.is_valid({"jurisdiction": "us", "norm": []})
    assert rules.is_valid({"jurisdiction": "us", "norms": [{"id": "a", "authority": "b", "forbid": "hold", "binds": "jail", "in_force": {"from": "2020-01-01"}}]})
    one, several = (jsonschema.Draft202012Validator(schema_of(kind)) for kind in ("scenario", "scenarios"))
    for path in sorted((ROOT / "scenarios/us/pa").glob("*.yaml")):
        for document in plain(path):
            errors = (several if "cases" in document else one).iter_errors(document)
            assert [error.message for error in errors if error.validator in ("additionalProperties", "required")] == []
