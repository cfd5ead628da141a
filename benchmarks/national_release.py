"""A made table with the columns of the national detainer release: its stated shares of empty cells, places of custody in all states, 2023 to 2026."""

from __future__ import annotations

import csv
import datetime as dt
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from policy_engine.language.rulebook import Rulebook

HERE = Path(__file__).resolve().parent
FORMS = (
    "I247A - Immigration Detainer - Notice of Action (as of May 2025)",
    "I247A - Immigration Detainer - Notice of Action",
    "I247G - Request for Advance Notification of Release",
    "I247N - Request for Voluntary Notification of Release",
)
FIRST, DAYS = dt.date(2023, 1, 1), 1400


def facilities(rulebook: Rulebook, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Names of places of custody with the name of their state: jails of counties, city police, state prisons, some federal ones."""
    found: list[tuple[str, str]] = []
    places = rulebook.places.by_path
    for path, place in places.items():
        if path.count("/") != 2 or path.startswith("us/circuits"):
            continue
        state = places[path.rpartition("/")[0]].name.upper()
        found.append((f"{place.name.upper()} JAIL" if "ounty" in place.name else f"{place.name.upper()} POLICE DEPT", state))
    for path, place in places.items():
        if path.count("/") == 1 and not path.startswith("us/circuits"):
            found += [(f"{place.name.upper()} STATE PRISON {number}", place.name.upper()) for number in range(1, 5)]
            found.append((f"FCI {place.name.upper()}", place.name.upper()))
    rng.shuffle(found)
    return found


def table(rows: int, rulebook: Rulebook, seed: int = 1) -> pa.Table:
    """The table. Places and forms are drawn with frequencies that fall off as in real tables."""
    rng = np.random.default_rng(seed)
    known = facilities(rulebook, rng)
    weights = 1.0 / np.arange(1, len(known) + 1) ** 0.8
    drawn = rng.choice(len(known), rows, p=weights / weights.sum())
    columns: dict[str, Any] = {}
    with (HERE / "national_release_columns.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            columns[row["column"]] = _column(row, rows, rng, known, drawn)
    return pa.table(columns)


def _column(row: dict[str, str], rows: int, rng: np.random.Generator, known: list[tuple[str, str]], drawn: Any) -> pa.Array:
    name, share, example = row["column"], float(row["null_share"]), row["example"]
    empty = rng.random(rows) < share
    if name in ("detention_facility", "facility_state"):
        words = sorted({item[name == "facility_state"] for item in known})
        place = {word: number for number, word in enumerate(words)}
        codes = np.array([place[item[name == "facility_state"]] for item in known])[drawn]
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=empty), pa.array(words)).cast(pa.string())
    if row["type"] == "timestamp":
        start = np.datetime64(FIRST, "D").astype("datetime64[us]")
        return pa.array(start + rng.integers(0, DAYS, rows).astype("timedelta64[D]"), pa.timestamp("us"), mask=empty)
    if row["type"] == "number":
        return pa.array(rng.integers(0, 40, rows).astype(np.float64), mask=empty)
    if name.endswith("_yes_no"):
        words = ["YES", "NO"]
    elif name == "detainer_type":
        words = list(FORMS)
    elif name.endswith(("_id", "file_number")):
        return pa.array([f"{name[:3]}{number:08}" for number in rng.permutation(rows)], pa.string(), mask=empty)
    else:
        words = [example, *(f"{example} {number}" for number in range(2, 20))]
    codes = rng.integers(0, len(words), rows)
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=empty), pa.array(words)).cast(pa.string())


def write(path: Path, rows: int, rulebook: Rulebook, part: int = 400_000) -> None:
    """The table as Parquet, made part by part."""
    with pq.ParquetWriter(path, table(10, rulebook).schema, compression="zstd") as out:
        for start in range(0, rows, part):
            out.write_table(table(min(part, rows - start), rulebook, 1 + start // part))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), Rulebook(HERE.parent / "rules"))
