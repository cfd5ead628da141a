"""Tables, timed beside hand-written programs in the same rounds: medians, printed as a table. Exactness is asserted, time is not."""

from __future__ import annotations

import importlib
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from rich.console import Console
from rich.table import Table

from policy_engine import Engine

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]
WHERE = {"as_of": "2026-01-01T00:00", "jurisdiction": "policy", "agency_kind": "unit"}
COMMAND = str(Path(sys.executable).parent / "policy-engine")
ROUNDS = 9


def peers(folder: Path) -> Any:
    """The shared workload's own modules, with its data made if it is not there."""
    os.environ.setdefault("BENCH_WORK", str(Path(tempfile.gettempdir()) / "policy-engine-bench"))
    sys.path.append(str(folder))
    common = importlib.import_module("common")
    if not (Path(common.WORK) / "data" / "rows_b.bin").exists():
        subprocess.run([sys.executable, str(folder / "gen_data.py")], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return common


def arrow_table(common: Any, which: str, whole: type[np.generic]) -> pa.Table:
    """One of the data sets in Arrow: booleans, dictionary-encoded words, whole numbers of a given width."""
    raw = np.fromfile(Path(common.WORK) / "data" / f"rows_{which}.bin", np.uint8).reshape(-1, common.W)
    columns: dict[str, Any] = {}
    for place, (fact, declared) in enumerate(common.POLICY["facts"].items()):
        values = np.ascontiguousarray(raw[:, place])
        if declared["type"] == "bool":
            columns[fact] = pa.array(values.astype(bool))
        elif declared["type"] == "int":
            columns[fact] = pa.array(values.astype(whole))
        else:
            columns[fact] = pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int8)), pa.array(declared["values"]))
    return pa.table(columns)


def with_nulls(table: pa.Table, share: float = 0.2) -> pa.Table:
    """The table with a share of all cells empty."""
    rng = np.random.default_rng(5)
    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        empty = rng.random(len(column)) < share
        if pa.types.is_dictionary(column.type):
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(column.indices.to_numpy(), mask=empty), column.dictionary)
        else:
            columns[name] = pa.array(column.to_numpy(zero_copy_only=False), mask=empty)
    return pa.table(columns)


def rates(rows: int, *programs: Callable[[], object]) -> list[float]:
    """Million rows a second of each program, medians of rounds in which all take their turn."""
    for program in programs:
        program()
    times: list[list[float]] = [[] for _ in programs]
    for _ in range(ROUNDS):
        for found, program in zip(times, programs, strict=True):
            start = time.perf_counter()
            program()
            found.append(time.perf_counter() - start)
    return [rows / statistics.median(found) / 1e6 for found in times]


def check(common: Any, found: pa.Table, expected: Any) -> None:
    """Every status and every applying norm against the hand-written program, which the oracle has checked."""
    codes = {"permitted": 0, "required": 1, "prohibited": 2, "conflict": 3}
    for place, action in enumerate(common.ACTIONS):
        column = found.column(action).combine_chunks()
        table = np.array([codes.get(word, 9) for word in column.dictionary.to_pylist()])
        assert (table[column.indices.to_numpy()] == expected[place]).all(), action
    for place, rule in enumerate(common.RULES):
        assert (found.column(f"applies.{rule['id']}").to_numpy() == (expected[3] >> place & 1).astype(bool)).all(), rule["id"]


def shared_policy(out: Table, common: Any) -> None:
    """The shared policy on both data sets."""
    engine = Engine(ROOT / "benchmarks/release_policy")
    import polars as pl

    c_hand = importlib.import_module("engines.c_hand").load()["columnar"]
    polars_enum = importlib.import_module("engines.polars_enum").load()["columnar"]
    hand = importlib.import_module("engines.polars_hand")
    oracle = _oracle(Path(hand.__file__).parent.parent / "reference.py")
    asked = {**WHERE, "details": ("status", "applies")}
    for which in "ab":
        rows = common.Rows(which).n
        in_c, frame = c_hand["prepare"](which, rows), polars_enum["prepare"](which, rows)
        expected = c_hand["run"](in_c)
        assert c_hand["decode"](tuple(part[:20_000] for part in expected)) == [oracle.decide(facts) for facts in common.Rows(which).dicts(0, 20_000)]
        booleans = [hand.cond(rule["when"]).alias(rule["id"]) for rule in common.RULES]
        shown = [hand.status(action) for action in common.ACTIONS] + [pl.col(rule["id"]) for rule in common.RULES]
        narrow, wide = arrow_table(common, which, np.uint8), arrow_table(common, which, np.int32)
        for table in (narrow, wide):
            check(common, engine.evaluate_batch(table, **asked), expected)
        ours8, ours32, in_c_rate, in_polars = rates(
            rows,
            lambda table=narrow: engine.evaluate_batch(table, **asked),  # type: ignore[misc]
            lambda table=wide: engine.evaluate_batch(table, **asked),  # type: ignore[misc]
            lambda columns=in_c: c_hand["run"](columns),  # type: ignore[misc]
            lambda frame=frame, booleans=booleans, shown=shown: frame.lazy().select(booleans).select(shown).collect(),  # type: ignore[misc]
        )
        out.add_row(
            f"shared policy, set {which}, 8-bit numbers (32-bit)", f"{ours8:.0f} ({ours32:.0f}) M rows/s", f"Polars Enum by hand {in_polars:.0f}, C by hand {in_c_rate:.0f}"
        )
        out.add_row("", f"{ours8 / in_polars:.1f} ({ours32 / in_polars:.1f}) x Polars", f"{ours8 / in_c_rate:.2f} ({ours32 / in_c_rate:.2f}) x C; wanted: 2 and 0.5")
        empty = with_nulls(wide)
        (rate,) = rates(rows, lambda table=empty: engine.evaluate_batch(table, **WHERE, details=("status", "candidates")))  # type: ignore[misc]
        compared = against_interpreter(engine, empty.slice(0, 2000)) if which == "b" else 0
        out.add_row(f"the same, set {which}, a fifth of all cells empty, exact candidates", f"{rate:.0f} M rows/s", f"wanted: 50; {compared} rows held against the interpreter")


def _oracle(path: Path) -> Any:
    """The workload's oracle, under a name of its own: the tests have a module of the same name."""
    spec = importlib.util.spec_from_file_location("shared_oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def against_interpreter(engine: Engine, table: pa.Table) -> int:
    """Candidates against the reference interpreter of the tests, row by row."""
    from reference import Reference, TooMany  # type: ignore[import-not-found]

    found = engine.evaluate_batch(table, **WHERE, details=("status", "candidates")).to_pylist()
    interpreter = Reference(engine.rulebook, limit=200_000)
    compared = 0
    for row, facts in zip(found, table.to_pylist(), strict=True):
        given = {name: value for name, value in facts.items() if value is not None}
        case = {"id": "x", "as_of": WHERE["as_of"], "jurisdiction": "policy", "agency": {"kind": "unit"}, "facts": given}
        try:
            statuses = interpreter.decide(engine.scenario(case)).statuses
        except TooMany:
            continue
        for action, wanted in statuses.items():
            assert set((row[f"{action}.candidates"] or row[action]).split(" | ")) == wanted, (facts, action)
        compared += 1
    return compared


def command(*words: str) -> tuple[float, float]:
    """Seconds and peak MiB of a run of the command in a process of its own."""
    start = time.perf_counter()
    child = subprocess.Popen([COMMAND, "batch", *words, "-q"])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def national(out: Table, folder: Path, times: int) -> None:
    """The real rulebook on a made table with the national release's columns."""
    import national_release

    engine = Engine(ROOT / "rules")
    seconds = []
    peaks = []
    for rows in (400_000, 400_000 * times):
        path = folder / f"national_{rows}.parquet"
        national_release.write(path, rows, engine.rulebook)
        taken, peak = command(str(path), "-o", str(folder / "out.parquet"), "--map", "us-detainer-release")
        seconds.append(taken)
        peaks.append(peak)
        out.add_row(f"national release, {rows:,} rows, Parquet to Parquet, new process", f"{taken:.1f} s, {peak:.0f} MiB", "wanted: 10 s, 600 MiB" if rows == 400_000 else "")
        path.unlink()
    out.add_row(f"{times} times the rows", f"{seconds[1] / seconds[0]:.1f} x the time, {peaks[1] / peaks[0]:.2f} x the memory", "wanted: at 20 times 12 and 1.3")


def scenarios(out: Table, folder: Path) -> None:
    """A folder of 5,000 scenario files."""
    cases = folder / "cases"
    cases.mkdir()
    found = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "scenarios/us").rglob("*.yaml"))
        if "base:" not in path.read_text(encoding="utf-8").split("\n")[0:3]
    ]
    found = [case for case in found if isinstance(case, dict) and "base" not in case]
    for number in range(5000):
        case = {**found[number % len(found)], "id": f"case-{number}"}
        (cases / f"case-{number}.yaml").write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")
    taken, peak = command(str(cases), "-o", str(folder / "cases.jsonl"))
    out.add_row("5,000 scenario files, new process", f"{taken:.1f} s, {peak:.0f} MiB", "wanted: 15 s")


def main() -> None:
    words = sys.argv[1:]
    times = int(words[words.index("--times") + 1]) if "--times" in words else 20
    shared = Path(next((word for word in words if not word.startswith("--") and not word.isdigit()), str(ROOT.parent / "shared"))) / "bench"
    out = Table("what", "found", "beside it")
    with tempfile.TemporaryDirectory() as name:
        if (shared / "policy.json").exists():
            shared_policy(out, peers(shared))
        else:
            out.add_row("shared policy", "not measured", f"no workload at {shared}; pass the folder that holds bench/")
        scenarios(out, Path(name))
        national(out, Path(name), times)
    out.add_row("peak of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB", "")
    Console(width=170).print(out)


if __name__ == "__main__":
    main()
