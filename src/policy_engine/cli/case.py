"""`policy-engine case`: a case file run, its timeline printed; with `--follow` on the real clock."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cases.case import Case
from policy_engine.cases.casefile import aware, case_files
from policy_engine.cases.opinion import Disagreement
from policy_engine.cases.rete.process import DerivationFailed
from policy_engine.cli.options import Rules, engine_for
from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.times import parse_time
from policy_engine.report.timeline import FORMATS, print_steps, write

POLL = 1.0


def command(
    file: Annotated[Path, typer.Argument(help="A case file: a scenario with `events`.")],
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or gantt (mermaid).")] = "text",
    log: Annotated[Path | None, typer.Option("--log", help="Keep the case in this log; events that it holds are not applied again.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Let time run to this moment after the last event.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the real clock, and with events added to the file, until interrupted.")] = False,
    alone: Annotated[bool, typer.Option("--no-second-opinion", help="Decide by the circuit alone.")] = False,
    rules: Rules = None,
) -> None:
    """Run a case: after each event what changed and why, duties, clocks, what runs out, and what late news puts in question."""
    if format not in FORMATS:
        raise BadInput.one(unknown_name("format", format, FORMATS), "--format")
    if follow and format != "text":
        raise BadInput.one(f"`--follow` prints text; found `{format}`", "--format")
    engine = engine_for(rules)
    found = case_files(file, engine)
    if len(found) != 1:
        raise BadInput.one(f"holds {len(found)} cases; `case` runs a file with one", str(file))
    zone = engine.clockwork(engine.rulebook.path(found[0].scenario.jurisdiction)).zone
    end = aware(parse_time(until), zone) if until else None
    if until and end is None:
        raise BadInput.one(f"found `{until}`; a time is written 2026-03-02T14:00", "--until")
    try:
        with found[0].run(engine, log=log, second_opinion=False if alone else None, until=end) as case:
            write(case, format, sys.stdout)
            if follow:
                follow_file(engine, case, file)
    except (Disagreement, DerivationFailed) as error:
        sys.stderr.write(f"{file}: {error}\n")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def follow_file(engine: Engine, case: Case, file: Path, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC), sleep: Callable[[float], None] = time.sleep) -> None:
    """Print what the clock and new events of the file bring; ends when `sleep` is interrupted.

    A fault in the file is told and the rest waits until it is mended.
    """
    seen = file.stat().st_mtime_ns
    while True:
        sleep(POLL)
        changed = file.stat().st_mtime_ns
        before = len(case.timeline)
        try:
            if changed != seen:
                seen = changed
                for document in case_files(file, engine)[0].events:
                    case.apply(document.data, document=document)
            if clock() > case.now:
                case.advance(clock())
        except BadInput as error:
            sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        if len(case.timeline) > before:
            print_steps(case, case.timeline[before:], sys.stdout)
            sys.stdout.flush()
