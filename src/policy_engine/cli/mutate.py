"""`policy-engine mutate`: small faults planted in the rules, and whether the scenarios and invariants notice."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policy_engine.cli.options import Rules
from policy_engine.language.problems import BadInput, unknown_name

if TYPE_CHECKING:
    from policy_engine.testing.campaign import Result

FORMATS = ("text", "json")


def command(
    scenarios: Annotated[list[Path] | None, typer.Argument(help="Scenario files or folders; `scenarios` if left out.")] = None,
    rules: Rules = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only faults in jurisdictions that fit this pattern (us/ca, us/ca/*); may be repeated.")] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Judge each n-th fault only.")] = 1,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0 for one each core.")] = 0,
    state: Annotated[Path | None, typer.Option("--state", help="A file that keeps what is done, so that the run can be taken up again.")] = None,
    suggest: Annotated[Path | None, typer.Option("--suggest", help="A folder to write scenarios into that would notice the survivors; review them before you keep them.")] = None,
    least: Annotated[float, typer.Option("--least", min=0, max=100, help="Exit 1 if less than this percentage of the faults that change something is noticed.")] = 0.0,
    format: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text",
) -> None:
    """Plant faults and tell which ones nothing notices; faults proved to change nothing are not counted."""
    from policy_engine.testing.campaign import Plan, Score, campaign, write_suggestions

    if format not in FORMATS:
        raise BadInput.one(unknown_name("format", format, FORMATS), "--format")
    plan = Plan(rules, tuple(scenarios or [Path("scenarios")]), tuple(only or ()), every, suggest is not None)
    results = campaign(plan, workers=workers, state=state, progress=_progress)
    score = Score.of(results)
    if format == "json":
        figures = {"counts": dict(score.counts), "killed": Score.killed(score.counts), "mutants": [asdict(result) for result in results]}
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    else:
        _tell(results, score)
    if suggest is not None:
        written = write_suggestions(results, suggest)
        sys.stderr.write(f"{sum(result.scenario is not None for result in results)} scenarios written in {len(written)} files under {suggest}\n")
    if 100 * Score.killed(score.counts) < least:
        raise typer.Exit(1)


def _progress(done: int, whole: int) -> None:
    end = "\n" if done == whole else ""
    sys.stderr.write(f"\r{done} of {whole} parts{end}" if sys.stderr.isatty() else f"{done} of {whole} parts\n")
    sys.stderr.flush()


def _tell(results: list[Result], score: object) -> None:
    from rich.console import Console
    from rich.table import Table

    from policy_engine.testing.campaign import OUTCOMES, Score, survivors

    assert isinstance(score, Score)
    for result in survivors(results):
        sys.stdout.write(f"{result.file}:{result.line}: {result.id}: {result.operator}: {result.told}: {result.outcome}{f' ({result.by})' if result.by else ''}\n")
    table = Table("operator", *OUTCOMES, "noticed", box=None, padding=(0, 2, 0, 0))
    for operator, counts in sorted(score.by_operator.items()):
        table.add_row(operator, *(str(counts[item]) for item in OUTCOMES), f"{Score.killed(counts):.1%}")
    table.add_row("all", *(str(score.counts[item]) for item in OUTCOMES), f"{Score.killed(score.counts):.1%}")
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140, highlight=False).print(table)
