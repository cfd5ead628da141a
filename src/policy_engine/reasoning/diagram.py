"""Decision diagrams over the cells of facts: exact over every completion of the unknowns.

A node tests one variable and has a child for each of its cells. Boolean diagrams are made bottom-up from the
circuit; an action's diagram has status codes at its ends. Everything asked of it is a walk with ORs over cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from policy_engine.reasoning.circuit import Circuit

NOTHING = -1


class TooLarge(Exception):
    """The diagram would pass its bound of nodes."""


class Diagrams:
    """A shared store of reduced, ordered diagrams. Terminals are the integers below `TERMINALS`."""

    TERMINALS = 256

    def __init__(self, circuit: Circuit, order: Sequence[int], bound: int = 50_000, known: Sequence[int] | None = None) -> None:
        """`known`: the cells that each variable is confined to; tests that they settle become constants, so that the diagrams stay small."""
        self.circuit, self.bound, self.known = circuit, bound, known
        self.order = list(order)
        self.level = {variable: index for index, variable in enumerate(order)}
        self.var: list[int] = [-1] * self.TERMINALS
        self.children: list[tuple[int, ...]] = [()] * self.TERMINALS
        self._unique: dict[tuple[int, tuple[int, ...]], int] = {}
        self._ands: dict[tuple[int, int], int] = {}
        self._nots: dict[int, int] = {}
        self._built: dict[int, int] = {}

    def make(self, variable: int, children: tuple[int, ...]) -> int:
        """The node, shared; a node whose children are all one is that child."""
        first = children[0]
        if children.count(first) == len(children):
            return first
        key = (variable, children)
        node = self._unique.get(key)
        if node is None:
            if len(self.var) > self.bound + self.TERMINALS:
                raise TooLarge
            node = len(self.var)
            self.var.append(variable)
            self.children.append(children)
            self._unique[key] = node
        return node

    def is_end(self, node: int) -> bool:
        """Whether a node is a terminal."""
        return node < self.TERMINALS

    def _rank(self, node: int) -> int:
        return self.level[self.var[node]] if node >= self.TERMINALS else 1 << 30

    def negate(self, node: int) -> int:
        """The boolean diagram turned round."""
        if node < self.TERMINALS:
            return 1 - node
        found = self._nots.get(node)
        if found is None:
            found = self.make(self.var[node], tuple(self.negate(child) for child in self.children[node]))
            self._nots[node] = found
            self._nots[found] = node
        return found

    def and_(self, a: int, b: int) -> int:
        """Both boolean diagrams."""
        if a == 0 or b == 0:
            return 0
        if a == 1 or a == b:
            return b
        if b == 1:
            return a
        key = (a, b) if a < b else (b, a)
        found = self._ands.get(key)
        if found is not None:
            return found
        ra, rb = self._rank(a), self._rank(b)
        if ra == rb:
            made = self.make(self.var[a], tuple(self.and_(x, y) for x, y in zip(self.children[a], self.children[b], strict=True)))
        elif ra < rb:
            made = self.make(self.var[a], tuple(self.and_(x, b) for x in self.children[a]))
        else:
            made = self.make(self.var[b], tuple(self.and_(a, y) for y in self.children[b]))
        self._ands[key] = made
        return made

    def build(self, literal: int) -> int:
        """The boolean diagram of a literal of the circuit."""
        circuit, built = self.circuit, self._built
        if literal <= 1:
            return literal
        for node in circuit.reachable([literal]):
            if node in built:
                continue
            atom = circuit.atom[node]
            if atom is not None:
                variable, mask = atom
                inside = (1 << circuit.sizes[variable]) - 1 if self.known is None else self.known[variable]
                if inside & mask in (0, inside):
                    built[node] = int(inside & mask != 0)
                else:
                    built[node] = self.make(variable, tuple((mask >> cell) & 1 for cell in range(circuit.sizes[variable])))
                continue
            a, b = circuit.left[node], circuit.right[node]
            left = self.negate(built[a >> 1]) if a & 1 else built[a >> 1]
            right = self.negate(built[b >> 1]) if b & 1 else built[b >> 1]
            built[node] = self.and_(left, right)
        found = built[literal >> 1]
        return self.negate(found) if literal & 1 else found

    def choose(self, cases: Sequence[tuple[int, int]], otherwise: int) -> int:
        """A diagram with ends: the value of the first boolean diagram that holds, else `otherwise`."""
        memo: dict[tuple[int, ...], int] = {}
        values = [value for _, value in cases]

        def visit(key: tuple[int, ...]) -> int:
            found = memo.get(key)
            if found is not None:
                return found
            best = 1 << 30
            for node, value in zip(key, values, strict=True):
                if node == 1:
                    if best == 1 << 30:
                        memo[key] = value
                        return value
                    break
                if node != 0:
                    best = min(best, self._rank(node))
            if best == 1 << 30:
                memo[key] = otherwise
                return otherwise
            variable = self.order[best]
            size = self.circuit.sizes[variable]
            made = self.make(
                variable,
                tuple(visit(tuple(self.children[node][cell] if self._rank(node) == best else node for node in key)) for cell in range(size)),
            )
            memo[key] = made
            return made

        return visit(tuple(node for node, _ in cases))

    # -- walks ------------------------------------------------------------------------------------
    def reach(self, node: int, masks: Sequence[int], memo: dict[int, int]) -> int:
        """The ends that can be reached when each variable lies in its mask, as a set of bits."""
        if node < self.TERMINALS:
            return 1 << node
        found = memo.get(node)
        if found is not None:
            return found
        mask = masks[self.var[node]]
        result = 0
        for cell, child in enumerate(self.children[node]):
            if mask >> cell & 1:
                result |= (1 << child) if child < self.TERMINALS else self.reach(child, masks, memo)
        memo[node] = result
        return result

    def restrict(self, node: int, masks: Sequence[int], impossible: int | None = None, into: Diagrams | None = None) -> int:
        """The diagram with every variable confined to its mask; what is known is gone from it. `into`: the store to make it in."""
        memo: dict[int, int] = {}
        target = into or self

        def visit(here: int) -> int:
            if here < self.TERMINALS:
                return here
            found = memo.get(here)
            if found is not None:
                return found
            variable = self.var[here]
            mask = masks[variable]
            children = [visit(child) if mask >> cell & 1 else NOTHING for cell, child in enumerate(self.children[here])]
            alive = {child for child in children if child != NOTHING and child != impossible}
            if not alive:
                made = impossible if impossible is not None else next(child for child in children if child != NOTHING)
            elif len(alive) == 1:
                made = alive.pop()
            else:
                fill = min(alive)
                made = target.make(variable, tuple(fill if child == NOTHING else child for child in children))
            memo[here] = made
            return made

        return visit(node)

    def variables(self, nodes: Iterable[int]) -> list[int]:
        """The variables tested below the nodes, in order."""
        seen: set[int] = set()
        found: set[int] = set()
        stack = [node for node in nodes if node >= self.TERMINALS]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            found.add(self.var[node])
            stack.extend(child for child in self.children[node] if child >= self.TERMINALS)
        return sorted(found, key=self.level.__getitem__)

    def size(self, node: int) -> int:
        """How many nodes lie below."""
        seen: set[int] = set()
        stack = [node]
        while stack:
            here = stack.pop()
            if here < self.TERMINALS or here in seen:
                continue
            seen.add(here)
            stack.extend(self.children[here])
        return len(seen)

    def differ(self, left: int, right: int, masks: Sequence[int], impossible: int | None) -> bool:
        """Whether some completion leads the two diagrams to different ends, both possible."""
        memo: dict[tuple[int, int], bool] = {}

        def visit(a: int, b: int) -> bool:
            if a in (b, impossible) or b == impossible:
                return False
            if a < self.TERMINALS and b < self.TERMINALS:
                return True
            found = memo.get((a, b))
            if found is not None:
                return found
            ra, rb = self._rank(a), self._rank(b)
            variable = self.var[a] if ra <= rb else self.var[b]
            result = False
            for cell in range(self.circuit.sizes[variable]):
                if masks[variable] >> cell & 1 and visit(self.children[a][cell] if ra <= rb else a, self.children[b][cell] if rb <= ra else b):
                    result = True
                    break
            memo[a, b] = result
            return result

        return visit(left, right)

    def pair(self, left: int, right: int, ends: Callable[[int, int], int]) -> int:
        """The diagram of two diagrams side by side: `ends` gives the end for each pair of ends."""
        memo: dict[tuple[int, int], int] = {}

        def visit(a: int, b: int) -> int:
            if a < self.TERMINALS and b < self.TERMINALS:
                return ends(a, b)
            found = memo.get((a, b))
            if found is None:
                ra, rb = self._rank(a), self._rank(b)
                variable = self.var[a] if ra <= rb else self.var[b]
                cells = range(self.circuit.sizes[variable])
                found = self.make(variable, tuple(visit(self.children[a][cell] if ra <= rb else a, self.children[b][cell] if rb <= ra else b) for cell in cells))
                memo[a, b] = found
            return found

        return visit(left, right)

    def nearest(self, node: int, end: int, costs: Sequence[Sequence[int]]) -> tuple[int, dict[int, int]] | None:
        """The cheapest way to an end: its cost, and the cell chosen for each variable on the way. None if there is none.

        `costs[variable][cell]` is what choosing the cell costs.
        """
        memo: dict[int, tuple[int, tuple[tuple[int, int], ...]] | None] = {}

        def visit(here: int) -> tuple[int, tuple[tuple[int, int], ...]] | None:
            if here < self.TERMINALS:
                return (0, ()) if here == end else None
            if here in memo:
                return memo[here]
            variable = self.var[here]
            best: tuple[int, tuple[tuple[int, int], ...]] | None = None
            for cell, child in enumerate(self.children[here]):
                below = visit(child)
                if below is None:
                    continue
                cost = below[0] + costs[variable][cell]
                if best is None or cost < best[0]:
                    best = (cost, ((variable, cell), *below[1]))
            memo[here] = best
            return best

        found = visit(node)
        return None if found is None else (found[0], dict(found[1]))
