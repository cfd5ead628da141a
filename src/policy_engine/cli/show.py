"""`policy-engine show`: the law in force for a place on a day."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput
from policy_engine.language.rules import ExposureRule, HoldingRule, NormRule, PreemptionRule, RuleBase
from policy_engine.language.tables import Table as RegistryTable
from policy_engine.language.times import covers
from policy_engine.language.yamlfile import as_date
from policy_engine.report import lawbook


def command(
    jurisdiction: Annotated[str, typer.Argument(help="The path or alias of a place.")],
    on: Annotated[str | None, typer.Option("--on", help="The day, YYYY-MM-DD; today if left out.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Show pending law too; it never governs.")] = False,
    own: Annotated[bool, typer.Option("--own", help="Only the place's own layer, not those above it.")] = False,
    format: Annotated[Literal["table", "markdown"], typer.Option("--format", "-f", help="table; markdown: the place's own law over all days, for review.")] = "table",
    rules: Rules = None,
) -> None:
    """List the norms, preemptions, holdings, duties, clocks, exposures, notes and registry rows in force."""
    if format == "markdown":
        rulebook = engine_for(rules).rulebook
        sys.stdout.write(lawbook.markdown(rulebook, rulebook.path(jurisdiction)))
        return
    day = dt.date.today() if on is None else as_date(on)
    if day is None:
        raise BadInput.one(f"found `{on}`; a day is written YYYY-MM-DD", "--on")
    rulebook = engine_for(rules).rulebook
    path = rulebook.path(jurisdiction)
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else 180, highlight=False, markup=False, emoji=False)
    console.print(f"{path.place.name} ({path.place.path}) on {day}: {', '.join(layer.jurisdiction for layer in path.layers)}")
    for layer in path.layers[-1:] if own else path.layers:
        shown = [rule for rule in layer.rules if (pending if rule.pending else covers(rule.in_force, day))]
        if not shown:
            continue
        table = Table(title=f"{layer.name} ({layer.jurisdiction})", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("id", "what", "binds", "authority", "confidence"):
            table.add_column(column, overflow="fold")
        for rule in shown:
            binds = ", ".join(sorted(rule.binds)) if rule.binds else "any"
            table.add_row(rule.id, describe(rule), binds, rule.citation, "pending" if rule.pending else rule.confidence)
        console.print(table)
    for listed in rulebook.tables.values():
        _registry(console, listed, path.place.path, day)


def _registry(console: Console, listed: RegistryTable, place: str, day: dt.date) -> None:
    """The rows of a registry table for the place and what lies under it."""
    rows = listed.at(place, day)
    if not rows:
        return
    table = Table(title=f"Registry: {listed.name} ({len(rows)})", title_justify="left", box=None, padding=(0, 2, 0, 0))
    columns = [name for name in rows[0][0].cells if name not in (listed.spec.place, "covers")]
    for column in (listed.spec.place, *columns):
        table.add_column(column, overflow="fold")
    for row, known in rows:
        table.add_row(row.place, *(row.cells[name] or ("" if known else f"not known after {listed.spec.known_to}") for name in columns))
    console.print(table)


def describe(rule: RuleBase) -> str:
    """What a rule does, in a few words."""
    match rule:
        case NormRule():
            return f"{rule.effect} {', '.join(rule.actions)}"
        case PreemptionRule():
            return f"displaces {'/'.join(sorted(rule.effects))} of {', '.join(sorted(rule.actions))}"
        case HoldingRule():
            told = "settles" if rule.weight == "binding" else f"{rule.weight}:"
            return f"{told} {rule.settles} = {'yes' if rule.answer else 'no'}"
        case ExposureRule():
            return f"{rule.status.replace('_', ' ')} exposure, {rule.action}: {rule.choice}"
    kind = type(rule).__name__.removesuffix("Rule").lower()
    return f"{kind}: {getattr(rule, 'action', None) or getattr(rule, 'event', '')}"
