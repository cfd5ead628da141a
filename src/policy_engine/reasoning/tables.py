"""The fallback where a diagram would grow too large: a truth table over the facts still open, bits side by side."""

from __future__ import annotations

from collections.abc import Sequence

from policy_engine.reasoning.circuit import Circuit
from policy_engine.reasoning.status import CONFLICT, PERMITTED, PROHIBITED, REQUIRED

MAX_ROWS = 1 << 18


class TooManyRows(Exception):
    """The open facts have more completions than a table may hold."""


def by_table(circuit: Circuit, pattern: Sequence[int], outputs: Sequence[int], default_prohibited: bool) -> int:
    """The statuses over all completions, as bits. `outputs`: require, forbid, grant and what must hold.

    Raises:
        TooManyRows: past `MAX_ROWS` completions.
    """
    alive = [index for index in circuit.support(outputs) if pattern[index] & (pattern[index] - 1)]
    cells = {index: [cell for cell in range(circuit.sizes[index]) if pattern[index] >> cell & 1] for index in alive}
    rows = 1
    for options in cells.values():
        rows *= len(options)
        if rows > MAX_ROWS:
            raise TooManyRows
    ones = (1 << rows) - 1
    columns: dict[tuple[int, int], int] = {}
    period = 1
    for index, options in cells.items():
        for place, cell in enumerate(options):
            block = ((1 << period) - 1) << (place * period)
            columns[index, cell] = _repeat(block, period * len(options), rows)
        period *= len(options)

    def leaf(index: int, mask: int) -> tuple[int, int]:
        if index not in cells:
            return (ones, 0) if pattern[index] & mask else (0, ones)
        true = 0
        for cell in cells[index]:
            if mask >> cell & 1:
                true |= columns[index, cell]
        return true, ones ^ true

    (require, _), (forbid, _), (grant, _), (possible, _) = circuit.planes(outputs, leaf, ones, 0)
    left = possible
    result = 0
    for code, holds in (
        (CONFLICT, require & forbid),
        (PROHIBITED, forbid),
        (PROHIBITED, ones ^ grant if default_prohibited else 0),
        (REQUIRED, require),
        (PERMITTED, ones),
    ):
        if left & holds:
            result |= 1 << code
        left &= ones ^ holds
    return result


def _repeat(block: int, width: int, total: int) -> int:
    """The block written side by side until it fills `total` bits."""
    while width < total:
        block |= block << width
        width *= 2
    return block & ((1 << total) - 1)
