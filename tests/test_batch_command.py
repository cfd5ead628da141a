"""The command `batch`: formats, rejects, resume, mappings, summary, traces; each kind of broken file has a clear end."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from policy_engine import BadInput, Engine
from policy_engine.batch import formats
from policy_engine.batch import run as run_module
from policy_engine.batch.evaluate import Batch
from policy_engine.batch.formats import inputs
from policy_engine.batch.mapping import Mapping
from policy_engine.batch.mapping_file import load_mapping
from policy_engine.batch.progress import Teller
from policy_engine.batch.run import Job, Report, Run

ROOT = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).parent / "policy-engine")
POLICY = ROOT / "benchmarks/release_policy"
WHERE = {"as_of": "2026-01-01T00:00", "jurisdiction": "policy", "agency.kind": "unit"}


@pytest.fixture(scope="module")
def policy() -> Engine:
    return Engine(POLICY)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "batch", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)


def run(engine: Engine, output: Path, *paths: Path, chunk_rows: int = 64, **more: Any) -> tuple[Run, Report]:
    batch = Batch(engine, defaults=WHERE, keep=more.get("keep", ()))
    made = Run(batch, Job(tuple(inputs([str(path) for path in paths])), output, chunk_rows, quiet=True, **more))
    return made, made.go()


def table(rows: int) -> pa.Table:
    classes = ["none", "misdemeanor", "felony", "serious", "violent"]
    return pa.table(
        {
            "id": [f"r{number}" for number in range(rows)],
            "judicial_warrant": [number % 7 == 0 for number in range(rows)],
            "court_order_hold": [[True, False, None][number % 3] for number in range(rows)],
            "hours_past_release": [float(number % 97) for number in range(rows)],
            "conviction_class": pa.array([classes[number % 5] for number in range(rows)]).dictionary_encode(),
        }
    )


def write(path: Path, data: pa.Table) -> Path:
    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)
    if path.suffix == ".csv":
        frame.with_columns(pl.col("conviction_class").cast(pl.String)).write_csv(path)
    elif path.suffix == ".jsonl":
        frame.with_columns(pl.col("conviction_class").cast(pl.String)).write_ndjson(path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(path, data.schema) as out:
            out.write_table(data)
    else:
        pq.write_table(data, path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False).to_dicts()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".arrow":
        return pa.ipc.open_file(path).read_all().to_pylist()
    return pq.read_table(path).to_pylist()


def rejects(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{output}.rejects.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("into", [".parquet", ".csv", ".jsonl", ".arrow"])
@pytest.mark.parametrize("source", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_every_format_gives_the_same_decisions(policy: Engine, tmp_path: Path, source: str, into: str) -> None:
    data = table(200)
    made = policy.evaluate_batch(data, as_of="2026-01-01T00:00", jurisdiction="policy", agency_kind="unit").to_pylist()
    output = tmp_path / f"out{into}"
    _, report = run(policy, output, write(tmp_path / f"in{source}", data))
    assert (report.read, report.decided, report.rejected) == (200, 200, 0)
    found = read(output)
    assert [int(row.pop("row")) for row in found] == list(range(1, 201))
    assert [{name: value or None for name, value in row.items()} for row in found] == made
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"in{source}", f"out{into}"])


def test_scenario_files_are_decided_as_by_decide(engine: Engine, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    batch = Batch(engine)
    files = inputs([str(ROOT / "scenarios/us/pa"), str(ROOT / "scenarios/us/ca/*.yaml")])
    Run(batch, Job(tuple(files), output, 64, quiet=True)).go()
    found = {(row["file"], row["id"]): row for row in read(output)}
    scenarios = [(str(path), scenario) for path in files for scenario in engine.scenarios(path)]
    assert len(found) == len(scenarios) > 10
    for path, scenario in scenarios:
        decision = engine.evaluate(scenario, actions=engine.rulebook.lexicon.actions)
        for action, outcome in decision.outcomes.items():
            assert found[path, scenario.id][action] == outcome.status
            assert found[path, scenario.id][f"{action}.citation"] == outcome.governing[0].citation


def test_rows_that_cannot_be_read_are_set_aside_with_the_reason(policy: Engine, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(
        b"id,hours_past_release,conviction_class,judicial_warrant\n"
        b"a,5,none,true\nb,many,none,true\nc,5\nd,5,grave,maybe\ne,5,\xff\xfe,true\nf,,,\ng,5,none,true,more\nh,nan,none,no\n"
    )
    output = tmp_path / "out.csv"
    _, report = run(policy, output, path)
    assert [row["id"] for row in read(output)] == ["a", "f"]
    assert [row["row"] for row in read(output)] == ["1", "6"]
    assert (report.read, report.decided, report.rejected) == (8, 2, 6)
    found = [(item["row"], item["id"], item["column"], item["reason"]) for item in rejects(output)]
    assert found == [
        (2, "b", "hours_past_release", "`hours_past_release` is a number; found `many`"),
        (3, None, "", "has 2 cells; the header names 4"),
        (4, "d", "conviction_class", "`conviction_class` has unknown value `grave`; valid: `felony`, `misdemeanor`, `none`, `serious`, `violent`"),
        (4, "d", "judicial_warrant", "`judicial_warrant` is true, false or unknown; found `maybe`"),
        (5, "e", "conviction_class", "`conviction_class` holds bytes that are not UTF-8 text"),
        (7, None, "", "has 5 cells; the header names 4"),
        (8, "h", "hours_past_release", "`hours_past_release` is a number; found `nan`"),
    ]


def test_broken_lines_of_json_are_set_aside(policy: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_LINE", 1000)
    path = tmp_path / "in.jsonl"
    long = b'{"id": "' + b"x" * 5000 + b'"}'
    path.write_bytes(b'{"id": "a", "is_juvenile": true}\n{"id": \n\n[1]\n{"id": "b", "is_juvenil": true}\n' + long + b'\n{"id": "\xff"}\n{"id": "c", "is_juvenile": null}\n')
    output = tmp_path / "out.jsonl"
    _, report = run(policy, output, path)
    assert [row["id"] for row in read(output)] == ["a", "c"]
    assert (report.decided, report.rejected) == (2, 5)
    told = {item["row"]: item["reason"] for item in rejects(output)}
    assert set(told) == {2, 4, 5, 6, 7}
    assert "did you mean `is_juvenile`?" in told[5]
    assert told[6].startswith("a line longer than")
    assert told[7] == "is not UTF-8 text"


def test_a_long_line_is_never_held(tmp_path: Path, policy: Engine) -> None:
    """A line of 300 MB in a process that may take no more than that."""
    path = tmp_path / "in.jsonl"
    with path.open("wb") as out:
        out.write(b'{"id": "a"}\n{"id": "')
        for _ in range(300):
            out.write(b"x" * 1_000_000)
        out.write(b'"}\n{"id": "b"}\n')
    words = """
import resource, sys
from policy_engine.batch.formats import _lines
print([None if line is None else len(line) for line in _lines(open(sys.argv[1], "rb"))], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", words, str(path)], capture_output=True, text=True, check=True)
    lengths, _, peak = done.stdout.strip().rpartition(" ")
    assert lengths == "[12, None, 12]"
    assert int(peak) < 290_000


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("in.csv", b"", "the file is empty; the first line of a table names its columns"),
        ("in.jsonl", b"", "the file is empty"),
        ("in.parquet", b"", "the file is empty"),
        ("in.arrow", b"", "the file is empty"),
        ("in.parquet", b"PAR1" + b"\0" * 100, "cannot be read as parquet"),
        ("in.arrow", b"ARROW1\0\0" + b"\1" * 100, "cannot be read as arrow"),
        ("in.csv", "id,is_juvenile\na,true\n".encode("utf-16"), "is UTF-16 text; save the file as UTF-8"),
        ("in.csv", b"id,is_juvenil\na,true\n", "unknown column `is_juvenil`; did you mean `is_juvenile`?"),
        ("in.csv", b"id,unit.kind\na,unit\n", "`unit.kind` is written in the column `agency.kind`"),
        ("in.csv", b'id,is_juvenile\na,"true\n' + b"b,true\n" * 300_000, "a cell longer than 1 MiB past row 0; is a quote left open?"),
        ("in.txt", b"id\n", "unknown kind of file `.txt`"),
    ],
)
def test_a_file_that_cannot_be_read_ends_in_one_line(policy: Engine, tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    output = tmp_path / "out.csv"
    with pytest.raises(BadInput) as caught:
        run(policy, output, path)
    assert told in str(caught.value)
    assert not output.exists()


def test_a_truncated_parquet_file_ends_in_one_line(policy: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", table(500))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match=r"in\.parquet: cannot be read as parquet"):
        run(policy, tmp_path / "out.csv", path)


@pytest.mark.parametrize(
    ("column", "array", "told"),
    [
        ("is_juvenile", pa.array([1.5]), "`is_juvenile` is of type bool"),
        ("hours_past_release", pa.array([True]), "`hours_past_release` is of type number"),
        ("conviction_class", pa.array([[1]]), "`conviction_class` is of type enum: `none`, `misdemeanor`"),
    ],
)
def test_a_column_of_the_wrong_type_is_refused(policy: Engine, tmp_path: Path, column: str, array: pa.Array, told: str) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({column: array}), path)
    with pytest.raises(BadInput) as caught:
        run(policy, tmp_path / "out.csv", path)
    assert told in str(caught.value)


def test_ids_that_stand_twice_are_decided_and_told(policy: Engine, tmp_path: Path) -> None:
    data = table(200)
    doubled = pa.concat_tables([data, data.slice(10, 3)])
    path = write(tmp_path / "in.parquet", doubled)
    _, report = run(policy, tmp_path / "out.csv", path)
    assert (report.decided, report.duplicates, report.first_duplicate) == (203, 3, "r10")
    words = [str(path), "-o", str(tmp_path / "out.csv"), "--rules", str(POLICY), "--as-of", "2026-01-01", "--jurisdiction", "policy", "--agency-kind", "unit"]
    assert command(*words, "--strict").returncode == 2
    done = command(*words)
    assert (done.returncode, "3 rows repeat an id, first `r10`" in done.stderr) == (0, True)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("into", [".parquet", ".csv", ".jsonl", ".arrow"])
def test_a_killed_run_resumes_with_the_same_bytes(policy: Engine, tmp_path: Path, into: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(1000)
    ids = rows.column("id").to_pylist()
    ids[200], ids[990] = ids[20], ids[10]  # one pair among the chunks finished before the end, one across it
    path = write(tmp_path / "in.csv", rows.set_column(0, "id", pa.array(ids)))
    whole, broken = tmp_path / f"whole{into}", tmp_path / f"broken{into}"
    run(policy, whole, path)
    decided = Run.decide
    count = 0

    def dies(self: Run, chunk: Any) -> Any:
        nonlocal count
        count += 1
        if count == 9:
            raise Killed
        return decided(self, chunk)

    monkeypatch.setattr(Run, "decide", dies)
    with pytest.raises(Killed):
        run(policy, broken, path)
    assert not broken.exists()
    count = 100
    _, report = run(Engine(POLICY), broken, path, resume=True)
    assert (report.resumed, report.decided, count) == (8, 1000, 108)
    assert (report.duplicates, report.first_duplicate) == (2, "r20")
    assert broken.read_bytes() == whole.read_bytes()
    assert not [*tmp_path.glob("broken*parts"), *tmp_path.glob("*.tmp")]


def test_another_run_is_not_resumed(policy: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "in.csv", table(300))
    monkeypatch.setattr(run_module, "put_in_place", lambda *paths: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        run(policy, tmp_path / "out.csv", path)
    monkeypatch.undo()
    path.write_text(path.read_text(encoding="utf-8") + "new,true,,5,none\n", encoding="utf-8")
    with pytest.raises(BadInput, match="holds another run"):
        run(policy, tmp_path / "out.csv", path, resume=True)


def test_a_killed_process_resumes(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", table(4000))
    where = ["--rules", str(POLICY), "--as-of", "2026-01-01", "--jurisdiction", "policy", "--agency-kind", "unit", "--chunk-rows", "64", "-q"]
    whole, broken = tmp_path / "whole.parquet", tmp_path / "broken.parquet"
    assert command(str(path), "-o", str(whole), *where).returncode == 0
    started = subprocess.Popen([COMMAND, "batch", str(path), "-o", str(broken), *where], cwd=ROOT)
    folder = tmp_path / "broken.parquet.parts"
    while started.poll() is None and not (folder / "000003.json").exists():
        pass
    started.kill()
    started.wait()
    assert not broken.exists()
    assert command(str(path), "-o", str(broken), *where, "--resume").returncode == 0
    assert broken.read_bytes() == whole.read_bytes()


# -- mappings -------------------------------------------------------------------------------------
def test_the_pennsylvania_file(engine: Engine, tmp_path: Path) -> None:
    data = ROOT / "data/pennsylvania_detainers_2007_2012.csv"
    mapping = Mapping(load_mapping(ROOT / "rules/mappings/pennsylvania-detainers.yaml"), engine.rulebook, "pennsylvania-detainers")
    output = tmp_path / "out.parquet"
    made = Run(Batch(engine, keep=mapping.file.keep), Job((data,), output, 1 << 17, mapping, mapping.file.keep, by=("year", "agency.kind"), quiet=True))
    report = made.go()
    with data.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert report.read == len(rows) == 24_621
    assert report.decided + report.skipped == report.read
    assert report.rejected == 0
    federal = [number for number, row in enumerate(rows, 1) if "FCI" in row["detention_facility"] or "USP " in row["detention_facility"]]
    assert set(federal) <= {item["row"] for item in rejects(output)}
    hold = [row for row in made.tally.rows() if row["action"] == "hold"]
    assert sum(row["rows"] for row in hold) == report.decided
    assert {row["year"] for row in hold} == {row["date"][:4] for row in rows}
    found = read(output)
    case = next(row for row in found if row["detention_facility"] == "ALLEGHENY CO. JAIL")
    line = rows[case["row"] - 1]
    facts = {"detainer.lodged": True, "detainer.form": "i247", "detainer.issued": line["date"]}
    decision = engine.evaluate({"id": "x", "as_of": f"{line['date']}T12:00", "jurisdiction": "us/pa/allegheny-county", "agency": {"kind": "jail"}, "facts": facts})
    assert {action: case[action] for action in decision.outcomes} == {action: outcome.status for action, outcome in decision.outcomes.items()}
    summary = made.tally.write(tmp_path / "summary.csv")
    assert [path.suffix for path in summary] == [".csv", ".svg", ".png"]
    assert summary[1].read_bytes().startswith(b"<?xml")
    assert summary[2].read_bytes().startswith(b"\x89PNG")


MADE: dict[str, Any] = {
    "name": "made",
    "id": "number",
    "keep": ["note"],
    "skip": [{"from": "kind", "values": ["X"], "because": "not ours"}, {"from": "kind", "empty": True, "because": "no kind"}],
    "columns": {
        "as_of": {"from": "day", "date": ["%d/%m/%Y", "%d/%m/%Y %H:%M"], "at": "12:00"},
        "jurisdiction": {"place": {"above": "state", "named": "office", "patterns": [{"pattern": "^(.+) CO", "value": "\\1 County"}]}},
        "agency.kind": {"from": "kind", "values": {"S": "sheriff", "J": "jail"}},
        "detainer.lodged": {"from": "asked", "yes": ["Y"], "no": ["N"], "default": False},
        "detainer.probable_cause": {"elements": {"final_order": {"from": "order", "yes": ["1"], "no": ["0"]}, "statements": {"from": "said", "yes": ["1"], "no": ["0"]}}},
        "custody.hours_past_release": {"from": "minutes", "number": True, "times": 1 / 60},
        "person.citizenship": {"from": "status", "match": [{"pattern": "claims", "value": "claimed"}], "other": "absent"},
    },
}


def test_every_kind_of_rule_in_a_mapping(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    path.write_text(yaml.safe_dump(MADE), encoding="utf-8")
    mapping = Mapping(load_mapping(path), engine.rulebook, "made")
    foreign = pa.table(
        {
            "number": [1, 2, 3, 4, 5, 6],
            "day": ["02/03/2026", "02/03/2026 09:30", "2026-03-02", "02/03/2026", "02/03/2026", "02/03/2026"],
            "state": ["California", "CALIFORNIA", "California", "Atlantis", "Texas", "Texas"],
            "office": ["Los Angeles Co.", "Somewhere", "Kern Co", "Kern Co", "Kern Co", "Harris COUNTY"],
            "kind": ["S", "J", "S", "S", "X", "Q"],
            "asked": ["Y", None, "N", "Y", "Y", "Y"],
            "order": ["1", "0", "1", "1", "1", "1"],
            "said": ["1", None, "0", "1", "1", "1"],
            "minutes": ["90", "1,200", "0", "1", "1", "1"],
            "status": ["Claims it", "none", None, "x", "x", "x"],
            "note": ["a", "b", "c", "d", "e", "f"],
        }
    )
    table, rows, aside = mapping.apply(foreign, list(range(1, 7)), "f")
    assert rows.tolist() == [0, 1]
    assert table.to_pylist() == [
        {
            "id": "1", "as_of": "2026-03-02T12:00", "jurisdiction": "us/ca/los-angeles-county", "agency.kind": "sheriff", "detainer.lodged": "true",
            "detainer.probable_cause": "final_order|statements", "custody.hours_past_release": "1.5", "person.citizenship": "claimed", "note": "a",
        },
        {
            "id": "2", "as_of": "2026-03-02T09:30:00", "jurisdiction": "us/ca", "agency.kind": "jail", "detainer.lodged": "false",
            "detainer.probable_cause": None, "custody.hours_past_release": "20.0", "person.citizenship": None, "note": "b",
        },
    ]  # fmt: skip
    told = {item.row: (item.column, item.value, item.skipped) for item in aside}
    assert told == {3: ("day", "2026-03-02", False), 4: ("jurisdiction", "Atlantis", False), 5: ("kind", "X", True), 6: ("kind", "Q", False)}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"columns": {"detainer.loged": {"value": True}}}, "unknown fact `detainer.loged`; did you mean `detainer.lodged`"),
        ({"columns": {"detainer.lodged": {"value": True, "from": "x"}}}, "exactly one of `value`, `from`, `elements`, `place`"),
        ({"columns": {"detainer.form": {"from": "x", "match": [{"pattern": "(", "value": 1}]}}}, "no regular expression"),
        ({"columns": {"detainer.probable_cause": {"elements": {"order": {"value": True}}}}}, "unknown value of `detainer.probable_cause`: `order`"),
        ({"column": {}}, "column"),
    ],
)
def test_a_wrong_mapping_is_told(engine: Engine, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = tmp_path / "made.yaml"
    path.write_text(yaml.safe_dump({**MADE, **change}), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        Mapping(load_mapping(path), engine.rulebook, "made.yaml")
    assert told in str(caught.value)


def test_the_national_mapping_reads_the_columns_of_the_release(engine: Engine) -> None:
    mapping = Mapping(load_mapping(ROOT / "rules/mappings/us-detainer-release.yaml"), engine.rulebook, "us-detainer-release")
    with (ROOT / "benchmarks/national_release_columns.csv").open(encoding="utf-8") as lines:
        columns = {row["column"]: row["example"] for row in csv.DictReader(lines)}
    assert set(mapping.columns()) <= set(columns)
    table, rows, aside = mapping.apply(pa.table({name: [value] for name, value in columns.items()}), [1], "f")
    assert (len(rows), aside) == (1, [])
    made = Batch(engine, keep=mapping.file.keep)
    assert made.decide(table).rejects == []
    assert table.to_pylist()[0]["jurisdiction"] == "us/ny"


# -- traces, progress -----------------------------------------------------------------------------
def test_one_trace_for_each_pattern(policy: Engine, tmp_path: Path) -> None:
    output, folder = tmp_path / "out.jsonl", tmp_path / "traces"
    run(policy, output, write(tmp_path / "in.parquet", table(500)), chunk_rows=100, traces=folder)
    found = read(output)
    names = {row["trace"] for row in found}
    assert {path.stem for path in folder.iterdir()} == names
    assert 10 < len(names) < 200
    for row in found[::40]:
        told = json.loads((folder / f"{row['trace']}.json").read_text(encoding="utf-8"))
        assert {name: item["status"] for name, item in told["outcomes"].items()} == {name: row[name] for name in told["outcomes"]}
        assert told["trace"]["hold"]


def test_progress_on_a_pipe_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Teller(100, every=0) as teller:
        teller.tell(50, 2)
        teller.tell(50, 0)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"50 of 100 rows, [\d,]+ rows/s, \d+ s left, 2 set aside", first)
    assert re.fullmatch(r"100 of 100 rows, [\d,]+ rows/s, 2 set aside", second)
    with Teller(100, quiet=True, every=0) as teller:
        teller.tell(50, 2)
    assert capsys.readouterr().err == ""


def test_a_missing_library_is_one_line(tmp_path: Path) -> None:
    """A fresh process in which pyarrow cannot be imported."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError('hidden')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([COMMAND, "batch", "data", "-o", "x.csv"], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr.splitlines()) == (2, ['batch: `pyarrow` is not installed; install it with `pip install "policy-engine[batch]"`'])
    assert shutil.which(COMMAND)


def test_wrong_words_end_with_2(tmp_path: Path) -> None:
    for words, told in (
        (["nowhere.csv", "-o", str(tmp_path / "x.csv")], "nowhere.csv: no such file or folder"),
        (["data", "-o", str(tmp_path / "x.pdf")], "unknown kind of output `.pdf`"),
        (["data", "-o", str(tmp_path / "x.csv"), "--map", "pensylvania"], "unknown mapping `pensylvania`; did you mean"),
        (["data", "-o", str(tmp_path / "x.csv"), "--on", "sprak"], "unknown place to run `sprak`; did you mean `spark`?"),
        (["data", "-o", str(tmp_path / "x.csv"), "-a", "holt"], "unknown action `holt`; did you mean `hold`?"),
    ):
        done = command(*words)
        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_the_mapping_of_the_docs_is_one(engine: Engine, tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/batch.md").read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "example.yaml"
    path.write_text(block, encoding="utf-8")
    mapping = Mapping(load_mapping(path), engine.rulebook, "example")
    foreign = {
        "case_no": "7",
        "note": "n",
        "custody": "county",
        "day": "02/03/2026",
        "state": "Texas",
        "office": "Harris County Sheriff",
        "form": "A",
        "order": "YES",
        "minutes": "30",
    }
    table, _, aside = mapping.apply(pa.table({name: [value] for name, value in foreign.items()}), [1], "f")
    assert aside == []
    assert table.to_pylist()[0]["jurisdiction"] == "us/tx/harris-county"
    assert Batch(engine, keep=mapping.file.keep).decide(table).rejects == []
