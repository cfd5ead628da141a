"""The decision as a memo in markdown, and the same as a page of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from policy_engine.reasoning.status import Status
from policy_engine.report import words

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision

_STYLE = (
    "body{font:16px/1.5 serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em .6em;text-align:left;vertical-align:top}"
)


def markdown(decision: Decision) -> str:
    """The memo."""
    scenario = decision.scenario
    place = decision.regime.law.path.place
    lines = [f"# {scenario.title or scenario.id}", ""]
    lines += [f"{place.name} (`{place.path}`), {', '.join(sorted(scenario.kinds))}, as of {words.moment(scenario.as_of)}.", ""]
    if decision.disposition:
        lines += [f"**{decision.disposition}**", ""]
    lines += ["## Outcomes", "", "| action | status | grounds |", "|---|---|---|"]
    lines += [f"| {name} | {words.status_line(item)} | {_cell(words.grounds(item))} |" for name, item in decision.outcomes.items()]
    lines += [f"| {name} | - | not this agency's act |" for name in decision.not_its_act]
    lines += _section("Clocks", [words.clock(item) for item in decision.deadlines])
    lines += _open(decision)
    lines += _reasons(decision)
    lines += _section("Duties", [f"{item.on.replace('_', ' ')}: {item.must.strip()} ({item.rule.citation})" for item in decision.duties])
    lines += _exposures(decision)
    lines += _section("Notes", [f"{item.action}: {'possibly: ' if item.open else ''}{item.rule.says.strip()} ({item.rule.citation})" for item in decision.notes])
    lines += _section("Found in the registry", [f"{item.fact} = {item.value}" for item in decision.registry])
    lines += _section("Presumed, for want of facts", [f"{item.fact} = {item.value}" for item in decision.presumptions])
    lines += ["", "---", "", words.provenance(decision), "", decision.rulebook.card.notice.strip(), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(title: str, items: list[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {item}" for item in items)] if items else []


def _open(decision: Decision) -> list[str]:
    lines: list[str] = []
    for name, outcome in decision.outcomes.items():
        if outcome.status is not Status.UNDETERMINED:
            continue
        lines += ["", f"### {name}: what would settle it", ""]
        if outcome.leaning:
            lines.append(f"Leaning {outcome.leaning}: every open question of law takes its persuasive or advisory answer.")
            lines.append("")
        for item in outcome.dispositive:
            answers = "; ".join(f"{answer}: {' or '.join(left)}" for answer, left in item.answers[:6])
            lines.append(f"- {item.ask} (`{item.fact}`{', question of law' if item.kind == 'law' else ''}) {answers}")
    return ["", "## Open", *lines] if lines else []


def _reasons(decision: Decision) -> list[str]:
    lines = ["", "## Rationale"]
    for name, outcome in decision.outcomes.items():
        lines += ["", f"### {name}: {words.status_line(outcome)}", ""]
        if not outcome.governing_norms():
            ref = outcome.governing[0]
            lines.append(f"- Default. {ref.says} {words.reference(ref)}")
        for item in decision.trace[name]:
            link = f" <{item.norm.url}>" if item.norm.url else ""
            says = f" {item.norm.says.strip()}" if item.state != "not_applicable" and item.norm.says else ""
            lines.append(f"- {item.effect}, {words.reference(item.norm)}, {item.norm.confidence} confidence: {words.state(item)}.{says}{link}")
    return lines


def _exposures(decision: Decision) -> list[str]:
    if not decision.exposures:
        return []
    lines = ["", "## Exposure", "", "| action | of doing it | of refraining | of a policy |", "|---|---|---|---|"]
    for name in decision.outcomes:
        here = [item for item in decision.exposures if item.action == name]
        if here:
            cells = [
                "<br>".join(f"{words.exposure(item)}: {item.rule.says.strip()}" for item in here if item.choice == choice) or "the sources name none" for choice in words.CHOICES
            ]
            lines.append(f"| {name} | " + " | ".join(_cell(cell) for cell in cells) + " |")
    return lines


def html(decision: Decision) -> str:
    """The memo as a page that stands by itself."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(decision).replace("<br>", "; "))
    title = escape(decision.scenario.title or decision.scenario.id)
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n<body>\n{body}</body></html>\n'
