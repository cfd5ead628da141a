"""`policy-engine batch`: tables and scenario files in, a table of decisions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput, unknown_name

PLACES_TO_RUN = ("here", "spark")


def command(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders or globs: .yaml scenarios, .jsonl, .csv, .parquet, .arrow.", metavar="IN...")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write: .jsonl, .csv, .parquet or .arrow.")],
    map: Annotated[str | None, typer.Option("--map", help="A mapping file, or the name of a shipped one.")] = None,
    action: Annotated[list[str] | None, typer.Option("--action", "-a", help="Judge only this action; may be repeated.")] = None,
    keep: Annotated[list[str] | None, typer.Option("--keep", help="Carry this column, which is no fact, to the output; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The moment for rows that name none.")] = None,
    jurisdiction: Annotated[str | None, typer.Option("--jurisdiction", help="The place for rows that name none.")] = None,
    agency_kind: Annotated[str | None, typer.Option("--agency-kind", help="The kind of agency for rows that name none.")] = None,
    summary: Annotated[Path | None, typer.Option("--summary", help="Write counts of outcomes to this .csv, and a picture (.svg, .png) beside it.")] = None,
    by: Annotated[str, typer.Option("--by", help="What the summary groups by: jurisdiction, agency.kind, year or kept columns, with commas.")] = "jurisdiction",
    trace: Annotated[Path | None, typer.Option("--trace", help="Write one trace file for each distinct pattern of facts into this folder.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 2 if a row could not be read or an id stands twice.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a killed run stopped.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no report.")] = False,
    chunk_rows: Annotated[int, typer.Option("--chunk-rows", min=64, help="Rows held at a time.")] = 1 << 17,
    on: Annotated[str, typer.Option("--on", help="Where to run: here, or spark.")] = "here",
    rules: Rules = None,
) -> None:
    """Decide whole tables: per action the status, the candidates where it is open, and the governing citation.

    Rows that cannot be read go to OUT.rejects.jsonl with the reason. The output appears under its name only when it is whole.
    """
    from policy_engine.batch.extras import need

    for module in ("numpy", "pyarrow", "polars"):
        need(module)
    if on not in PLACES_TO_RUN:
        raise BadInput.one(unknown_name("place to run", on, PLACES_TO_RUN), "--on")
    from policy_engine.batch.evaluate import Batch
    from policy_engine.batch.formats import inputs as files_of
    from policy_engine.batch.mapping import Mapping
    from policy_engine.batch.mapping_file import load_mapping, mapping_path
    from policy_engine.batch.run import Job, Run

    engine = engine_for(rules)
    path = None if map is None else mapping_path(map, engine.rulebook)
    mapping = None if path is None else Mapping(load_mapping(path), engine.rulebook, str(path))
    kept = (*(keep or ()), *(mapping.file.keep if mapping else ()))
    groups = tuple(filter(None, (part.strip() for part in by.split(",")))) if summary else ()
    for name in groups:
        if name not in ("jurisdiction", "agency.kind", "year", *kept):
            raise BadInput.one(unknown_name("group", name, ("jurisdiction", "agency.kind", "year", *kept)), "--by")
    defaults = {name: value for name, value in (("as_of", as_of), ("jurisdiction", jurisdiction), ("agency.kind", agency_kind)) if value is not None}
    if on == "spark":
        from policy_engine.batch.spark import run as run_on_spark

        rows = run_on_spark(files_of(inputs), output, rules=rules, mapping=path, actions=action, keep=kept, defaults=defaults)
        if not quiet:
            sys.stderr.write(f"{rows:,} rows decided on Spark -> {output}\n")
        return
    batch = Batch(engine, action, defaults=defaults, keep=kept)
    job = Job(tuple(files_of(inputs)), output, chunk_rows, mapping, kept, trace, groups, resume, quiet)
    run = Run(batch, job)
    report = run.go()
    made = run.tally.write(summary) if summary else []
    if not quiet:
        sys.stderr.write(f"{report.read:,} rows read, {report.decided:,} decided in {report.seconds:.1f} s -> {output}\n")
        if report.skipped:
            sys.stderr.write(f"{report.skipped:,} rows left out by the mapping, {report.rejected:,} could not be read -> {output}.rejects.jsonl\n")
        elif report.rejected:
            sys.stderr.write(f"{report.rejected:,} rows could not be read -> {output}.rejects.jsonl\n")
        if report.duplicates:
            sys.stderr.write(f"{report.duplicates:,} rows repeat an id, first `{report.first_duplicate}`; they were decided all the same\n")
        for item in made:
            sys.stderr.write(f"summary -> {item}\n")
    if strict and (report.rejected or report.duplicates):
        raise typer.Exit(2)
