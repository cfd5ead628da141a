"""`policy-engine decide`: scenario files to decisions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for, lines, read_all
from policy_engine.language.problems import BadInput, unknown_name

FORMATS = ("text", "json", "markdown", "html", "mermaid")


def command(
    files: Annotated[list[Path], typer.Argument(help="Scenario files or folders.")],
    format: Annotated[str, typer.Option("--format", "-f", help="text, json, markdown, html or mermaid.")] = "text",
    action: Annotated[list[str] | None, typer.Option("--action", "-a", help="Judge only this action; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Decide as of another moment.")] = None,
    rules: Rules = None,
    brief: Annotated[bool, typer.Option("--brief", help="Only the first screen, without the rationale.")] = False,
) -> None:
    """Decide scenarios: outcome per action, duties, clocks, exposures, and the whole rationale."""
    from policy_engine.report import write

    if format not in FORMATS:
        raise BadInput.one(unknown_name("format", format, FORMATS), "--format")
    engine = engine_for(rules)
    scenarios, problems = read_all(engine, files)
    decisions = []
    for scenario in scenarios:
        try:
            decisions.append(engine.evaluate(scenario, actions=action, as_of=as_of))
        except BadInput as error:
            problems += error.problems
    if not problems:
        write(decisions, format, sys.stdout, brief=brief)
    for line in lines(problems):
        sys.stderr.write(f"{line}\n")
    if problems:
        raise typer.Exit(2)
