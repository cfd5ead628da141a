"""The command's entry: exit 0 done, 1 an expectation or check failed, 2 bad input or usage."""

from __future__ import annotations

import importlib
import sys

import typer

from policy_engine.language.problems import BadInput

COMMANDS = ("decide", "batch", "ask", "why", "test", "show", "lint", "schema")

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


def main() -> None:
    """Run the command line; never a traceback for what people wrote."""
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    _add((first,) if first in COMMANDS and "--help" not in sys.argv[1:2] else COMMANDS)
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
