"""Scenario files read for testing: whole folders, leaving out what is no scenario."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.scenario import Scenario

_MARKS = {name: re.compile(rf"^(?:{keys}):", re.MULTILINE) for name, keys in (("place", "jurisdiction|base"), ("who", "agency|cases"), ("case", "events"))}


def is_scenario_file(path: Path) -> bool:
    """Whether a YAML file looks like a scenario file, told by the keys at its left edge; case files, which hold events, do not."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return bool(_MARKS["place"].search(text) and _MARKS["who"].search(text) and not _MARKS["case"].search(text))


def read_scenarios(engine: Engine, paths: Iterable[Path]) -> list[Scenario]:
    """Every scenario of some files and folders.

    Raises:
        BadInput: every fault of every file; a path that is not there.
    """
    found: list[Scenario] = []
    problems: list[Problem] = []
    for path in paths:
        if not path.exists():
            problems.append(Problem(str(path), 0, 0, "no such file or folder"))
            continue
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            if path.is_dir() and not is_scenario_file(file):
                continue
            try:
                found += engine.scenarios(file)
            except BadInput as error:
                problems += error.problems
    if problems:
        raise BadInput(problems)
    return found
