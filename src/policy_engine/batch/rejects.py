"""Rows that could not be read, or that a mapping leaves out: one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST = 400


@dataclass(frozen=True, slots=True)
class Reject:
    """A row set aside.

    Attributes:
        row: its number in its file, from 1; the header of a CSV file does not count.
        id: its id, where it has one.
        column: the column at fault.
        value: what stands there.
        reason: why it cannot be read, or why it is left out.
        file: the file it came from.
        skipped: it was left out on purpose, by a mapping.
    """

    row: int
    id: str | None
    column: str
    value: Any
    reason: str
    file: str | None = None
    skipped: bool = False

    def line(self) -> str:
        """The row as a line of JSON."""
        value = self.value if not isinstance(self.value, (str, bytes)) or len(self.value) <= LONGEST else f"{self.value[:LONGEST]!s}..."
        reason = self.reason if len(self.reason) <= LONGEST else f"{self.reason[:LONGEST]}..."
        found = {"file": self.file, "row": self.row, "id": self.id, "column": self.column, "value": value, "reason": reason}
        return json.dumps({**found, **({"skipped": True} if self.skipped else {})}, default=str, ensure_ascii=False)
