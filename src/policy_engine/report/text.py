"""The text report: first the screen a duty officer needs, then the rationale as a tree."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from policy_engine.reasoning.status import Status
from policy_engine.reasoning.trace import NormTrace
from policy_engine.reasoning.view import Step
from policy_engine.report import words

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision

COLOURS = {
    Status.REQUIRED: "bold cyan",
    Status.PERMITTED: "green",
    Status.PROHIBITED: "bold red",
    Status.CONFLICT: "bold magenta",
    Status.UNDETERMINED: "yellow",
}
WIDTH = 140


def plain(decision: Decision) -> str:
    """The whole report without colour."""
    out = io.StringIO()
    print_decisions([decision], out)
    return out.getvalue()


def print_decisions(decisions: Sequence[Decision], out: TextIO, *, brief: bool = False) -> None:
    """Print reports to a stream; colour only where it is a terminal."""
    terminal = out.isatty()
    target: TextIO = out if terminal else io.StringIO()
    console = Console(file=target, width=None if terminal else WIDTH, highlight=False, emoji=False, markup=False)
    for number, decision in enumerate(decisions):
        if number:
            console.rule()
        for part in first_screen(decision):
            console.print(part)
        if not brief:
            for part in rationale(decision):
                console.print(part)
    if isinstance(target, io.StringIO) and target is not out:
        out.write("".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines()))


def first_screen(decision: Decision) -> Iterable[RenderableType]:
    """Disposition, a line for each action, clocks, and what to find out next."""
    scenario = decision.scenario
    yield Text(scenario.title or scenario.id, style="bold")
    place = decision.regime.law.path.place
    kinds = " and ".join(sorted(scenario.kinds)).replace("_", " ")
    yield Text(f"{place.name} ({place.path}), {kinds}, as of {words.moment(scenario.as_of)}")
    if decision.disposition:
        yield Text(f"\n{decision.disposition}", style="bold")
    yield Text("")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=False, min_width=12)
    table.add_column(overflow="fold")
    for name, outcome in decision.outcomes.items():
        table.add_row(name, Text(words.status_line(outcome), style=COLOURS[outcome.status]), words.grounds(outcome))
    for name in decision.not_its_act:
        table.add_row(name, "-", "not this agency's act")
    yield table
    if decision.deadlines:
        yield Text("\nClocks", style="bold")
        for deadline in decision.deadlines:
            yield Padding(Text(words.clock(deadline)), (0, 0, 0, 2))
    questions = _questions(decision)
    if questions:
        yield Text("\nFind out next", style="bold")
        for line in questions:
            yield Padding(Text(line), (0, 0, 0, 2))


def _questions(decision: Decision) -> list[str]:
    actions: dict[str, list[str]] = {}
    asks: dict[str, tuple[float, str]] = {}
    for name, outcome in decision.outcomes.items():
        for item in outcome.dispositive:
            actions.setdefault(item.fact, []).append(name)
            left = min(item.left, asks.get(item.fact, (9.0, ""))[0])
            asks[item.fact] = (left, f"{item.ask} [{item.fact}{', a question of law' if item.kind == 'law' else ''}]")
    ordered = sorted(asks, key=lambda fact: (-len(actions[fact]), asks[fact][0], fact))
    lines = [f"{asks[fact][1]} - decides {', '.join(actions[fact])}" for fact in ordered[:5]]
    if len(ordered) > 5:
        lines.append(f"and {len(ordered) - 5} more")
    return lines


def rationale(decision: Decision) -> Iterable[RenderableType]:
    """Every norm accounted for, duties, exposures, presumptions and provenance."""
    yield Text("\nRationale", style="bold")
    for name, outcome in decision.outcomes.items():
        says = decision.regime.lexicon.actions[name].says
        root = Tree(Text.assemble((f"{name}: ", "bold"), (words.status_line(outcome), COLOURS[outcome.status]), f"  {says}"))
        if outcome.leaning:
            root.add(Text(f"leaning {outcome.leaning}: every open question of law takes its persuasive or advisory answer"))
        if not outcome.governing_norms():
            ref = outcome.governing[0]
            root.add(Text(f"default: {ref.says} {words.reference(ref)}"))
        shown = [item for item in decision.trace[name] if item.state != "not_applicable"]
        for item in shown:
            _norm(root, item)
        rest = [item for item in decision.trace[name] if item.state == "not_applicable"]
        if rest:
            branch = root.add(Text(f"{len(rest)} norms do not apply", style="dim"))
            for item in rest:
                branch.add(Text(f"{item.effect} {words.reference(item.norm)}: {words.state(item)}", style="dim"))
        yield root
    yield from _consequences(decision)


def _norm(root: Tree, item: NormTrace) -> None:
    branch = root.add(Text(f"{item.effect} {words.reference(item.norm)}: {words.state(item)}"))
    if item.norm.says:
        branch.add(Text(f"{item.norm.says.strip()}"))
    branch.add(Text(f"{item.norm.rank.replace('_', ' ')}, {item.norm.confidence} confidence{', ' + item.norm.url if item.norm.url else ''}", style="dim"))
    for label, step in (("when", item.when), ("unless", item.unless)):
        if step.test not in ("always", "never"):
            _step(branch, label, step)


def _step(parent: Tree, label: str, step: Step) -> None:
    prefix = f"{label}: " if label else ""
    if not step.parts:
        parent.add(Text(f"{prefix}{words.leaf(step)}", style="dim"))
        return
    text = words.leaf(step) if step.origin else f"{step.test} is {step.truth}"
    branch = parent.add(Text(f"{prefix}{text}", style="dim"))
    for part in step.parts:
        _step(branch, "", part)


def _consequences(decision: Decision) -> Iterable[RenderableType]:
    if decision.duties:
        yield Text("\nDuties", style="bold")
        for duty in decision.duties:
            due = f", by {words.moment(duty.due)}" if duty.due else ""
            maybe = "possible, " if duty.open else ""
            yield Padding(Text(f"{duty.on.replace('_', ' ')}: {maybe}{duty.must.strip()}{due} ({duty.rule.citation})"), (0, 0, 0, 2))
    if decision.exposures:
        yield Text("\nExposure", style="bold")
        yield _exposures(decision)
    if decision.notes:
        yield Text("\nNotes", style="bold")
        for note in decision.notes:
            maybe = "possibly: " if note.open else ""
            yield Padding(Text(f"{note.action}: {maybe}{note.rule.says.strip()} ({note.rule.citation})"), (0, 0, 0, 2))
    for title, taken in (("Found in the registry", decision.registry), ("Presumed, for want of facts", decision.presumptions)):
        if taken:
            yield Text(f"\n{title}", style="bold")
            yield Padding(Text("; ".join(f"{item.fact} = {item.value}" for item in taken)), (0, 0, 0, 2))
    yield Text(f"\n{words.provenance(decision)}", style="dim")
    notice = decision.rulebook.card.notice.strip()
    if notice:
        yield Text(notice, style="dim")


def _exposures(decision: Decision) -> RenderableType:
    parts: list[RenderableType] = []
    for name in decision.outcomes:
        here = [item for item in decision.exposures if item.action == name]
        if not here:
            continue
        tree = Tree(name)
        for choice, label in words.CHOICES.items():
            found = [item for item in here if item.choice == choice]
            if not found:
                if choice != "adopt_policy":
                    tree.add(Text(f"{label}: the sources name none", style="dim"))
                continue
            branch = tree.add(label)
            for item in found:
                branch.add(Text(f"{words.exposure(item)}: {item.rule.says.strip()}" if item.rule.says else words.exposure(item)))
        parts.append(Padding(tree, (0, 0, 0, 2)))
    return Group(*parts)
