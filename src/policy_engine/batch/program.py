"""Bit planes combined by ANDs, ORs and NOTs: a hash-consed graph, run as a list of NumPy calls over reused registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from policy_engine.batch.columns import Plane
from policy_engine.reasoning.circuit import Circuit

ZERO, ONES = 0, 1
Leaf = tuple[Any, ...]
Fill = Callable[[int, int, Plane], Plane]
"""Gives the words of a leaf for rows from one to another; may use the buffer it is handed."""
_AND, _OR, _NOT, _LEAF = range(4)


class Graph:
    """Planes by how they are made. Node 0 is no row, node 1 every row."""

    def __init__(self) -> None:
        self.nodes: list[tuple[int, Any, int]] = [(_LEAF, None, 0), (_LEAF, None, 0)]
        self._known: dict[tuple[int, Any, int], int] = {}

    def _make(self, kind: int, a: Any, b: int = 0) -> int:
        key = (kind, a, b)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.nodes)
            self.nodes.append(key)
        return found

    def leaf(self, name: Leaf) -> int:
        """A plane read from a column."""
        return self._make(_LEAF, name)

    def and_(self, a: int, b: int) -> int:
        """The rows in both."""
        if a > b:
            a, b = b, a
        if a == ZERO:
            return ZERO
        if a in (ONES, b):
            return b
        return self._make(_AND, a, b)

    def or_(self, a: int, b: int) -> int:
        """The rows in either."""
        if a > b:
            a, b = b, a
        if a in (ZERO, b):
            return b
        return ONES if a == ONES else self._make(_OR, a, b)

    def not_(self, a: int) -> int:
        """The other rows."""
        if a in (ZERO, ONES):
            return 1 - a
        kind, inner, _ = self.nodes[a]
        return int(inner) if kind == _NOT else self._make(_NOT, a)

    def _turned(self, a: int) -> bool:
        """Whether the other rows are at hand already."""
        return self.nodes[a][0] == _NOT or (_NOT, a, 0) in self._known

    def any(self, nodes: Sequence[int]) -> int:
        """The rows in at least one."""
        found = ZERO
        for node in nodes:
            found = self.or_(found, node)
        return found

    def circuit(self, circuit: Circuit, literals: Sequence[int], leaf: Callable[[int, int], int]) -> list[int]:
        """The literals of a circuit whose atoms are all known. Each node is kept in the sign that needs the fewest NOTs."""
        held: dict[int, tuple[int, bool]] = {0: (ZERO, False)}
        for node in circuit.reachable(literals):
            atom = circuit.atom[node]
            if atom is not None:
                held[node] = (leaf(*atom), False)
                continue
            a, b = circuit.left[node], circuit.right[node]
            (left, turned_left), (right, turned_right) = held[a >> 1], held[b >> 1]
            turned_left ^= bool(a & 1)
            turned_right ^= bool(b & 1)
            if turned_left and turned_right:
                held[node] = (self.or_(left, right), True)
            elif turned_left != turned_right and self._turned(right if turned_left else left) and not self._turned(left if turned_left else right):
                left, right = (left if turned_left else self.not_(left)), (right if turned_right else self.not_(right))
                held[node] = (self.or_(left, right), True)
            else:
                left, right = (self.not_(left) if turned_left else left), (self.not_(right) if turned_right else right)
                held[node] = (self.and_(left, right), False)
        found = []
        for literal in literals:
            plane, turned = held[literal >> 1]
            found.append(self.not_(plane) if turned ^ bool(literal & 1) else plane)
        return found


@dataclass(slots=True)
class Program:
    """A graph made ready to run: what to read, what to call, and where each plane lies.

    Slots: the leaves first, then registers, then one for each output.
    """

    leaves: list[Leaf]
    steps: list[tuple[Callable[..., Any], tuple[int, ...]]]
    registers: int
    outputs: int

    @classmethod
    def of(cls, graph: Graph, outputs: Sequence[int]) -> Program:
        """The program that computes the outputs, each into its own plane."""
        wanted: set[int] = set()
        stack = list(outputs)
        uses: dict[int, int] = {}
        while stack:
            node = stack.pop()
            if node in wanted:
                continue
            wanted.add(node)
            kind, a, b = graph.nodes[node]
            if kind != _LEAF:
                for child in (a, b) if kind != _NOT else (a,):
                    uses[child] = uses.get(child, 0) + 1
                    stack.append(child)
        order = sorted(wanted)
        leaves = [node for node in order if graph.nodes[node][0] == _LEAF]
        slot: dict[int, int] = {node: place for place, node in enumerate(leaves)}
        names = [(node,) if node <= ONES else graph.nodes[node][1] for node in leaves]
        first_output = {node: place for place, node in reversed(list(enumerate(outputs)))}
        free: list[int] = []
        count = 0
        steps: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
        calls: dict[int, Callable[..., Any]] = {_AND: np.bitwise_and, _OR: np.bitwise_or, _NOT: np.invert}
        for node in order:
            kind, a, b = graph.nodes[node]
            if kind == _LEAF:
                continue
            sources = (slot[a], slot[b]) if kind != _NOT else (slot[a],)
            for child in (a, b) if kind != _NOT else (a,):
                uses[child] -= 1
                if uses[child] == 0 and slot[child] >= len(leaves) and child not in first_output:
                    free.append(slot[child])
            if node in first_output:
                slot[node] = -1 - first_output[node]
            elif free:
                slot[node] = free.pop()
            else:
                slot[node] = len(leaves) + count
                count += 1
            steps.append((calls[kind], (*sources, slot[node])))
        for place, node in enumerate(outputs):
            if slot[node] != -1 - place:
                steps.append((np.copyto, (-1 - place, slot[node])))
        base = len(leaves) + count
        placed = [(call, tuple(item if item >= 0 else base - 1 - item for item in where)) for call, where in steps]
        return cls(names, placed, count, len(outputs))

    def runner(self, fills: Sequence[Fill], block: int) -> Callable[[int, int, Sequence[Plane]], None]:
        """A function that computes the outputs of a block of rows into the planes it is given. One runner serves one thread."""
        words = block // 64
        arena = np.empty((self.registers + len(self.leaves), words), np.uint64)
        spare, own = list(arena[self.registers :]), list(arena[: self.registers])
        steps = self.steps

        def run(low: int, high: int, into: Sequence[Plane]) -> None:
            size = (high - low + 63) // 64
            if size == words:
                slots = [fill(low, high, buffer) for fill, buffer in zip(fills, spare, strict=True)]
                slots += own
            else:
                slots = [fill(low, high, buffer[:size]) for fill, buffer in zip(fills, spare, strict=True)]
                slots += [register[:size] for register in own]
            slots += into
            for call, where in steps:
                if len(where) == 3:
                    call(slots[where[0]], slots[where[1]], slots[where[2]])
                else:
                    call(slots[where[0]], slots[where[1]])

        return run


def arena(planes: int, rows: int) -> npt.NDArray[np.uint64]:
    """Room for output planes, side by side."""
    return np.empty((planes, (rows + 63) // 64), np.uint64)
