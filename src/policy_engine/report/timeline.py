"""The timeline of a case: for a terminal, as JSON, and as a mermaid gantt."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from policy_engine.cases.step import AGAINST, Act, Change, ClockState, DutyState, Statuses, Step
from policy_engine.report.words import moment

if TYPE_CHECKING:
    from policy_engine.cases.case import Case

FORMATS = ("text", "json", "gantt")
WIDTH = 140
DUTY_WORDS = {"open": "duty opened", "met": "duty met", "overdue": "duty overdue", "dropped": "duty no longer applies"}


def to_dict(case: Case) -> dict[str, Any]:
    """The case in JSON's words; see docs/live-cases.md."""
    return {
        "schema": "policy-engine.timeline/1",
        "case": case.scenario.id,
        "title": case.scenario.title,
        "jurisdiction": case.scenario.jurisdiction,
        "now": case.now.isoformat(),
        "rulebook": case.rulebook,
        "second_opinion": case.second_opinion,
        "head": case.head,
        "events": [dict(event.written) for event in case.events],
        "timeline": [step.to_dict() for step in case.timeline],
    }


def write(case: Case, format: str, out: TextIO) -> None:
    """Write a timeline to a stream."""
    if format == "json":
        out.write(json.dumps(to_dict(case), indent=2, ensure_ascii=False) + "\n")
    elif format == "gantt":
        out.write("\n".join(gantt(case)) + "\n")
    else:
        print_steps(case, case.timeline, out, title=True)


def print_steps(case: Case, steps: Sequence[Step], out: TextIO, *, title: bool = False) -> None:
    """Print steps; colour only where the stream is a terminal."""
    terminal = out.isatty()
    target: TextIO = out if terminal else io.StringIO()
    console = Console(file=target, width=None if terminal else WIDTH, highlight=False, emoji=False, markup=False)
    if title:
        place = case.engine.rulebook.path(case.scenario.jurisdiction).place
        console.print(Text(case.scenario.title or case.scenario.id, style="bold"))
        console.print(Text(f"{place.name} ({place.path}), {' and '.join(sorted(case.scenario.kinds))}; second opinion: {case.second_opinion}\n"))
        if case.torn:
            console.print(Text(f"{case.torn}\n", style="yellow"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        table.add_row(moment(step.at), Group(*_told(case, step)))
    console.print(table)
    if isinstance(target, io.StringIO) and target is not out:
        out.write("".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines()))


def _told(case: Case, step: Step) -> Iterator[RenderableType]:
    yield Text(_what(case, step), style="bold")
    if step.headline:
        yield Text(step.headline)
    for change in step.changes if step.kind != "opened" else ():
        yield Text(_change(change), style="cyan")
    for act in step.acts:
        yield Text(f"{_act(act)}: {act.verdict} ({act.action} was {_status(act.status)})", style="red" if act.verdict == AGAINST else "")
    for rules, what in ((step.law_began, "law in force from now on"), (step.law_ended, "law no longer in force")):
        if rules:
            yield Text(f"{what}: {', '.join(rules)}")
    for duty in step.duties:
        yield Text(_duty(duty))
    for clock in step.clocks:
        yield Text(_clock(clock), style="yellow" if clock.state == "expired" else "")
    for must in step.musts:
        yield Text(f"  {must.action} is now {_status(must.status)}: {must.citation} ({must.rule}): {must.says}", style="bold")
    yield from _revision(step)


def _revision(step: Step) -> Iterator[RenderableType]:
    if step.revision is None:
        return
    if not step.revision.differences:
        yield Text(f"known late: nothing decided since {moment(step.revision.since)} would have been different", style="magenta")
    for item in step.revision.differences:
        reasons = ", ".join(item.because[:3])
        span = f"from {moment(item.start)} to {moment(item.end)}"
        yield Text(f"known late: {span} {item.action} was told as {_status(item.decided)}; it would have been {_status(item.instead)}, by {reasons}", style="magenta")
    for act in step.revision.in_question:
        yield Text(f"now in question: {_act(act)} (event {act.event}), which is {act.verdict} on what is now known", style="bold red")
    for act in step.revision.cleared:
        yield Text(f"cleared: {_act(act)} (event {act.event}) is in order on what is now known", style="green")


def _what(case: Case, step: Step) -> str:
    if step.kind == "opened":
        return "the case is opened"
    if step.kind == "turn":
        return "new law" if step.law_began or step.law_ended else "time"
    if step.kind == "rulebook":
        return "the rulebook's files have changed; decided anew"
    event = next(item for item in case.events if item.id == step.event)
    kinds = case.engine.rulebook.lexicon.case_events
    says = kinds[event.kind].says if event.kind else ""
    extra = [f"known {moment(event.known)}"] if event.known != event.at else []
    extra += [f"corrects {event.corrects}"] if event.corrects else []
    extra += [f"withdraws {event.withdraws}"] if event.withdraws else []
    extra += [event.source] if event.source else []
    told = f"{event.id}: {says or 'an event is withdrawn'}"
    return f"{told} ({', '.join(extra)})" if extra else told


def _status(statuses: Statuses) -> str:
    return " or ".join(statuses) if statuses else "not decided"


def _change(change: Change) -> str:
    before = f"{_status(change.before)} -> " if change.before else ""
    gone = f", no longer by {_some(change.gone)}" if change.gone else ""
    return f"{change.action}: {before}{_status(change.after)}, by {_some(change.because)}{gone}"


def _some(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"


def _act(act: Act) -> str:
    return f"{act.action} {'done' if act.done else 'not done'}"


def _duty(duty: DutyState) -> str:
    due = f", by {moment(duty.due)}" if duty.due and duty.state in ("open", "overdue") else ""
    return f"{DUTY_WORDS[duty.state]}: {duty.must.strip()}{due} ({duty.citation}; {duty.id})"


def _clock(clock: ClockState) -> str:
    words = {"running": f"runs to {moment(clock.ends)}", "expired": f"ran out {moment(clock.ends)}", "stopped": "stopped", "not_started": f"will end {moment(clock.ends)}"}
    return f"clock{' (if it applies)' if clock.possible else ''}: {clock.says.rstrip('.')} on {clock.action} {words[clock.state]} ({clock.citation})"


# -- gantt ----------------------------------------------------------------------------------------
def gantt(case: Case) -> Iterable[str]:
    """The case as a mermaid gantt: events, clocks, and the spans of each action's status."""
    yield "gantt"
    yield f"    title {_safe(case.scenario.title or case.scenario.id)}"
    yield "    dateFormat YYYY-MM-DDTHH:mm:ss"
    yield "    axisFormat %d %b %H:%M"
    yield "    section Events"
    for event in case.events:
        kind = case.engine.rulebook.lexicon.case_events[event.kind].says if event.kind else "withdrawn"
        yield f"    {_safe(f'{event.id} {kind}')} :milestone, {_time(event.at)}, 0d"
    ended = {clock.id: step.at for step in case.timeline for clock in step.clocks if clock.state == "stopped"}
    clocks = {clock.id: clock for step in case.timeline for clock in step.clocks if clock.starts is not None}
    if clocks:
        yield "    section Clocks"
    for clock in clocks.values():
        assert clock.starts is not None
        end = max(ended.get(clock.id, clock.ends), clock.starts)
        yield f"    {_safe(clock.says)} :{'crit, ' if clock.state == 'expired' else ''}{_time(clock.starts)}, {_time(end)}"
    for action in case.timeline[0].outcomes:
        spans = list(_spans(case, action))
        if len(spans) > 1:
            yield f"    section {_safe(action)}"
            for start, end, statuses in spans:
                yield f"    {_safe(_status(statuses))} :{'crit, ' if 'prohibited' in statuses else ''}{_time(start)}, {_time(end)}"


def _spans(case: Case, action: str) -> Iterator[tuple[dt.datetime, dt.datetime, Statuses]]:
    """The spans of one status after the other, as told."""
    points = [(step.decided, step.outcomes[action]) for step in case.timeline if action in step.outcomes]
    start, statuses = points[0]
    for moment_, found in points[1:]:
        if found != statuses:
            yield start, moment_, statuses
            start, statuses = moment_, found
    yield start, max(case.now, start), statuses


def _time(when: dt.datetime) -> str:
    return when.replace(tzinfo=None).isoformat(timespec="seconds")


def _safe(text: str) -> str:
    """Words that mermaid takes as a label."""
    return re.sub(r"[:;#,%]", " ", text).strip() or "-"
