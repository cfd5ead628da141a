"""The picture of a summary: for each group and action the share of every status, as bars."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from policy_engine.batch.extras import need
from policy_engine.reasoning.status import Status

MOST_GROUPS = 24
MOST_ACTIONS = 6
COLOURS = {
    Status.REQUIRED: "#1f5fa8",
    Status.PERMITTED: "#8fbde0",
    Status.PROHIBITED: "#b3392f",
    Status.CONFLICT: "#7a4fa0",
    Status.UNDETERMINED: "#c9c9c4",
}


def draw(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> dict[str, bytes]:
    """The picture as SVG and PNG. The largest groups are shown, and the actions on which most is not simply permitted."""
    need("matplotlib")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    groups, actions = _chosen(rows, by)
    counts = {(_label(row, by), str(row["action"])): row for row in rows}
    made: dict[str, bytes] = {}
    with rc_context({"svg.hashsalt": "policy-engine", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(2.2 + 2.1 * max(len(actions), 1), 1.6 + 0.24 * max(len(groups), 1)), layout="constrained")
        axes = figure.subplots(1, max(len(actions), 1), sharey=True, squeeze=False)[0]
        for place, (axis, action) in enumerate(zip(axes, actions, strict=False)):
            left = [0.0] * len(groups)
            for status, colour in COLOURS.items():
                shares = [100 * row[status.value] / row["rows"] if (row := counts.get((group, action))) else 0.0 for group in groups]
                axis.barh(groups, shares, left=left, color=colour, label=status.value, height=0.8)
                left = [a + b for a, b in zip(left, shares, strict=True)]
            axis.set_title(action)
            axis.set_xlim(0, 100)
            axis.set_xlabel("% of rows")
            if place == 0:
                axis.invert_yaxis()
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(COLOURS), frameon=False)
        for kind in ("svg", "png"):
            out = io.BytesIO()
            figure.savefig(out, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else {"Software": None})
            made[f".{kind}"] = out.getvalue()
    return made


def _label(row: Mapping[str, Any], by: Sequence[str]) -> str:
    return ", ".join(str(row[name]) or "(none)" for name in by) or "all rows"


def _chosen(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> tuple[list[str], list[str]]:
    sizes: dict[str, int] = {}
    interest: dict[str, int] = {}
    for row in rows:
        label = _label(row, by)
        sizes[label] = max(sizes.get(label, 0), row["rows"])
        interest[row["action"]] = interest.get(row["action"], 0) + row["rows"] - row[Status.PERMITTED.value]
    largest = sorted(sizes, key=lambda label: -sizes[label])[:MOST_GROUPS]
    telling = set(sorted(interest, key=lambda action: -interest[action])[:MOST_ACTIONS])
    return [label for label in sizes if label in largest], [action for action in interest if action in telling]
