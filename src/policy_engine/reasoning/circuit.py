"""A circuit of ANDs with a sign bit on every edge, evaluated on any carrier of bits.

A literal is `2 * node + sign`. Node 0 is the constant: literal 0 is false, literal 1 is true. An atom is a test
that one variable lies in some of its cells, written as a mask of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

FALSE = 0
TRUE = 1


class Circuit:
    """Hash-consed AND nodes over atoms."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """`sizes`: the number of cells of each variable."""
        self.sizes = list(sizes)
        self.left: list[int] = [0]
        self.right: list[int] = [0]
        self.atom: list[tuple[int, int] | None] = [None]
        self._ands: dict[tuple[int, int], int] = {}
        self._atoms: dict[tuple[int, int], int] = {}

    def test(self, variable: int, mask: int) -> int:
        """The literal for `variable` lying in the cells of `mask`."""
        full = (1 << self.sizes[variable]) - 1
        mask &= full
        if mask == 0:
            return FALSE
        if mask == full:
            return TRUE
        sign = 0
        if mask & 1:
            mask, sign = full ^ mask, 1
        node = self._atoms.get((variable, mask))
        if node is None:
            node = self._new(0, 0, (variable, mask))
            self._atoms[variable, mask] = node
        return 2 * node + sign

    def _new(self, left: int, right: int, atom: tuple[int, int] | None) -> int:
        self.left.append(left)
        self.right.append(right)
        self.atom.append(atom)
        return len(self.left) - 1

    def and_(self, a: int, b: int) -> int:
        """Both."""
        if a > b:
            a, b = b, a
        if a == FALSE or a ^ b == 1:
            return FALSE
        if a in (TRUE, b):
            return b
        node = self._ands.get((a, b))
        if node is None:
            node = self._new(a, b, None)
            self._ands[a, b] = node
        return 2 * node

    def or_(self, a: int, b: int) -> int:
        """Either."""
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def all(self, literals: Iterable[int]) -> int:
        """Every one of them."""
        result = TRUE
        for literal in literals:
            result = self.and_(result, literal)
            if result == FALSE:
                break
        return result

    def any(self, literals: Iterable[int]) -> int:
        """At least one of them."""
        return self.all(literal ^ 1 for literal in literals) ^ 1

    def reachable(self, outputs: Iterable[int]) -> list[int]:
        """The nodes below the outputs, children before parents."""
        wanted: set[int] = set()
        stack = [literal >> 1 for literal in outputs]
        while stack:
            node = stack.pop()
            if node == 0 or node in wanted:
                continue
            wanted.add(node)
            if self.atom[node] is None:
                stack.append(self.left[node] >> 1)
                stack.append(self.right[node] >> 1)
        return sorted(wanted)

    def support(self, outputs: Iterable[int]) -> list[int]:
        """The variables that the outputs test, in order of first use."""
        found: dict[int, None] = {}
        for node in self.reachable(outputs):
            atom = self.atom[node]
            if atom is not None:
                found[atom[0]] = None
        return list(found)

    def planes(self, outputs: Sequence[int], leaf: Callable[[int, int], tuple[Any, Any]], ones: Any, zero: Any) -> list[tuple[Any, Any]]:
        """May-be-true and may-be-false of each output, on any carrier with `&` and `|`.

        `leaf(variable, mask)` gives the two planes of an atom. Negation swaps the planes.
        """
        may_true: dict[int, Any] = {0: zero}
        may_false: dict[int, Any] = {0: ones}
        for node in self.reachable(outputs):
            atom = self.atom[node]
            if atom is not None:
                may_true[node], may_false[node] = leaf(*atom)
                continue
            a, b = self.left[node], self.right[node]
            at, af = (may_false, may_true) if a & 1 else (may_true, may_false)
            bt, bf = (may_false, may_true) if b & 1 else (may_true, may_false)
            may_true[node] = at[a >> 1] & bt[b >> 1]
            may_false[node] = af[a >> 1] | bf[b >> 1]
        return [(may_false[o >> 1], may_true[o >> 1]) if o & 1 else (may_true[o >> 1], may_false[o >> 1]) for o in outputs]

    def extend_planes(self, node: int, known: dict[int, tuple[int, int]], leaf: Callable[[int, int], tuple[int, int]]) -> None:
        """Add the planes of a node, one bit wide, and of all below it to those already `known`."""
        known.setdefault(0, (0, 1))
        for here in self.reachable([2 * node]):
            if here in known:
                continue
            atom = self.atom[here]
            if atom is not None:
                known[here] = leaf(*atom)
                continue
            a, b = self.left[here], self.right[here]
            at, af = known[a >> 1]
            bt, bf = known[b >> 1]
            if a & 1:
                at, af = af, at
            if b & 1:
                bt, bf = bf, bt
            known[here] = (at & bt, af | bf)

    def compile(self, outputs: Sequence[int], shape: Callable[[Sequence[str]], str] = ", ".join) -> Callable[[Sequence[int]], tuple[Any, ...]]:
        """Straight-line Python for one fully known case: from one mask per variable (one bit set) to the outputs' truth.

        `shape` may turn the words for the outputs into the expressions to return.
        """
        names: dict[int, str] = {}
        lines = ["def run(m):"]
        uses: dict[int, int] = {}
        nodes = self.reachable(outputs)
        for node in nodes:
            if self.atom[node] is None:
                for child in (self.left[node], self.right[node]):
                    uses[child >> 1] = uses.get(child >> 1, 0) + 1
        for literal in outputs:
            uses[literal >> 1] = uses.get(literal >> 1, 0) + 2

        def text(literal: int) -> str:
            if literal <= 1:
                return "True" if literal else "False"
            name = names[literal >> 1]
            return f"(not {name})" if literal & 1 else name

        for node in nodes:
            atom = self.atom[node]
            body = f"m[{atom[0]}] & {atom[1]} != 0" if atom is not None else f"{text(self.left[node])} and {text(self.right[node])}"
            if uses.get(node, 0) <= 1 and len(body) < 200:
                names[node] = f"({body})"
            else:
                names[node] = f"n{node}"
                lines.append(f"    n{node} = {body}")
        inner = shape([text(literal) for literal in outputs])
        lines.append(f"    return ({inner},)" if inner else "    return ()")
        space: dict[str, Any] = {}
        exec(compile("\n".join(lines), "<circuit>", "exec"), space)  # the source is made of numbers alone
        run: Callable[[Sequence[int]], tuple[Any, ...]] = space["run"]
        return run
