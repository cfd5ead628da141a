"""`policy-engine TABLE`: the rows of a registry table in force on a day, and with `--check` what the law said of them."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput
from policy_engine.language.yamlfile import as_date
from policy_engine.tablecheck import Finding, check_table, find_table


def command_for(name: str) -> Callable[..., None]:
    """The command that shows or checks the table of a name."""

    def command(
        on: Annotated[str | None, typer.Option("--on", help="The day, YYYY-MM-DD; the last day that the table is known to, if left out.")] = None,
        check: Annotated[bool, typer.Option("--check", help="Hold every row against the law of its place.")] = False,
        rules: Rules = None,
    ) -> None:
        engine = engine_for(rules)
        table = find_table(engine, name)
        day = (table.spec.known_to or dt.date.today()) if on is None else as_date(on)
        if day is None:
            raise BadInput.one(f"found `{on}`; a day is written YYYY-MM-DD", "--on")
        console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 180, highlight=False, markup=False, emoji=False)
        if check:
            report(console, name, day, list(check_table(engine, name, day)))
            return
        listed = Table(title=f"{table.spec.says} In force on {day}.", title_justify="left", box=None, padding=(0, 2, 0, 0))
        rows = [row for row in table.rows() if day in row.span]
        for column in rows[0].cells if rows else ("no rows",):
            listed.add_column(column, overflow="fold")
        for row in rows:
            listed.add_row(*row.cells.values())
        console.print(listed)

    command.__doc__ = f"Rows of the registry table {name}; with --check, what the law said of them."
    return command


def report(console: Console, name: str, day: dt.date, findings: list[Finding]) -> None:
    """Counts by state and status, then every row that the law certainly forbade, with the governing source."""
    states = sorted({"/".join(item.row.place.split("/")[:2]) for item in findings})
    statuses = sorted({item.told for item in findings}, key=lambda word: (word.count(" or "), word))
    counts = Counter(("/".join(item.row.place.split("/")[:2]), item.told) for item in findings)
    table = Table(title=f"{name} in force on {day}, by what the law of their place says", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("place")
    for status in statuses:
        table.add_column(status, justify="right")
    for state in states:
        table.add_row(state, *(str(counts[state, status] or "") for status in statuses))
    table.add_row("all", *(str(sum(counts[state, status] for state in states)) for status in statuses))
    console.print(table)
    against = [item for item in findings if item.contradicts]
    console.print(f"{len(findings)} rows, {len(against)} against the law of their place")
    for item in against:
        assert item.outcome is not None
        names = ", ".join(value for column, value in item.row.cells.items() if column not in ("place", "to"))
        sources = "; ".join(f"{rule.citation} ({rule.confidence} confidence)" for rule in item.outcome.governing)
        console.print(f"  {item.row.place}: {names}: {item.told}, {sources}")
