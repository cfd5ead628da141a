"""The decision as a mermaid graph: facts to norms, norms to each other, norms to statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_engine.report import words

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision


class _Names:
    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def of(self, key: str) -> str:
        return self.known.setdefault(key, f"n{len(self.known)}")


def _text(text: str) -> str:
    return text.replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;").replace("\n", " ")


def graph(decision: Decision) -> str:
    """The graph: applied, displaced and open norms of each action, with what decides them."""
    names = _Names()
    lines: dict[str, None] = {"flowchart LR": None}
    for action, outcome in decision.outcomes.items():
        end = names.of(f"action {action}")
        lines[f'  {end}(["{action}: {_text(words.status_line(outcome))}"])'] = None
        if not outcome.governing_norms():
            ref = outcome.governing[0]
            here = names.of(f"default {action}")
            lines[f'  {here}["default: {_text(ref.citation)}"] --> {end}'] = None
        for item in decision.trace[action]:
            if item.state == "not_applicable":
                continue
            here = names.of(f"{action} {item.norm.id}")
            lines[f'  {here}["{item.effect}: {_text(item.norm.citation)}"]'] = None
            arrow = {"applied": "-->", "open": "-. open .->", "displaced": "-. displaced .-x"}[item.state]
            lines[f"  {here} {arrow} {end}"] = None
            for step in item.because:
                leaf = names.of(f"leaf {step.test}")
                lines[f'  {leaf}{{{{"{_text(words.leaf(step))}"}}}} --> {here}'] = None
            for fall in item.displaced_by:
                other = names.of(f"{action} {fall.by.id}")
                lines[f'  {other}["{_text(fall.by.citation)}"] -- {fall.reason} --x {here}'] = None
    return "\n".join(lines) + "\n"
