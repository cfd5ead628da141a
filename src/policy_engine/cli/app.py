"""The command's entry: exit 0 done, 1 an expectation or check failed, 2 bad input or usage."""

from __future__ import annotations

import importlib
import sys
from itertools import pairwise
from pathlib import Path

import typer

from policy_engine.language.problems import BadInput, unknown_name

COMMANDS = ("decide", "batch", "ask", "why", "test", "coverage", "mutate", "show", "lint", "schema", "case", "replay")

app = typer.Typer(
    name="policy-engine",
    help="Decide scenarios under a rulebook: what is required, permitted and prohibited, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _add(names: tuple[str, ...]) -> None:
    for name in names:
        module = importlib.import_module(f"policy_engine.cli.{name}")
        app.command(name)(module.command)


def _add_table(name: str) -> None:
    """A word that is no command may be a registry table of the rulebook."""
    from policy_engine.cli.options import engine_for
    from policy_engine.cli.registry import command_for

    given = [Path(after) for word, after in pairwise(sys.argv) if word == "--rules"]
    try:
        tables = tuple(engine_for(given[0] if given else None).rulebook.tables)
    except BadInput:
        tables = ()
    if tables and name not in tables:
        sys.stderr.write(f"{unknown_name('command', name, (*COMMANDS, *tables))}\n")
        sys.exit(2)
    app.command(name)(command_for(name))


def main() -> None:
    """Run the command line; never a traceback for what people wrote."""
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if first in COMMANDS or not first or sys.argv[1].startswith("-"):
        _add((first,) if first in COMMANDS and "--help" not in sys.argv[1:2] else COMMANDS)
    else:
        _add_table(first)
    if len(app.registered_commands) == 1:
        app.callback()(lambda: None)
    try:
        app()
    except BadInput as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
