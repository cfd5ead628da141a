"""Searches in diagrams for facts: where two laws of an action part, and where an end that must not be is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.diagram import Diagrams, TooLarge
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.regime import Diagram, Regime, orders, tests_of
from policy_engine.reasoning.status import CODES, IMPOSSIBLE, Status
from policy_engine.testing.landscape import Landscape, Spot
from policy_engine.testing.realize import Situation

ATTEMPTS = 8
DEARER = 25
SAME = 0
APART = 16


class Undecided(Exception):
    """The diagrams would pass their bound, so nothing is proved."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Facts under which two laws give an action different statuses. `scenario` is None where no values were found for the cells."""

    spot: Spot
    left: Status
    right: Status
    cells: Mapping[int, int]
    scenario: Scenario | None


def grown(regimes: Sequence[Regime], action: str, known: Sequence[int] | None = None) -> list[Diagram]:
    """The diagrams of one action in several regimes over the same variables, in one store; `known`: the cells that they are confined to.

    Raises:
        Undecided: past the bound under every order tried.
    """
    first = list(dict.fromkeys(index for regime in regimes for index in regime.order(action)))
    for order in orders(first):
        try:
            home, *others = [regime.grow(action, order, known) for regime in regimes]
            full = [variable.full for variable in regimes[0].variables]
            return [home, *(Diagram(home.store, other.store.restrict(other.root, full, into=home.store)) for other in others)]
        except TooLarge:
            continue
    raise Undecided(action)


def parting(landscape: Landscape, left: Law, right: Law, action: str, spot: Spot) -> Parting | None:
    """Where two laws part on an action; None is a proof that they never do, over every completion of the facts.

    Raises:
        Undecided: the diagrams are too large to tell.
    """
    regimes = [landscape.regime(law, span=(left, right)) for law in (left, right)]
    usual = Situation.at(landscape.engine, regimes[0], spot, spot.day(landscape.usual))
    plain = _apart(regimes, action, _plainly(usual, left, right))
    if plain is not None:
        for end, cells, scenario in reached(usual, plain[0], plain[1], range(APART, APART + 64)):
            if scenario is not None:
                return _parting(spot, end, cells, scenario)
    whole = _apart(regimes, action, None)
    if whole is None:
        return None
    best: Parting | None = None
    for day in dict.fromkeys((spot.day(landscape.usual), spot.first, spot.last)):
        situation = Situation.at(landscape.engine, regimes[0], spot, day)
        for end, cells, scenario in reached(situation, whole[0], whole[1], range(APART, APART + 64)):
            best = best or _parting(spot, end, cells, None)
            if scenario is not None:
                return _parting(spot, end, cells, scenario)
    if best is None:
        raise Undecided(f"{action}: the laws part only in cells of time that no moment reaches on the days tried")
    return best


def _parting(spot: Spot, end: int, cells: Mapping[int, int], scenario: Scenario | None) -> Parting:
    return Parting(spot, CODES[(end - APART) // 8], CODES[(end - APART) % 8], cells, scenario)


def _apart(regimes: Sequence[Regime], action: str, known: Sequence[int] | None) -> tuple[Diagrams, int] | None:
    """The diagram of where two regimes part; None where they never do within the known cells."""
    one, other = grown(regimes, action, known)
    pairs = one.store.pair(one.root, other.root, lambda a, b: SAME if a == b or IMPOSSIBLE in (a, b) else APART + 8 * a + b)
    return None if pairs == SAME else (one.store, pairs)


def _plainly(situation: Situation, left: Law, right: Law) -> list[int]:
    """Every fact as it is presumed when absent, but for those that the rules ask for in which two laws differ: where a difference is looked for first."""
    regime = situation.regime
    rules = [(*law.norms, *law.preemptions, *law.holdings) for law in (left, right)]
    differing = [rule for own, other in (rules, rules[::-1]) for rule in own if not any(rule is item for item in other)]
    names = {getattr(test, "fact", None) or getattr(test, "question", None) for rule in differing for test in tests_of(rule)}
    absent = regime.encode({}, situation.as_of).patterns[0]
    return [variable.full if variable.fact in names else absent[variable.index] for variable in regime.variables]


def reached(situation: Situation, store: Diagrams, root: int, ends: Sequence[int]) -> Iterator[tuple[int, dict[int, int], Scenario | None]]:
    """Ways to any of some ends, plainest first: the end, the cells, and a scenario that lies in them if one was found.

    Each way that no scenario was found for makes its cells dearer for the next.
    """
    costs = situation.costs()
    present = [end for end in ends if end in _ends(store, root)]
    for _ in range(ATTEMPTS):
        found = [(way, end) for end in present if (way := store.nearest(root, end, costs)) is not None and way[0] < 1_000_000]
        if not found:
            return
        (_, cells), end = min(found, key=lambda item: item[0][0])
        scenario = situation.realize(cells, "found")
        yield end, cells, scenario
        for index, cell in cells.items():
            if costs[index][cell]:
                costs[index][cell] += DEARER


def _ends(store: Diagrams, root: int) -> set[int]:
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(store.children[node])
    return {node for node in seen if store.is_end(node)}
