"""`policy-engine lint`: every rule file loaded and checked."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for, lines
from policy_engine.language.coverage import Account, account
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.rules import Layer
from policy_engine.language.usage import unused
from policy_engine.reasoning.checks import Checker


def command(
    rules: Rules = None,
    coverage: Annotated[Path | None, typer.Option("--coverage", help="A folder of research dossiers to hold against the rules.")] = None,
) -> None:
    """Check the whole rulebook: one line for each fault; exit 1 if there is one."""
    engine = engine_for(rules)
    rulebook = engine.rulebook
    if coverage is not None:
        _coverage(account(rulebook.root, rulebook.shown, coverage, rulebook.card.research))
        return
    problems: list[Problem] = []
    layers: dict[str, Layer] = {}
    checker = Checker.of(rulebook)
    try:
        engine.event_reader(dt.UTC)
    except BadInput as error:
        problems += error.problems
    for jurisdiction in rulebook.rule_paths():
        if jurisdiction not in rulebook.places.by_path and jurisdiction not in rulebook.places.aliases:
            problems.append(Problem(f"{rulebook.shown}/{jurisdiction}", 0, 0, rulebook.places.unknown(jurisdiction)))
            continue
        try:
            path = rulebook.path(jurisdiction)
            layers[jurisdiction] = path.layers[-1]
            problems += checker.check(path.layers)
        except BadInput as error:
            problems += error.problems
    for table in rulebook.tables.values():
        try:
            table.check()
        except BadInput as error:
            problems += error.problems
    if not problems:
        problems += unused(rulebook, layers.values(), engine.vocabulary_trees(), (start for _, start in engine.events.values() if start))
    for line in lines(problems):
        sys.stdout.write(f"{line}\n")
    counted = sum(len(layer.rules) for layer in layers.values())
    sys.stdout.write(f"{counted} rules in {len(layers)} jurisdictions, {len(set(map(str, problems)))} problems\n")
    if problems:
        raise typer.Exit(1)


def _coverage(found: Account) -> None:
    """The account of the research: a line for each missing entry and fault, then the counts."""
    for entry in found.missing:
        words = entry.text if len(entry.text) < 90 else f"{entry.text[:87]}..."
        sys.stdout.write(f"{entry.file}:{entry.line}:{entry.column}: `{entry.id}` is neither encoded nor left out: {words}\n")
    for line in lines(list(found.problems)):
        sys.stdout.write(f"{line}\n")
    counts = Counter(entry.section for entry in (*found.encoded, *found.left_out, *found.missing))
    sys.stdout.write(f"{', '.join(f'{number} {name}' for name, number in counts.items())}\n")
    sys.stdout.write(f"encoded {len(found.encoded)}, left out {len(found.left_out)}, missing {len(found.missing)}\n")
    if found.missing or found.problems:
        raise typer.Exit(1)
