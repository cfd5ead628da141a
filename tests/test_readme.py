"""The README's own examples, run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from policy_engine import Engine, Status, evaluate

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def test_the_readme_scenario_is_decided(tmp_path: Path) -> None:
    path = tmp_path / "bail-posted.yaml"
    path.write_text(BLOCKS[0], encoding="utf-8")
    decision = evaluate(path)
    assert decision.outcomes["hold"].status is Status.PROHIBITED
    assert decision.outcomes["hold"].governing[0].citation.startswith("Cal. Gov. Code")
    assert decision.what_if("notify_release", Status.PERMITTED) is not None
    assert decision.explain("markdown").startswith("# bail-posted")


def test_the_readme_rule_works_in_its_folder(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    folder = tmp_path / "rules" / yaml.safe_load(BLOCKS[1])["jurisdiction"]
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(BLOCKS[1], encoding="utf-8")
    case = {"id": "x", "as_of": "2025-03-02T14:00", "jurisdiction": "us/pa/lehigh-county", "agency": {"kind": "jail"}, "facts": {"detainer.lodged": True}}
    assert Engine(tmp_path / "rules").evaluate(case).outcomes["hold"].status is Status.PROHIBITED
    assert Engine(ROOT / "rules").evaluate(case).outcomes["hold"].status is Status.UNDETERMINED


def test_the_readme_case_runs(tmp_path: Path) -> None:
    path = tmp_path / "bail-posted.yaml"
    path.write_text(BLOCKS[0], encoding="utf-8")
    code = re.findall(r"```python\n(case = .*?)```", README, re.DOTALL)[0].replace('"bail-posted.yaml"', "path").replace('"case.jsonl"', "log")
    space = {"engine": Engine(ROOT / "rules"), "path": path, "log": tmp_path / "case.jsonl"}
    exec(code, space)
    assert space["step"].acts[0].verdict == "in order"
    assert space["case"].second_opinion == "agreed"
    space["case"].close()


def test_every_command_of_the_readme_exists() -> None:
    from policy_engine.cli.app import COMMANDS

    named = set(re.findall(r"^policy-engine (\w+)", README, re.MULTILINE))
    assert named == {*COMMANDS, *(name for name, table in Engine(ROOT / "rules").rulebook.tables.items() if table.spec.check)}
