"""`policy-engine test`: scenario and case files against their `expect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for, lines, read_all, scenario_files
from policy_engine.engine import Engine
from policy_engine.expectations import failures
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.scenario import is_case_file


def command(paths: Annotated[list[Path] | None, typer.Argument(help="Scenario and case files or folders; `scenarios` if left out.")] = None, rules: Rules = None) -> None:
    """Run scenarios and cases against their `expect`; for a failure show what governs. Exit 1 if one fails."""
    engine = engine_for(rules)
    paths = paths or [Path("scenarios")]
    files = [path for path in scenario_files(paths) if is_case_file(path)]
    scenarios, problems = read_all(engine, [path for path in paths if path not in files])
    failed = 0
    checked = 0
    for scenario in scenarios:
        try:
            found = failures(engine, scenario)
        except BadInput as error:
            problems += error.problems
            continue
        checked += len(scenario.expect) + len(scenario.expect_candidates)
        if found:
            failed += 1
            for line in found:
                sys.stdout.write(f"{line}\n")
    cases, case_checks, failed_cases, case_problems = _cases(engine, files)
    problems += case_problems
    for line in lines(problems):
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{len(scenarios)} scenarios, {checked} expectations, {failed} scenarios failed\n")
    if files:
        sys.stdout.write(f"{cases} cases, {case_checks} points of their timelines, {failed_cases} cases failed\n")
    if problems:
        raise typer.Exit(2)
    if failed or failed_cases:
        raise typer.Exit(1)


def _cases(engine: Engine, files: list[Path]) -> tuple[int, int, int, list[Problem]]:
    """Run case files: how many cases, points checked and cases failed; and the faults."""
    if not files:
        return 0, 0, 0, []
    from policy_engine.cases.casefile import case_files
    from policy_engine.cases.expectations import failures as case_failures

    count = checked = failed = 0
    problems: list[Problem] = []
    for path in files:
        try:
            for file in case_files(path, engine):
                count += 1
                checked += len(file.expect)
                found = case_failures(file.run(engine), file)
                failed += bool(found)
                sys.stdout.writelines(f"{line}\n" for line in found)
        except BadInput as error:
            problems += error.problems
    return count, checked, failed, problems
