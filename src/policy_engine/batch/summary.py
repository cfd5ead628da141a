"""Outcomes counted by place, or by whatever else is asked, and action."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from policy_engine.batch.arrow import single
from policy_engine.batch.columns import Codes, factorised, joined
from policy_engine.batch.parts import Counts
from policy_engine.reasoning.status import Status

ORDER = tuple(status.value for status in Status)


class Tally:
    """Counts rows by keys, action and status."""

    def __init__(self, actions: Sequence[str], by: Sequence[str]) -> None:
        self.actions, self.by = tuple(actions), tuple(by)
        self.counts: Counts = Counter()

    def count(self, keys: Mapping[str, Sequence[Any]], table: pa.Table) -> Counts:
        """The counts of one table."""
        found: Counts = Counter()
        named = {name: factorised(["" if value is None else str(value) for value in keys[name]]) for name in self.by}
        for action in self.actions:
            array = single(table.column(action))
            codes: Codes = np.asarray(array.indices.fill_null(len(ORDER))).astype(np.int64)
            names = [*array.dictionary.to_pylist(), *[None] * (len(ORDER) + 1 - len(array.dictionary))]
            first, kind = joined([*(codes for codes, _ in named.values()), codes], table.num_rows)
            for row, count in zip(first.tolist(), np.bincount(kind, minlength=len(first)).tolist(), strict=True):
                status = names[int(codes[row])]
                if status is not None:
                    found[(*(values[int(column[row])] for column, values in named.values()), action, status)] += count
        return found

    def rows(self) -> list[dict[str, Any]]:
        """One row for each combination of keys and each action: how many rows came to each status."""
        table: dict[tuple[str, ...], dict[str, int]] = {}
        for key, count in self.counts.items():
            counts = table.setdefault(key[:-1], {})
            counts[key[-1]] = counts.get(key[-1], 0) + count
        places = {action: place for place, action in enumerate(self.actions)}
        found = []
        for key in sorted(table, key=lambda item: (*item[:-1], places[item[-1]])):
            counts = table[key]
            found.append({**dict(zip((*self.by, "action"), key, strict=True)), "rows": sum(counts.values()), **{status: counts.get(status, 0) for status in ORDER}})
        return found

    def write(self, path: Path) -> list[Path]:
        """The table as CSV, and a picture of it as SVG and PNG beside it."""
        from policy_engine.batch.picture import draw

        rows = self.rows()
        text = io.StringIO()
        lines = csv.DictWriter(text, [*self.by, "action", "rows", *ORDER], lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)
        _put(path, text.getvalue().encode())
        made = [path]
        for suffix, data in draw(rows, self.by).items():
            _put(path.with_suffix(suffix), data)
            made.append(path.with_suffix(suffix))
        return made


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
