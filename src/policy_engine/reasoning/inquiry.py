"""What to find out next: the unknowns that can change a status, the best question first, and what each answer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from policy_engine.reasoning.cells import Variable
from policy_engine.reasoning.diagram import Diagrams
from policy_engine.reasoning.encode import Encoding
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.status import IMPOSSIBLE, POSSIBLE, Status, statuses

MAX_ANSWERS = 64


@dataclass(frozen=True, slots=True)
class Dispositive:
    """An unknown that can change the status.

    Attributes:
        fact: the fact or question of law to find out.
        kind: `fact` or `law`.
        ask: the question in plain words.
        left: how many statuses an answer leaves on average; the lower, the better the question.
        answers: the statuses left by each answer.
    """

    fact: str
    kind: str
    ask: str
    left: float
    answers: tuple[tuple[str, tuple[Status, ...]], ...]


def merged(encoding: Encoding) -> tuple[int, ...]:
    """One pattern that takes in every branch."""
    first, *rest = encoding.patterns
    masks = list(first)
    for pattern in rest:
        for index, mask in enumerate(pattern):
            masks[index] |= mask
    return tuple(masks)


def dispositive(regime: Regime, encoding: Encoding, action: str) -> list[Dispositive]:
    """The unknowns that can change an action's status, best question first; empty if nothing is open."""
    masks = merged(encoding)
    diagram = regime.diagram(action)
    if diagram is None:
        return _without_diagram(regime, masks, action)
    store = Diagrams(regime.circuit, diagram.store.order, 1 << 60)
    root = diagram.store.restrict(diagram.root, masks, IMPOSSIBLE, into=store)
    groups: dict[str, list[int]] = {}
    for index in store.variables([root]):
        groups.setdefault(regime.variables[index].fact, []).append(index)
    found = []
    for fact, indexes in groups.items():
        if any(_matters(store, root, masks, index) for index in indexes):
            found.append(_question(regime, store, root, masks, fact, indexes))
    return sorted(found, key=lambda item: (item.left, item.kind, item.fact))


def _cells(masks: Sequence[int], index: int) -> list[int]:
    return [cell for cell in range(masks[index].bit_length()) if masks[index] >> cell & 1]


def _fixed(masks: Sequence[int], choice: dict[int, int]) -> list[int]:
    fixed = list(masks)
    for index, cell in choice.items():
        fixed[index] = 1 << cell
    return fixed


def _matters(store: Diagrams, root: int, masks: Sequence[int], index: int) -> bool:
    """Whether some completion of the others gives different statuses for different values of this one."""
    cofactors = [store.restrict(root, _fixed(masks, {index: cell}), IMPOSSIBLE) for cell in _cells(masks, index)]
    distinct = list(dict.fromkeys(cofactors))
    return any(store.differ(a, b, masks, IMPOSSIBLE) for i, a in enumerate(distinct) for b in distinct[i + 1 :])


def _question(regime: Regime, store: Diagrams, root: int, masks: Sequence[int], fact: str, indexes: list[int]) -> Dispositive:
    choices = [_cells(masks, index) for index in indexes]
    count = 1
    for options in choices:
        count *= len(options)
    if count > MAX_ANSWERS:
        indexes, choices = indexes[:1], choices[:1]
    variables = [regime.variables[index] for index in indexes]
    answers: dict[str, int] = {}
    totals = []
    for cells in product(*choices):
        bits = store.reach(root, _fixed(masks, dict(zip(indexes, cells, strict=True))), {}) & POSSIBLE
        if bits:
            totals.append(bits.bit_count())
            label = _label(variables, cells)
            answers[label] = answers.get(label, 0) | bits
    is_law = variables[0].kind == "question"
    ask = regime.lexicon.questions[fact].ask if is_law else regime.lexicon.facts[fact].ask
    left = sum(totals) / len(totals) if totals else 0.0
    told = tuple((label, statuses(bits)) for label, bits in answers.items())
    return Dispositive(fact, "law" if is_law else "fact", ask, left, told)


def _label(variables: Sequence[Variable], cells: Sequence[int]) -> str:
    if len(variables) == 1 and variables[0].kind not in ("has", "list"):
        return variables[0].labels[cells[0]]
    held = [variable.element or str(variable.test) for variable, cell in zip(variables, cells, strict=True) if cell == 1]
    if variables[0].kind == "list":
        return " and ".join(held) if held else "none that counts"
    return " and ".join(held) if held else "none of them"


def _without_diagram(regime: Regime, masks: Sequence[int], action: str) -> list[Dispositive]:
    """The open facts of an action whose diagram is too large, unordered."""
    open_facts: dict[str, str] = {}
    for index in regime.status_support(action):
        if masks[index] & (masks[index] - 1):
            variable = regime.variables[index]
            open_facts[variable.fact] = "law" if variable.kind == "question" else "fact"
    lexicon = regime.lexicon
    return [Dispositive(fact, kind, lexicon.questions[fact].ask if kind == "law" else lexicon.facts[fact].ask, 4.0, ()) for fact, kind in sorted(open_facts.items())]
