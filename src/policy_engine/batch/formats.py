"""Tables read chunk by chunk: CSV, JSON Lines, Parquet, Arrow; and scenario files."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.ipc
import pyarrow.parquet as pq

from policy_engine.batch.arrow import SEPARATOR
from policy_engine.batch.rejects import Reject
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.scenario import Scenario

if TYPE_CHECKING:
    from policy_engine.engine import Engine

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".arrow": "arrow", ".ipc": "arrow", ".feather": "arrow", ".yaml": "yaml", ".yml": "yaml"}
CHUNK_ROWS = 1 << 17
MAX_LINE, MAX_CELL = 1 << 24, 1 << 20
_CSV_BLOCK = 1 << 24


@dataclass(slots=True)
class Chunk:
    """Some rows of one file: a table or scenarios, the number of each row, and those that could not be read."""

    file: str
    table: pa.Table | None
    numbers: Sequence[int]
    unread: list[Reject] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)


def inputs(words: Sequence[str]) -> list[Path]:
    """The files that paths, folders and globs name, in order.

    Raises:
        BadInput: one names nothing, or a file of a kind that cannot be read.
    """
    found: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.suffix in SUFFIXES and item.is_file() and not any(part.startswith(".") for part in item.parts))
            if not inside:
                raise BadInput.one(f"no files to read in this folder; valid: {', '.join(SUFFIXES)}", word)
            found += inside
        elif path.exists():
            found.append(path)
        else:
            matched = sorted(glob.glob(word, recursive=True))
            if not matched:
                raise BadInput.one("no such file or folder", word)
            found += [Path(item) for item in matched]
    for path in found:
        kind_of(path)
    return found


def kind_of(path: Path) -> str:
    """The format that a file's name tells.

    Raises:
        BadInput: a suffix that is not known.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise BadInput.one(f"unknown kind of file `{path.suffix or path.name}`; valid: {', '.join(SUFFIXES)}", str(path))
    return kind


def count_rows(path: Path) -> int | None:
    """How many rows a file says it has; None where only reading it would tell."""
    try:
        if kind_of(path) == "parquet":
            return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None
    return None


def chunks(path: Path, engine: Engine, rows: int = CHUNK_ROWS, columns: Sequence[str] | None = None, keep: Sequence[str] = ()) -> Iterator[Chunk]:
    """The rows of a file, `rows` at a time. `columns`: read only these, where the format allows.

    Raises:
        BadInput: the file cannot be read, or not beyond some row.
    """
    kind = kind_of(path)
    try:
        if kind == "yaml":
            yield from _scenarios(path, engine, rows)
        elif kind == "jsonl":
            yield from _json_lines(path, engine, rows, columns, keep)
        elif kind == "csv":
            yield from _gathered(str(path), _csv(path), rows)
        elif kind == "parquet":
            yield from _gathered(str(path), _parquet(path, rows, columns), rows)
        else:
            yield from _gathered(str(path), _arrow(path), rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput.one(f"cannot be read as {kind}: {_short(error)}", str(path)) from None


def read_whole(path: Path, engine: Engine) -> tuple[pa.Table, list[Reject]]:
    """All rows of the table at a path. Scenario files are for `Engine.evaluate`, or the command.

    Raises:
        BadInput: see `chunks`.
    """
    tables, unread = [], list[Reject]()
    for file in inputs([str(path)]):
        for chunk in chunks(file, engine):
            if chunk.table is None:
                raise BadInput.one("holds scenarios, not a table; read them with Engine.scenarios", str(file))
            tables.append(chunk.table)
            unread += chunk.unread
    return pa.concat_tables(tables, promote_options="default"), unread


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "straddling" in text:
        return f"a line longer than {_CSV_BLOCK >> 20} MiB; is a quote left open?"
    return text[:300]


# -- Arrow formats --------------------------------------------------------------------------------
Batches = Iterator[tuple[pa.RecordBatch, list[tuple[int, Reject]]]]


def _gathered(file: str, batches: Batches, rows: int) -> Iterator[Chunk]:
    """Batches of any size as chunks of `rows`. A reject comes with the number of good rows of its batch that stand before it."""
    waiting: list[pa.RecordBatch] = []
    numbers: list[int] = []
    unread: list[Reject] = []
    at = 0
    empty: pa.Schema | None = None
    for batch, bad in batches:
        empty = batch.schema
        for place in range(batch.num_rows + 1):
            if not bad:
                numbers += range(at + 1, at + 1 + batch.num_rows - place)
                at += batch.num_rows - place
                break
            while bad and bad[0][0] == place:
                at += 1
                _, reject = bad.pop(0)
                unread.append(Reject(at, None, reject.column, reject.value, reject.reason, file))
            if place < batch.num_rows:
                at += 1
                numbers.append(at)
        waiting.append(batch)
        while sum(item.num_rows for item in waiting) >= rows:
            table = pa.Table.from_batches(waiting)
            yield Chunk(file, table.slice(0, rows), numbers[:rows], unread)
            rest = table.slice(rows)
            waiting, numbers, unread = rest.to_batches(), numbers[rows:], []
    if numbers or unread or (at == 0 and empty is not None):
        yield Chunk(file, pa.Table.from_batches(waiting, empty), numbers, unread)


def _parquet(path: Path, rows: int, columns: Sequence[str] | None) -> Batches:
    if path.stat().st_size == 0:
        raise BadInput.one("the file is empty", str(path))
    schema = pq.read_schema(path)
    words = [name for name in schema.names if pa.types.is_string(schema.field(name).type) or pa.types.is_large_string(schema.field(name).type)]
    with pq.ParquetFile(path, read_dictionary=words) as source:
        wanted = None if columns is None else [name for name in columns if name in schema.names]
        for batch in source.iter_batches(batch_size=rows, columns=wanted):
            yield batch, []
        if source.metadata.num_rows == 0:
            yield pa.RecordBatch.from_pylist([], schema=source.schema_arrow), []


def _arrow(path: Path) -> Batches:
    if path.stat().st_size == 0:
        raise BadInput.one("the file is empty", str(path))
    with pa.memory_map(str(path)) as source:
        try:
            reader: Any = pyarrow.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number), []
            if not reader.num_record_batches:
                yield pa.RecordBatch.from_pylist([], schema=reader.schema), []
        except pa.ArrowInvalid:
            source.seek(0)
            for batch in pyarrow.ipc.open_stream(source):
                yield batch, []


def _csv(path: Path) -> Batches:
    """Cells are read as bytes, so that one cell with a wrong encoding spoils no more than its row."""
    with path.open("rb") as raw:
        head = raw.read(4)
    if not head:
        raise BadInput.one("the file is empty; the first line of a table names its columns", str(path))
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput.one("is UTF-16 text; save the file as UTF-8", str(path))
    with path.open("rb") as raw:
        first = raw.readline(MAX_LINE)
    names = pa_csv.read_csv(pa.BufferReader(first if first.endswith(b"\n") else first + b"\n")).column_names
    bad: list[tuple[int, Reject]] = []

    def wrong(row: Any) -> str:
        reason = f"has {row.actual_columns} cells; the header names {row.expected_columns}"
        bad.append((row.number, Reject(0, None, "", row.text[:200], reason)))
        return "skip"

    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=wrong),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True),
    )
    seen = 0
    for batch in reader:
        placed: list[tuple[int, Reject]] = []
        while bad and bad[0][0] - 2 - seen - len(placed) <= batch.num_rows:
            number, reject = bad.pop(0)
            placed.append((number - 2 - seen - len(placed), reject))
        for cells in batch.columns:
            if (pc.max(pc.binary_length(cells)).as_py() or 0) > MAX_CELL:
                raise BadInput.one(f"a cell longer than {MAX_CELL >> 20} MiB past row {seen}; is a quote left open?", str(path))
        seen += batch.num_rows + len(placed)
        yield batch, placed
    if bad:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema), [(0, reject) for _, reject in bad]


# -- JSON Lines and scenarios ---------------------------------------------------------------------
def _json_lines(path: Path, engine: Engine, rows: int, columns: Sequence[str] | None, keep: Sequence[str]) -> Iterator[Chunk]:
    file = str(path)
    flat = _Flat(engine, columns, keep)
    found: list[dict[str, str | None]] = []
    numbers: list[int] = []
    unread: list[Reject] = []
    row = 0
    with path.open("rb") as source:
        for line in _lines(source):
            row += 1
            if line is None:
                unread.append(Reject(row, None, "", None, f"a line longer than {MAX_LINE >> 20} MiB", file))
            elif line.strip():
                try:
                    cells = flat.row(json.loads(line))
                except UnicodeDecodeError:
                    unread.append(Reject(row, None, "", line[:200].decode("utf-8", "replace"), "is not UTF-8 text", file))
                except (ValueError, RecursionError) as error:
                    unread.append(Reject(row, None, "", line[:200].decode("utf-8", "replace"), f"is no JSON object: {error}", file))
                except BadInput as error:
                    problem = error.problems[0]
                    unread.append(Reject(row, None, problem.file, None, problem.message, file))
                else:
                    found.append(cells)
                    numbers.append(row)
            if len(found) >= rows:
                yield Chunk(file, _strings(found), numbers, unread)
                found, numbers, unread = [], [], []
    if row == 0:
        raise BadInput.one("the file is empty", file)
    if found or unread:
        yield Chunk(file, _strings(found), numbers, unread)


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long, which is passed over without holding it."""
    while line := source.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE)
        yield None


def _strings(rows: list[dict[str, str | None]]) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names} or {"id": pa.array([], pa.string())})


class _Flat:
    """Objects with nested or dotted keys as rows of text cells."""

    def __init__(self, engine: Engine, columns: Sequence[str] | None, keep: Sequence[str]) -> None:
        self.facts = engine.rulebook.lexicon.facts
        assume = (f"assume.{name}" for name in engine.rulebook.lexicon.questions)
        self.known = None if columns is not None else {*self.facts, "id", "as_of", "jurisdiction", "agency.kind", *assume, *keep}

    def row(self, data: Any) -> dict[str, str | None]:
        """The cells of one object.

        Raises:
            BadInput: a key that names no column.
            ValueError: no object.
        """
        if not isinstance(data, dict):
            raise ValueError('a row is written {"id": ..., ...}')
        cells: dict[str, str | None] = {}
        self._flatten(data, "", cells)
        return cells

    def _flatten(self, data: dict[str, Any], prefix: str, cells: dict[str, str | None]) -> None:
        for key, value in data.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict) and name not in self.facts:
                self._flatten(value, "" if name == "facts" else f"{name}.", cells)
                continue
            if self.known is not None and name not in self.known:
                raise BadInput.one(unknown_name("column", name, self.known), name)
            cells[name] = _cell(value)


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) and SEPARATOR not in item for item in value):
        return SEPARATOR.join(value)
    return json.dumps(value)


def _scenarios(path: Path, engine: Engine, rows: int) -> Iterator[Chunk]:
    try:
        found = engine.scenarios(path)
    except BadInput as error:
        unread = [Reject(problem.line, None, "", None, str(problem), str(path)) for problem in error.problems]
        yield Chunk(str(path), None, [], unread)
        return
    for start in range(0, len(found), rows):
        part = found[start : start + rows]
        yield Chunk(str(path), None, range(start + 1, start + 1 + len(part)), [], part)
