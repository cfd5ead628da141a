"""The same decisions on Spark: each partition's Arrow batches are decided where they lie, under a rulebook sent once to every worker."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from policy_engine.batch.evaluate import Batch
from policy_engine.batch.extras import need
from policy_engine.batch.formats import kind_of
from policy_engine.batch.mapping import Mapping as TableMapping
from policy_engine.batch.mapping_file import load_mapping
from policy_engine.batch.sheet import ID
from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.rulebook import Rulebook, shipped_rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FAULT = "reject"


def decide(
    frame: DataFrame,
    *,
    rules: str | Path | None = None,
    mapping: str | Path | None = None,
    actions: Iterable[str] | None = None,
    keep: Sequence[str] = (),
    as_of: str | None = None,
    jurisdiction: str | None = None,
    agency_kind: str | None = None,
) -> DataFrame:
    """The decisions for every row of a Spark frame: id, kept columns, each action's status, candidates and citation.

    A row that cannot be read comes back with its fault in the column `reject` and no statuses, so no row is lost.

    Raises:
        BadInput: pyspark is missing, or the frame's columns are not understood.
    """
    need("pyspark", "spark")
    packed = pack_rules(Path(rules) if rules is not None else shipped_rules(), None if mapping is None else Path(mapping))
    given = {"as_of": as_of, "jurisdiction": jurisdiction, "agency.kind": agency_kind}
    defaults = {name: value for name, value in given.items() if value is not None}
    chosen = None if actions is None else tuple(actions)
    rulebook = Rulebook(rules)
    names = tuple(rulebook.lexicon.actions) if chosen is None else chosen
    broadcast = frame.sparkSession.sparkContext.broadcast(packed)
    kept = tuple(keep)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        batch, mapped = _batch(broadcast.value, chosen, kept, tuple(sorted(defaults.items())))
        for item in batches:
            yield from _decided(batch, mapped, pa.Table.from_batches([item]), names, kept).to_batches()

    return frame.mapInArrow(work, _schema(names, kept))


def _schema(actions: Sequence[str], keep: Sequence[str]) -> str:
    columns = [ID, *keep, *(f"{action}{part}" for action in actions for part in ("", ".candidates", ".citation")), FAULT]
    return ", ".join(f"`{name}` string" for name in columns)


def _decided(batch: Batch, mapping: TableMapping | None, table: pa.Table, actions: Sequence[str], keep: Sequence[str]) -> pa.Table:
    numbers = list(range(table.num_rows))
    faults: dict[int, str] = {}
    places = numbers
    ids = table.column(mapping.file.id if mapping and mapping.file.id else ID) if (mapping and mapping.file.id) or ID in table.column_names else None
    whole = table
    if mapping is not None:
        table, kept, aside = mapping.apply(table, numbers, "frame")
        places = kept.tolist()
        faults |= {item.row: item.reason for item in aside}
    part = batch.decide(table, 0)
    for item in part.rejects:
        faults[places[item.row]] = f"{item.column}: {item.reason}"
    found = batch.output(part)
    rows = [places[row] for row in (range(part.sheet.rows) if part.rows is None else part.rows.tolist())]
    bad = sorted(faults)
    columns: dict[str, Any] = {}
    order = pa.array([*rows, *bad], pa.int64())
    columns[ID] = pa.nulls(len(order), pa.string()) if ids is None else ids.cast(pa.string()).take(order)
    for name in keep:
        columns[name] = whole.column(name).cast(pa.string()).take(order) if name in whole.column_names else pa.nulls(len(order), pa.string())
    for action in actions:
        for name in (action, f"{action}.candidates", f"{action}.citation"):
            columns[name] = pa.chunked_array([*found.column(name).cast(pa.string()).chunks, pa.nulls(len(bad), pa.string())], pa.string())
    columns[FAULT] = pa.array([*[None] * len(rows), *(faults[row] for row in bad)], pa.string())
    return pa.table(columns)


def pack_rules(root: Path, mapping: Path | None) -> bytes:
    """A rulebook, and a mapping if there is one, as one block of bytes, the same for the same files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in sorted(item for item in root.rglob("*") if item.is_file()):
            _add(archive, f"rules/{path.relative_to(root)}", path.read_bytes())
        if mapping is not None:
            _add(archive, "mapping.yaml", mapping.read_bytes())
    return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@lru_cache(maxsize=4)
def _batch(packed: bytes, actions: tuple[str, ...] | None, keep: tuple[str, ...], defaults: tuple[tuple[str, str], ...]) -> tuple[Batch, TableMapping | None]:
    """The batch of a worker process: unpacked and compiled once, used for every task it runs."""
    folder = Path(tempfile.mkdtemp(prefix=f"policy-engine-{os.getpid()}-"))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    engine = Engine(folder / "rules")
    file = folder / "mapping.yaml"
    mapping = TableMapping(load_mapping(file), engine.rulebook, "mapping") if file.exists() else None
    return Batch(engine, actions, defaults=dict(defaults), keep=keep), mapping


def session() -> SparkSession:
    """The Spark session that is running, or a local one over all cores.

    Raises:
        BadInput: pyspark or Java is missing.
    """
    need("pyspark", "spark")
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return SparkSession.builder.appName("policy-engine").config("spark.ui.enabled", "false").config("spark.sql.execution.arrow.maxRecordsPerBatch", "65536").getOrCreate()
    except PySparkException as error:
        raise BadInput.one(f"Spark does not start ({' '.join(str(error).split())[:120]}); it needs Java 17 or later", "--on spark") from None


def run(
    paths: Sequence[Path],
    output: Path,
    *,
    rules: Path | None,
    mapping: Path | None,
    actions: Sequence[str] | None,
    keep: Sequence[str],
    defaults: Mapping[str, str],
) -> int:
    """Decide Parquet or CSV files on Spark into a folder of Parquet files; how many rows.

    Raises:
        BadInput: a format that Spark is not given here, or an output that exists.
    """
    if output.suffix != ".parquet":
        raise BadInput.one("on Spark the output is a folder of Parquet files, named *.parquet", str(output))
    if output.exists():
        raise BadInput.one("exists already; Spark writes a folder of its own", str(output))
    kinds = {kind_of(path) for path in paths}
    if not kinds <= {"parquet", "csv"} or len(kinds) != 1:
        raise BadInput.one(f"found files of kind {', '.join(sorted(kinds))}; on Spark valid: all Parquet, or all CSV", "IN")
    spark = session()
    reader = spark.read.option("header", "true")
    names = [str(path.absolute()) for path in paths]
    frame = reader.parquet(*names) if kinds == {"parquet"} else reader.csv(names)
    found = decide(
        frame,
        rules=rules,
        mapping=mapping,
        actions=actions,
        keep=keep,
        as_of=defaults.get("as_of"),
        jurisdiction=defaults.get("jurisdiction"),
        agency_kind=defaults.get("agency.kind"),
    )
    found.write.parquet(str(output.absolute()))
    return int(spark.read.parquet(str(output.absolute())).count())
