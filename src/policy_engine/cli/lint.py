"""`policy-engine lint`: every rule file loaded and checked."""

from __future__ import annotations

import sys

import typer

from policy_engine.cli.options import Rules, engine_for, lines
from policy_engine.language.problems import BadInput, Problem


def command(rules: Rules = None) -> None:
    """Check the whole rulebook: one line for each fault; exit 1 if there is one."""
    engine = engine_for(rules)
    rulebook = engine.rulebook
    problems: list[Problem] = []
    counted = 0
    for jurisdiction in rulebook.rule_paths():
        if jurisdiction not in rulebook.places.by_path and jurisdiction not in rulebook.places.aliases:
            problems.append(Problem(f"{rulebook.shown}/{jurisdiction}", 0, 0, rulebook.places.unknown(jurisdiction)))
            continue
        try:
            path = rulebook.path(jurisdiction)
            counted += len(path.layers[-1].rules)
        except BadInput as error:
            problems += error.problems
    for line in lines(problems):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{counted} rules in {len(rulebook.rule_paths())} jurisdictions, {len(set(map(str, problems)))} problems\n")
    if problems:
        raise typer.Exit(1)
