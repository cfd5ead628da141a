"""`policy-engine coverage`: what scenarios try of the rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput, unknown_name

if TYPE_CHECKING:
    from policy_engine.testing.coverage import Coverage

FORMATS = ("text", "json", "html")


def command(
    scenarios: Annotated[list[Path] | None, typer.Argument(help="Scenario files or folders; `scenarios` if left out.")] = None,
    rules: Rules = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only rules of jurisdictions that fit this pattern (us/ca, us/ca/*); may be repeated.")] = None,
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or html.")] = "text",
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the pages of --format html.")] = Path("coverage"),
    gaps: Annotated[bool, typer.Option("--gaps", help="With text: a line for each norm that never applied and each test that came out one way only.")] = False,
    suggest: Annotated[Path | None, typer.Option("--suggest", help="A folder to write scenarios into, one for each untried side of a test; review before keeping.")] = None,
    norms: Annotated[float, typer.Option("--norms", min=0, max=100, help="Exit 1 if less than this percentage of norms applied.")] = 0.0,
    leaves: Annotated[float, typer.Option("--leaves", min=0, max=100, help="Exit 1 if less than this percentage of tests came out both ways.")] = 0.0,
) -> None:
    """Tell which norms applied, were displaced or failed on which test, which exceptions mattered and which holdings settled."""
    from policy_engine.testing.coverage import as_json, measure, percent
    from policy_engine.testing.files import read_scenarios

    if format not in FORMATS:
        raise BadInput.one(unknown_name("format", format, FORMATS), "--format")
    engine = engine_for(rules)
    found = measure(engine, read_scenarios(engine, scenarios or [Path("scenarios")]), only or ())
    if format == "json":
        sys.stdout.write(json.dumps(as_json(found), indent=1) + "\n")
    elif format == "html":
        from policy_engine.testing.coverage_html import write_html

        sys.stdout.write(f"written: {write_html(engine, found, output)}\n")
    else:
        _tell(found, gaps)
    if suggest is not None:
        from policy_engine.testing.fill import write_fillings

        sys.stderr.write(f"{write_fillings(engine, found, suggest)} scenarios written under {suggest}\n")
    if percent(found.norms) < norms or percent(found.leaves) < leaves:
        raise typer.Exit(1)


def _tell(found: Coverage, with_gaps: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from policy_engine.testing.coverage import Coverage as Whole
    from policy_engine.testing.coverage import by_jurisdiction, gaps, percent

    if with_gaps:
        for line in gaps(found):
            sys.stdout.write(f"{line}\n")
    table = Table("jurisdiction", "norms applied", "tests both ways", "exceptions that mattered", "holdings that applied", box=None, padding=(0, 2, 0, 0))
    rows = [(name, Whole(0, 0, tuple(items))) for name, items in by_jurisdiction(found.subjects).items()]
    for name, part in (*rows, ("all", found)):
        holdings = part.of_kind("holding")
        shares = (part.norms, part.leaves, part.exceptions, (sum(item.covered for item in holdings), len(holdings)))
        table.add_row(name, *(f"{a} of {b} ({percent((a, b)):.1f}%)" for a, b in shares))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140, highlight=False).print(table)
    sys.stdout.write(f"{found.scenarios} scenarios, {found.checks} expectations\n")
