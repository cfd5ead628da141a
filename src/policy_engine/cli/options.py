"""Options that several sub-commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.scenario import Scenario, is_case_file

Rules = Annotated[Path | None, typer.Option("--rules", help="The rulebook's folder; the shipped one if left out.")]


def engine_for(rules: Path | None) -> Engine:
    """The engine for `--rules`."""
    return Engine(rules)


def scenario_files(paths: list[Path]) -> list[Path]:
    """The scenario files at the paths; a folder means every .yaml below it.

    Raises:
        BadInput: a path that does not exist, or a folder without scenarios.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*.yaml") if not any(part.startswith(".") for part in item.parts))
            if not inside:
                raise BadInput.one("no .yaml files in this folder", str(path))
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise BadInput.one("no such file or folder", str(path))
    return found


def read_all(engine: Engine, paths: list[Path]) -> tuple[list[Scenario], list[Problem]]:
    """Every scenario of the files, and every fault. Case files are passed over in folders."""
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for path in scenario_files(paths):
        if is_case_file(path):
            if path in paths:
                problems.append(Problem(str(path), 0, 0, "this is a case file, with events; run it with `policy-engine case`"))
            continue
        try:
            scenarios += engine.scenarios(path)
        except BadInput as error:
            problems += error.problems
    return scenarios, problems


def lines(problems: list[Problem]) -> Iterator[str]:
    """One line for each fault, each once."""
    yield from dict.fromkeys(str(problem) for problem in sorted(problems))
