"""Decisions told: as text, JSON, markdown, HTML and mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision

FORMATS = ("text", "json", "markdown", "html", "mermaid")


def render(decision: Decision, format: str = "text") -> str:
    """One decision in one of the formats, without colour.

    Raises:
        ValueError: no such format.
    """
    if format == "text":
        from policy_engine.report.text import plain

        return plain(decision)
    if format == "json":
        from policy_engine.report.shape import to_json

        return to_json(decision)
    if format in ("markdown", "html"):
        from policy_engine.report import memo

        return memo.markdown(decision) if format == "markdown" else memo.html(decision)
    if format == "mermaid":
        from policy_engine.report.mermaid import graph

        return graph(decision)
    raise ValueError(f"unknown format `{format}`; valid: {', '.join(FORMATS)}")


def write(decisions: Sequence[Decision], format: str, out: TextIO, *, brief: bool = False) -> None:
    """Write decisions to a stream: text in colour on a terminal, JSON as one object or a list."""
    if format == "text":
        from policy_engine.report.text import print_decisions

        print_decisions(decisions, out, brief=brief)
    elif format == "json":
        from policy_engine.report.shape import to_json

        out.write(to_json(decisions[0]) if len(decisions) == 1 else "[\n" + ",\n".join(to_json(item) for item in decisions) + "\n]")
        out.write("\n")
    else:
        for decision in decisions:
            out.write(render(decision, format))
            out.write("\n")
