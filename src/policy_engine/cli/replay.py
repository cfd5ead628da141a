"""`policy-engine replay`: the log of a case checked, and decided again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cases.opinion import Disagreement
from policy_engine.cases.replay import Replay, replay
from policy_engine.cases.rete.process import DerivationFailed
from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput, unknown_name


def command(
    log: Annotated[Path, typer.Argument(help="The log of a case.")],
    rules: Rules = None,
    format: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text",
    head: Annotated[str | None, typer.Option("--head", help="The hash of the last line, as noted elsewhere; exit 1 if the log ends otherwise.")] = None,
    alone: Annotated[bool, typer.Option("--no-second-opinion", help="Decide by the circuit alone.")] = False,
) -> None:
    """Check every line of a log and decide its case again: the same under its own rulebook, what would differ under another."""
    if format not in ("text", "json"):
        raise BadInput.one(unknown_name("format", format, ("text", "json")), "--format")
    try:
        found = replay(log, engine_for(rules), False if alone else None)
    except (Disagreement, DerivationFailed) as error:
        sys.stderr.write(f"{log}: {error}\n")
        raise typer.Exit(1) from None
    if format == "json":
        sys.stdout.write(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(found)
    if head is not None and head != found.head:
        sys.stderr.write(f"{log}: ends with {found.head}, not with {head}: lines were cut off or written anew\n")
        raise typer.Exit(1)
    if not found.sound:
        raise typer.Exit(1)


def _tell(found: Replay) -> None:
    write = sys.stdout.write
    write(f"{found.entries} entries, every hash fits; last line {found.head}\n")
    if found.torn:
        write(f"line {found.entries + 1} is torn: {found.torn} bytes without an end; its entry does not count\n")
    write(f"{found.own} decided under this very rulebook; {found.same} told the same again, byte for byte; second opinion: {found.second_opinion}\n")
    for number, lines in found.differs.items():
        for line in lines:
            write(f"line {number + 1}: {line}\n")
    for number, why in found.impossible.items():
        write(f"line {number + 1} cannot be replayed: {why}\n")
