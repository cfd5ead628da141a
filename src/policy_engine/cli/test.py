"""`policy-engine test`: scenario files against their `expect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for, lines, read_all
from policy_engine.expectations import failures
from policy_engine.language.problems import BadInput


def command(paths: Annotated[list[Path] | None, typer.Argument(help="Scenario files or folders; `scenarios` if left out.")] = None, rules: Rules = None) -> None:
    """Run scenarios against their `expect`; for a failure show what governs. Exit 1 if one fails."""
    engine = engine_for(rules)
    scenarios, problems = read_all(engine, paths or [Path("scenarios")])
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
    for line in lines(problems):
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{len(scenarios)} scenarios, {checked} expectations, {failed} scenarios failed\n")
    if problems:
        raise typer.Exit(2)
    if failed:
        raise typer.Exit(1)
