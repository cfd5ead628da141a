"""Rows take the registry's facts as scenarios do: by place, by the agency they name, and by local day."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import random_rulebooks
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_batch import agree, as_text, as_typed, numbered
from test_reference_real import ROOT, real_case
from test_tables import book

from policy_engine import Engine
from policy_engine.batch.evaluate import STATUSES, Batch
from policy_engine.batch.run import Job, Run

with (ROOT / "rules/registry/agreements.csv").open(encoding="utf-8") as file:
    AGREEMENTS = list(csv.DictReader(file))
KNOWN_TO = "2026-05-18"


def agree_as_scenarios_too(engine: Engine, cases: list[dict[str, Any]], table: pa.Table) -> None:
    agree(engine, cases, table)
    found = Batch(engine).scenarios([engine.scenario(case) for case in cases])
    for row, case in enumerate(cases):
        for action, outcome in engine.evaluate(case).outcomes.items():
            assert STATUSES[int(found.actions[action].status[row])].as_py() == outcome.status


@st.composite
def tables(draw: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Tables by place, by place and below, and by a name; some of them give the same facts."""
    made: dict[str, tuple[dict[str, Any], str]] = {}
    for name in draw(st.lists(st.sampled_from(["here", "below", "named"]), min_size=1, unique=True)):
        gives = {"a": {"value": draw(st.booleans())}, "colour": {"column": "colour"}, "sent": {"column": "from"}}
        chosen = draw(st.lists(st.sampled_from(sorted(gives)), min_size=1, unique=True))
        spec: dict[str, Any] = {"file": f"registry/{name}.csv", "from": "from", "to": "to", "gives": {fact: gives[fact] for fact in chosen}}
        spec |= {"below": True} if name == "below" else {"match": {"owner": "shape"}} if name == "named" else {}
        known_to = draw(st.sampled_from([None, "2026-03-04", "2026-03-08"]))
        lines = io.StringIO()
        rows = csv.writer(lines)
        rows.writerow(["place", "owner", "colour", "from", "to"])
        for _ in range(draw(st.integers(1, 5))):
            rows.writerow([draw(st.sampled_from(options)) for options in ROW])
        made[name] = ({**spec, **({"known_to": known_to} if known_to else {})}, lines.getvalue())
    return made


ZONES = ["UTC", "America/New_York"]  # the clock is put forward on one of the days
ROW = [
    ["top", "top/side", "top/side/spot"],
    ["Round", "flat!", "flat"],
    ["red", "green", "blue", ""],
    ["2026-02-20", "2026-03-04", ""],
    ["2026-03-04", "2026-03-08", "", ""],
]


@settings(max_examples=60)
@given(
    files=random_rulebooks.rulebooks(), registry=tables(), zone=st.sampled_from(ZONES), cases=st.lists(random_rulebooks.scenarios(), min_size=1, max_size=40), typed=st.booleans()
)
def test_random_tables_give_rows_what_they_give_scenarios(files: dict[str, Any], registry: dict[str, Any], zone: str, cases: list[dict[str, Any]], typed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = random_rulebooks.write(Path(folder), files)
        (root / "registry").mkdir()
        for name, (_, lines) in registry.items():
            (root / "registry" / f"{name}.csv").write_text(lines, encoding="utf-8")
        places = [f"top,Top,{zone},,,", "top/side,Side,,,,", "top/side/spot,Spot,,,,"]
        (root / "registry/places.csv").write_text("\n".join(["path,name,zone,via,fips,aliases", *places, ""]), encoding="utf-8")
        specs = {name: spec for name, (spec, _) in registry.items()}
        card = {**random_rulebooks.CARD, "registry": {"places": ["registry/places.csv"], "tables": specs}}
        (root / "rulebook.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
        cases = numbered(cases)
        agree_as_scenarios_too(Engine(root), cases, as_typed(cases) if typed else as_text(cases))


@st.composite
def agencys_case(draw: Any) -> dict[str, Any]:
    """A scenario of an agency with an agreement, in its place, on a day that matters to the agreement, with nothing or little said of it."""
    row = draw(st.sampled_from(AGREEMENTS))
    case = draw(real_case())
    signed = dt.date.fromisoformat(row["signed"])
    days = [signed - dt.timedelta(days=1), signed, dt.date.fromisoformat(row["to"] or KNOWN_TO), dt.date.fromisoformat(row["to"] or KNOWN_TO) + dt.timedelta(days=1)]
    facts = {name: value for name, value in case["facts"].items() if not name.startswith("agreement.") or draw(st.integers(0, 4)) == 0}
    facts["agency.name"] = draw(st.sampled_from([row["agency"], row["agency"].upper(), "unknown", "Nobody's Office"]))
    case |= {"jurisdiction": row["place"], "as_of": f"{draw(st.sampled_from(days))}T12:00", "facts": facts}
    return case | {"agency": {"kind": draw(st.sampled_from([[row["kind"]], ["sheriff", "jail"]]))}}


@settings(max_examples=25)
@given(cases=st.lists(agencys_case() | real_case(), min_size=1, max_size=10), typed=st.booleans())
def test_the_real_registry_gives_rows_what_it_gives_scenarios(engine: Engine, cases: list[dict[str, Any]], typed: bool) -> None:
    cases = numbered(cases)
    agree_as_scenarios_too(engine, cases, as_typed(cases) if typed else as_text(cases))


def test_every_agreement_is_found_by_its_row(engine: Engine) -> None:
    """All rows at once on one day: the same facts as scenario by scenario."""
    batch = Batch(engine, actions=["agreement_287g"])
    columns = {"jurisdiction": [row["place"] for row in AGREEMENTS], "agency.kind": [row["kind"] for row in AGREEMENTS], "agency.name": [row["agency"] for row in AGREEMENTS]}
    table = pa.table({**columns, "as_of": ["2026-01-15T12:00"] * len(AGREEMENTS)})
    part = batch.decide(table)
    assert part.rows is None
    signed = 0
    for row in range(part.sheet.rows):
        stated = part.sheet.scenario(row)
        assert set(stated.facts) == {"agency.name"}
        found = engine.registry_facts(stated.jurisdiction, stated.facts, stated.as_of)
        assert part.sheet.facts(row) == {**found, **stated.facts}
        signed += "agreement.signed" in found
    assert signed > 1000


def test_without_the_agencys_name_the_table_is_not_even_read(tmp_path: Path) -> None:
    engine = book(tmp_path, rows="nonsense")
    for shape in ({}, {"shape": [None]}):
        table = pa.table({"colour": ["red"], **shape})
        found = engine.evaluate_batch(table, as_of="2026-03-01", jurisdiction="top", agency_kind="left").to_pylist()
        assert found[0]["open"] == "prohibited"


def test_traces_of_rows_say_what_the_registry_gave(tmp_path: Path) -> None:
    engine = book(tmp_path / "rules")
    pq.write_table(pa.table({"id": ["x"], "shape": ["round one"]}), tmp_path / "in.parquet")
    batch = Batch(engine, defaults={"as_of": "2025-06-01T12:00", "jurisdiction": "top", "agency.kind": "left"})
    Run(batch, Job((tmp_path / "in.parquet",), tmp_path / "out.jsonl", 64, traces=tmp_path / "traces", quiet=True)).go()
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert row["open"] == "prohibited"
    case = {"id": "x", "as_of": "2025-06-01T12:00", "jurisdiction": "top", "agency": {"kind": "left"}, "facts": {"shape": "round one"}}
    told = json.loads((tmp_path / "traces" / f"{row['trace']}.json").read_text(encoding="utf-8"))
    assert told == json.loads(json.dumps(engine.evaluate(case, actions=engine.rulebook.lexicon.actions).to_dict()))
