"""The shortest change of facts that would give an action another status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policy_engine.reasoning.encode import Encoding
from policy_engine.reasoning.inquiry import merged
from policy_engine.reasoning.regime import Diagram, Regime
from policy_engine.reasoning.status import CODES, POSSIBLE, Status
from policy_engine.reasoning.view import View

ANSWER, CHANGE, LAW, NEVER = 1, 1_000, 1_000_000, 1_000_000_000
KINDS = ("change", "find_out", "settle")


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a change: `find_out` an unknown, `change` a known fact, or `settle` a question of law."""

    kind: str
    fact: str
    now: str
    then: str

    def __str__(self) -> str:
        if self.kind == "change":
            return f"{self.fact}: {self.now} -> {self.then}"
        return f"{self.fact}: {self.then}"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The fewest changes after which the status is certain."""

    action: str
    status: Status
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return f"{self.action} is {self.status} if " + "; ".join(map(str, self.changes)) if self.changes else f"{self.action} is {self.status} already"


def what_if(regime: Regime, encoding: Encoding, view: View, action: str, status: Status) -> WhatIf | None:
    """The shortest change of facts that makes the status certain; None if no facts can.

    Known facts that change cost most, then answers to what is unknown; a question of law is settled only where facts cannot do it.
    """
    diagram = regime.diagram(action)
    if diagram is None or status not in CODES:
        return None
    masks = merged(encoding)
    code = CODES.index(status)
    if diagram.store.reach(diagram.root, masks, {}) & POSSIBLE == 1 << code:
        return WhatIf(action, status, ())
    costs = _costs(regime, masks, view)
    found = diagram.store.nearest(diagram.root, code, costs)
    if found is None or found[0] >= NEVER:
        return None
    chosen = {index: cell for index, cell in found[1].items() if costs[index][cell] > 0}
    _drop_needless(diagram, masks, chosen, costs, code)
    changes = [_change(regime, view, masks, index, cell) for index, cell in chosen.items()]
    return WhatIf(action, status, tuple(sorted(changes, key=lambda item: KINDS.index(item.kind))))


def _costs(regime: Regime, masks: Sequence[int], view: View) -> list[list[int]]:
    as_of = view.scenario.as_of
    costs: list[list[int]] = []
    for variable, mask in zip(regime.variables, masks, strict=True):
        possible = variable.unknown(as_of, regime.clockwork)
        known = mask & (mask - 1) == 0
        row = []
        for cell in range(variable.size):
            inside = mask >> cell & 1
            if inside and known:
                row.append(0)
            elif variable.kind == "question":
                row.append(LAW)
            elif inside:
                row.append(ANSWER)
            else:
                row.append(CHANGE if possible >> cell & 1 else NEVER)
        costs.append(row)
    return costs


def _drop_needless(diagram: Diagram, masks: Sequence[int], chosen: dict[int, int], costs: list[list[int]], code: int) -> None:
    """Leave out, dearest first, every step without which the status is still certain."""
    for index in sorted(chosen, key=lambda item: -costs[item][chosen[item]]):
        rest = list(masks)
        for other, cell in chosen.items():
            if other != index:
                rest[other] = 1 << cell
        if diagram.store.reach(diagram.root, rest, {}) & POSSIBLE == 1 << code:
            del chosen[index]


def _change(regime: Regime, view: View, masks: Sequence[int], index: int, cell: int) -> Change:
    variable = regime.variables[index]
    inside = masks[index] >> cell & 1
    kind = "settle" if variable.kind == "question" else "find_out" if inside else "change"
    if kind != "change":
        now = "unknown"
    elif variable.kind == "value":
        now = view.known(variable.fact).value
    else:
        now = variable.labels[masks[index].bit_length() - 1]
    return Change(kind, variable.name, now, variable.labels[cell])
