"""The finished chunks of a run, kept beside its output until the run is done, so that a killed run can go on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from policy_engine.language.problems import BadInput

Counts = Counter[tuple[str, ...]]


@dataclass(slots=True)
class Done:
    """A finished chunk.

    Attributes:
        table: the decisions, None if the chunk has none.
        rejects: the lines of its rejects.
        read, rejected, skipped: rows.
        counts: rows by the keys of the summary.
        traces: the names of the trace files it needs.
    """

    table: pa.Table | None
    rejects: list[str]
    read: int
    rejected: int
    skipped: int
    counts: Counts = field(default_factory=Counter)


class Parts:
    """The folder of finished chunks of one run."""

    def __init__(self, output: Path, card: dict[str, Any]) -> None:
        self.folder = output.with_name(f"{output.name}.parts")
        self.card = json.dumps(card, sort_keys=True)

    def open(self, resume: bool) -> int:
        """Make the folder ready; how many chunks are finished.

        Raises:
            BadInput: the folder holds another run.
        """
        card = self.folder / "run.json"
        if resume and card.is_file():
            if card.read_text(encoding="utf-8") != self.card:
                raise BadInput.one("holds another run: input, rules, options or version have changed; run again without --resume", str(self.folder))
            count = 0
            while self._name(count, "json").is_file():
                count += 1
            return count
        self.close()
        self.folder.mkdir(parents=True)
        _write(card, self.card.encode())
        return 0

    def _name(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06}.{suffix}"

    def save(self, number: int, done: Done) -> Done:
        """Keep a finished chunk; its JSON comes last and makes it count.

        What comes back is the chunk as read again, so that a resumed run writes from the very same bytes.
        """
        if done.table is not None:
            sink = pa.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, done.table.schema) as stream:
                stream.write_table(done.table)
            _write(self._name(number, "arrow"), sink.getvalue())
        told = {
            "rejects": done.rejects,
            "read": done.read,
            "rejected": done.rejected,
            "skipped": done.skipped,
            "counts": [[list(key), count] for key, count in done.counts.items()],
        }
        _write(self._name(number, "json"), json.dumps(told).encode())
        return self.load(number)

    def load(self, number: int) -> Done:
        """A chunk that was kept."""
        told = json.loads(self._name(number, "json").read_text(encoding="utf-8"))
        table = None
        if self._name(number, "arrow").is_file():
            with pa.OSFile(str(self._name(number, "arrow"))) as source:
                table = pyarrow.ipc.open_stream(source).read_all()
        counts = Counter({tuple(key): count for key, count in told["counts"]})
        return Done(table, told["rejects"], told["read"], told["rejected"], told["skipped"], counts)

    def close(self) -> None:
        """Remove the folder."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)


def _write(path: Path, data: Any) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
