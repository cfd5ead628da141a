"""Tables written chunk by chunk, to a temporary name that becomes the real one at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from policy_engine.batch.extras import need
from policy_engine.language.problems import BadInput

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".arrow": "arrow", ".ipc": "arrow", ".feather": "arrow"}


class Writer(Protocol):
    """Writes tables of one schema, one after the other."""

    def write(self, table: pa.Table) -> None:
        """Add a table."""

    def close(self) -> None:
        """Finish the file."""


def output_kind(path: Path) -> str:
    """The format of an output file.

    Raises:
        BadInput: a suffix that is not known, or a folder that does not exist.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise BadInput.one(f"unknown kind of output `{path.suffix or path.name}`; valid: {', '.join(SUFFIXES)}", str(path))
    if not path.absolute().parent.is_dir():
        raise BadInput.one("no such folder to write to", str(path.parent))
    return kind


def writer(path: Path, kind: str) -> Writer:
    """A writer of a format."""
    makers: dict[str, Callable[[Path, str], Writer]] = {"csv": _Text, "jsonl": _Text, "parquet": _Parquet, "arrow": _Arrow}
    return makers[kind](path, kind)


class _Parquet:
    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.made = path, None

    made: Any

    def write(self, table: pa.Table) -> None:
        if self.made is None:
            self.made = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self.made.write_table(table, row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        if self.made is not None:
            self.made.close()


class _Arrow:
    """Dictionaries only grow from chunk to chunk, as the format asks."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.made: Any = None
        self.tables: dict[str, dict[str, int]] = {}

    def write(self, table: pa.Table) -> None:
        table = pa.table({name: self._grown(name, table.column(name)) for name in table.column_names})
        if self.made is None:
            options = pyarrow.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
            self.made = pyarrow.ipc.new_file(str(self.path), table.schema, options=options)
        self.made.write_table(table)

    def _grown(self, name: str, column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        if not pa.types.is_dictionary(column.type):
            return column
        known = self.tables.setdefault(name, {})
        array = column.combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        places = pa.array([known.setdefault(value, len(known)) for value in array.dictionary.to_pylist()], pa.int32())
        return pa.DictionaryArray.from_arrays(places.take(array.indices), pa.array(list(known), pa.string()))

    def close(self) -> None:
        if self.made is not None:
            self.made.close()


class _Text:
    """CSV with a header, or one JSON object a line."""

    def __init__(self, path: Path, kind: str) -> None:
        self.polars = need("polars")
        self.kind, self.first = kind, True
        self.file = path.open("wb")

    def write(self, table: pa.Table) -> None:
        plain = pa.table({name: _plain(table.column(name)) for name in table.column_names})
        frame = self.polars.from_arrow(plain)
        if self.kind == "csv":
            self.file.write(frame.write_csv(include_header=self.first).encode())
        else:
            self.file.write(frame.write_ndjson().encode())
        self.first = False

    def close(self) -> None:
        self.file.close()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished file its name."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
