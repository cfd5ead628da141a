"""The circuits and diagrams of a regime laid over planes: statuses, candidates and applying norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from policy_engine.batch.leaves import Leaves, Source
from policy_engine.batch.program import ONES, ZERO, Graph, Program
from policy_engine.reasoning.diagram import Diagrams
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.resolution import ActionNode
from policy_engine.reasoning.status import CODES

Planes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StatusPlanes:
    """The status of an action as planes: two bits of its code, the rows where it is open, and the candidates where they are asked for."""

    low: int
    high: int
    open: int
    candidates: tuple[int, ...] = ()

    def nodes(self) -> list[int]:
        """The planes to compute. A plane that is never set is left out."""
        return [self.low, self.high, *([self.open] if self.open != ZERO else []), *self.candidates]

    def write(self, planes: Planes, codes: Bytes, bits: Bytes | None) -> None:
        """The codes, and the candidates as bits, of a block."""
        rows = len(codes)
        low, high = _bytes(planes[0], rows), _bytes(planes[1], rows)
        if self.open != ZERO:
            is_open = _bytes(planes[2], rows)
            high += is_open
            high += is_open
        np.add(high, high, high)
        np.add(low, high, codes)
        if bits is None:
            return
        if not self.candidates:
            np.left_shift(np.uint8(1), codes, bits)
            return
        held = planes[len(planes) - len(self.candidates) :]
        bits[:] = _bytes(held[-1], rows)
        for plane in held[-2::-1]:
            np.add(bits, bits, bits)
            np.add(bits, _bytes(plane, rows), bits)


def _bytes(plane: npt.NDArray[np.uint64], rows: int) -> Bytes:
    return np.unpackbits(plane.view(np.uint8), count=rows, bitorder="little")


class Wiring:
    """Builds the planes of one regime in a graph."""

    def __init__(self, regime: Regime, sources: Mapping[int, Source]) -> None:
        self.regime, self.sources, self.graph = regime, sources, Graph()
        self.leaves = Leaves(self.graph, sources)

    def status(self, action: str, candidates: bool) -> StatusPlanes:
        """The status of an action: by its circuit where all is known, else exactly by its diagram."""
        regime, graph = self.regime, self.graph
        if known(self.sources, regime.status_support(action)):
            low, high = graph.circuit(regime.circuit, status_bits(regime, regime.action(action)), self.leaves.may)
            return StatusPlanes(low, high, ZERO)
        diagram = regime.diagram(action)
        assert diagram is not None
        ends = self.reach(diagram.store, diagram.root)
        may = tuple(ends.get(code, ZERO) for code in range(len(CODES)))
        either, second = may[0], ZERO
        for plane in may[1:]:
            second = graph.or_(second, graph.and_(either, plane))
            either = graph.or_(either, plane)
        is_open = graph.or_(second, graph.not_(either))
        single = graph.not_(is_open)
        low, high = graph.and_(graph.or_(may[1], may[3]), single), graph.and_(graph.or_(may[2], may[3]), single)
        return StatusPlanes(low, high, is_open, may if candidates else ())

    def applies(self, actions: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """For each norm the plane where it surely applies, and the plane where that is known; None if it is known everywhere."""
        found: dict[str, tuple[int, int | None]] = {}
        regime, graph = self.regime, self.graph
        for action in actions:
            for node in regime.action(action).norms:
                if node.norm.id in found:
                    continue
                if known(self.sources, regime.literal_support(node.applies)):
                    found[node.norm.id] = (graph.circuit(regime.circuit, [node.applies], self.leaves.may)[0], None)
                    continue
                may, may_not = self._literal(action, node.applies)
                found[node.norm.id] = (graph.and_(may, graph.not_(may_not)), graph.not_(graph.and_(may, may_not)))
        return found

    def _literal(self, action: str, literal: int) -> tuple[int, int]:
        """Where a literal may be true and may be false: exactly by its diagram, else by the two planes of the circuit."""
        regime = self.regime
        diagram = regime.diagram(action)
        root = None if diagram is None else regime.literal_root(action, diagram.store, literal)
        if diagram is None or root is None:
            return self._kleene(literal)
        ends = self.reach(diagram.store, root)
        return ends.get(1, ZERO), ends.get(0, ZERO)

    def _kleene(self, literal: int) -> tuple[int, int]:
        graph, circuit = self.graph, self.regime.circuit
        may: dict[int, tuple[int, int]] = {0: (ZERO, ONES)}
        for node in circuit.reachable([literal]):
            atom = circuit.atom[node]
            if atom is not None:
                variable, mask = atom
                full = (1 << circuit.sizes[variable]) - 1
                may[node] = (self.leaves.may(variable, mask), self.leaves.may(variable, full ^ mask))
                continue
            (a_true, a_false), (b_true, b_false) = (may[item >> 1][:: -1 if item & 1 else 1] for item in (circuit.left[node], circuit.right[node]))
            may[node] = (graph.and_(a_true, b_true), graph.or_(a_false, b_false))
        true, false = may[literal >> 1]
        return (false, true) if literal & 1 else (true, false)

    def reach(self, store: Diagrams, root: int) -> dict[int, int]:
        """The rows that can come to each end of a diagram: from the root down, through every cell that a row may lie in."""
        graph = self.graph
        reached: dict[int, int] = {root: ONES}
        order: list[int] = []
        seen: set[int] = set()
        stack = [root]
        while stack:
            node = stack.pop()
            if node in seen or store.is_end(node):
                continue
            seen.add(node)
            order.append(node)
            stack.extend(store.children[node])
        for node in sorted(order, key=lambda item: store.level[store.var[item]]):
            here = reached[node]
            masks: dict[int, int] = {}
            for cell, child in enumerate(store.children[node]):
                masks[child] = masks.get(child, 0) | 1 << cell
            for child, mask in masks.items():
                part = graph.and_(here, self.leaves.may(store.var[node], mask))
                reached[child] = graph.or_(reached.get(child, ZERO), part)
        return {node: plane for node, plane in reached.items() if store.is_end(node)}


def known(sources: Mapping[int, Source], indexes: Sequence[int]) -> bool:
    """Whether every row has one cell for each of the variables."""
    return all(mask & (mask - 1) == 0 for index in indexes for mask in sources[index].masks)


@dataclass(frozen=True, slots=True)
class Wired:
    """Planes compiled for one shape of columns.

    Attributes:
        statuses: one for each action.
        norms: for each norm shown, whether it is known everywhere (one plane) or not (two).
        shown: how many planes the norms take, before those of the statuses.
    """

    program: Program
    statuses: list[StatusPlanes]
    norms: dict[str, bool]
    shown: int

    @classmethod
    def of(cls, regime: Regime, actions: Sequence[str], sources: Mapping[int, Source], candidates: bool, applies: bool) -> Wired:
        """The planes of some actions of a regime."""
        wiring = Wiring(regime, sources)
        statuses = [wiring.status(action, candidates) for action in actions]
        norms = wiring.applies(actions) if applies else {}
        shown = [node for pair in norms.values() for node in pair if node is not None]
        program = Program.of(wiring.graph, [*shown, *(node for status in statuses for node in status.nodes())])
        return cls(program, statuses, {name: pair[1] is None for name, pair in norms.items()}, len(shown))


def status_bits(regime: Regime, node: ActionNode) -> tuple[int, int]:
    """The low and the high bit of the status code as literals of the circuit."""
    circuit = regime.circuit
    require, forbid, grant = node.conditions()
    granted = grant if node.default_prohibited else 1
    free = circuit.and_(forbid ^ 1, granted)
    low = circuit.or_(circuit.and_(forbid, require), circuit.and_(free, require ^ 1))
    return low, free ^ 1
