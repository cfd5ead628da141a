"""Where the planes of a circuit's atoms come from: the columns, seen through the cells of one regime."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from policy_engine.batch.columns import Bools, Codes, Flags, Plane, pack
from policy_engine.batch.program import ONES, ZERO, Fill, Graph, Leaf
from policy_engine.reasoning.cells import Variable


@dataclass(slots=True)
class Cells:
    """A variable of a regime over some rows: a code for each row, and for each code the cells it may lie in.

    Where `valid` leaves rows out, their codes mean nothing and they may lie in the cells of `null`.
    """

    codes: Codes
    by_code: list[int]
    valid: Plane | None = None
    null: int = 0

    @property
    def constant(self) -> int | None:
        """The one mask of every row, if there is just one."""
        return self.by_code[0] if len(self.by_code) == 1 and self.valid is None else None

    @property
    def masks(self) -> list[int]:
        """The cells that rows may lie in."""
        return self.by_code if self.valid is None else [*self.by_code, self.null]

    def shape(self) -> tuple[object, ...]:
        """What the planes over it look like, whatever the rows hold."""
        return "cells", self.valid is None, *self.masks


@dataclass(slots=True)
class Bits:
    """A variable over a fact that is true or false: its plane, the rows that are given, and the cells of true, false and empty."""

    column: Flags
    true: int
    false: int
    null: int

    @property
    def constant(self) -> int | None:
        """Never told without looking at the rows."""
        return None

    @property
    def masks(self) -> list[int]:
        """The cells that rows may lie in."""
        return [self.true, self.false, *([] if self.column.valid is None else [self.null])]

    def shape(self) -> tuple[object, ...]:
        """What the planes over it look like, whatever the rows hold."""
        return "bits", *self.masks


@dataclass(slots=True)
class Levels:
    """A variable over numbers: the numbers, the rows that are given, and the cells of empty rows."""

    numbers: Codes
    valid: Plane | None
    variable: Variable
    null: int

    @property
    def constant(self) -> int | None:
        """Never told without looking at the rows."""
        return None

    @property
    def masks(self) -> list[int]:
        """The cells that rows may lie in."""
        return [1] if self.valid is None else [1, self.null]

    def shape(self) -> tuple[object, ...]:
        """What the planes over it look like, whatever the rows hold."""
        return "levels", *self.masks


Source = Cells | Bits | Levels


class Leaves:
    """The planes "may lie in these cells" of each variable, as nodes of a graph, and how to fill them block by block."""

    def __init__(self, graph: Graph, sources: Mapping[int, Source]) -> None:
        self.graph, self.sources = graph, sources
        self._may: dict[tuple[int, int], int] = {}

    def may(self, variable: int, mask: int) -> int:
        """The node of the rows whose variable may lie in a cell of the mask."""
        found = self._may.get((variable, mask))
        if found is None:
            found = self._may[variable, mask] = self._make(variable, mask)
        return found

    def _make(self, variable: int, mask: int) -> int:
        source = self.sources[variable]
        if source.constant is not None:
            return ONES if source.constant & mask else ZERO
        if isinstance(source, Cells):
            return self._with_null(variable, source.valid, source.null & mask, self._codes(variable, source, mask))
        if isinstance(source, Bits):
            return self._with_null(variable, source.column.valid, source.null & mask, self._bits(variable, source, mask))
        return self._with_null(variable, source.valid, source.null & mask, self._levels(variable, source, mask))

    def _with_null(self, variable: int, valid: Plane | None, null: int, given: int) -> int:
        if valid is None:
            return given
        here = self.graph.leaf((variable, "valid"))
        return self.graph.or_(given, self.graph.not_(here)) if null else self.graph.and_(given, here)

    def _codes(self, variable: int, source: Cells, mask: int) -> int:
        graph = self.graph
        inside = [code for code, cells in enumerate(source.by_code) if cells & mask]
        outside = [code for code, cells in enumerate(source.by_code) if not cells & mask]
        if len(outside) < len(inside):
            return graph.not_(graph.any([graph.leaf((variable, "code", code)) for code in outside]))
        return graph.any([graph.leaf((variable, "code", code)) for code in inside])

    def _bits(self, variable: int, source: Bits, mask: int) -> int:
        true, false = bool(source.true & mask), bool(source.false & mask)
        if true == false:
            return ONES if true else ZERO
        plane = self.graph.leaf((variable, "true"))
        return plane if true else self.graph.not_(plane)

    def _levels(self, variable: int, source: Levels, mask: int) -> int:
        """Rows in cells of the mask: one threshold where it says just that, else cell by cell."""
        graph, signatures = self.graph, source.variable.signatures
        reached = [graph.leaf((variable, "reaches", at)) for at in range(len(source.variable.thresholds))]
        for at, plane in enumerate(reached):
            cells = sum(1 << cell for signature, cell in signatures.items() if signature[at])
            if mask == cells:
                return plane
            if mask == source.variable.full ^ cells:
                return graph.not_(plane)
        parts = []
        for signature, cell in signatures.items():
            if mask >> cell & 1:
                part = ONES
                for holds, plane in zip(signature, reached, strict=True):
                    part = graph.and_(part, plane if holds else graph.not_(plane))
                parts.append(part)
        return graph.any(parts)


def fills(leaves: Sequence[Leaf], sources: Mapping[int, Source], block: int) -> list[Fill]:
    """How each leaf's words are found in the columns, up to `block` rows at a time. One list serves one thread."""
    spare = np.empty(block, np.bool_)
    return [_fill(leaf, sources, spare) for leaf in leaves]


def _fill(leaf: Leaf, sources: Mapping[int, Source], spare: Bools) -> Fill:
    if len(leaf) == 1:
        value = np.uint64(0) if leaf[0] == ZERO else np.uint64(0xFFFF_FFFF_FFFF_FFFF)
        return lambda low, high, buffer: _filled(buffer, value)
    source = sources[leaf[0]]
    if leaf[1] == "valid":
        valid = source.column.valid if isinstance(source, Bits) else source.valid
        assert valid is not None
        return _words(valid)
    if isinstance(source, Bits):
        return _words(source.column.true)
    if isinstance(source, Cells):
        return _compared(np.equal, source.codes, leaf[2], spare)
    threshold = source.variable.thresholds[leaf[2]]
    bound: float = threshold.number
    if source.numbers.dtype.kind in "iu":
        bound = math.floor(bound) if threshold.strict else math.ceil(bound)
    return _compared(np.greater if threshold.strict else np.greater_equal, source.numbers, bound, spare)


def _words(plane: Plane) -> Fill:
    return lambda low, high, buffer: plane[low // 64 : (high + 63) // 64]


def _compared(compare: Callable[..., object], values: Codes, bound: float, spare: Bools) -> Fill:
    def fill(low: int, high: int, buffer: Plane) -> Plane:
        bits = spare[: high - low]
        compare(values[low:high], bound, out=bits)
        if len(bits) % 64:
            return pack(bits)
        return np.packbits(bits, bitorder="little").view(np.uint64)

    return fill


def _filled(buffer: Plane, value: np.uint64) -> Plane:
    buffer.fill(value)
    return buffer
