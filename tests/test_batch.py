"""Tables decided: the same statuses, candidates, citations and norms as scenario by scenario, by planes and by patterns."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import random_rulebooks
import small_rulebook
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reference_real import flat, real_case

from policy_engine import Engine
from policy_engine.reasoning.decision import Decision
from policy_engine.reasoning.trace import norm_truth


def text_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and value and isinstance(value[0], str):
        return "|".join(value)
    return json.dumps(value) if isinstance(value, list) else str(value)


def columns_of(cases: list[dict[str, Any]]) -> dict[str, list[Any]]:
    rows = []
    for case in cases:
        row = {"id": case["id"], "as_of": case["as_of"], "jurisdiction": case["jurisdiction"], "agency.kind": case["agency"]["kind"]}
        row |= flat(case["facts"]) | {f"assume.{name}": answer for name, answer in case.get("assume", {}).items()}
        rows.append(row)
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}


def as_text(cases: list[dict[str, Any]]) -> pa.Table:
    """Every cell as text, as a CSV file has it."""
    return pa.table({name: pa.array([text_cell(value) for value in values], pa.string()) for name, values in columns_of(cases).items()})


def as_typed(cases: list[dict[str, Any]]) -> pa.Table:
    """Arrow's own types where no cell says unknown."""
    made = {}
    for name, values in columns_of(cases).items():
        try:
            if name in ("sent", "as_of", "custody.release_due") and all(value is None or len(value) > 10 for value in values):
                made[name] = pa.array([None if value is None else dt.datetime.fromisoformat(value) for value in values], pa.timestamp("us"))
            else:
                made[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            made[name] = pa.array([text_cell(value) for value in values], pa.string())
        if pa.types.is_string(made[name].type):
            made[name] = made[name].dictionary_encode()
    return pa.table(made)


@contextmanager
def planes_for_all() -> Iterator[None]:
    """Planes for the smallest group, in blocks of one word."""
    with patch("policy_engine.batch.rulings.FEW", 0), patch("policy_engine.batch.rulings.BLOCK", 64):
        yield


def agree(engine: Engine, cases: list[dict[str, Any]], table: pa.Table) -> None:
    decisions = [engine.evaluate(engine.scenario(case)) for case in cases]
    by_pattern = engine.evaluate_batch(table, details=("status", "candidates", "citation", "applies"))
    with planes_for_all():
        by_planes = engine.evaluate_batch(table, details=("status", "candidates", "applies"))
    for found in (by_pattern.to_pylist(), by_planes.to_pylist()):
        assert len(found) == len(cases)
        for row, decision in zip(found, decisions, strict=True):
            same(row, decision, engine)


def same(row: dict[str, Any], decision: Decision, engine: Engine) -> None:
    for action in engine.rulebook.lexicon.actions:
        outcome = decision.outcomes.get(action)
        where = (decision.scenario.id, action)
        if outcome is None:
            assert row[action] is None, where
            continue
        assert row[action] == outcome.status, where
        candidates = " | ".join(outcome.candidates) + (" (cut off)" if outcome.cut_off else "")
        assert row[f"{action}.candidates"] == (candidates if outcome.status == "undetermined" else None), where
        if f"{action}.citation" in row:
            assert row[f"{action}.citation"] == outcome.governing[0].citation, where
        for node in decision.regime.action(action).norms:
            may, may_not = norm_truth(decision.regime, decision.encoding, action, node)[0]
            assert row[f"applies.{node.norm.id}"] == (None if may and may_not else may), (where, node.norm.id)


def numbered(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**case, "id": f"s{number}"} for number, case in enumerate(cases)]


@settings(max_examples=150)
@given(files=random_rulebooks.rulebooks(), cases=st.lists(random_rulebooks.scenarios(), min_size=1, max_size=40), typed=st.booleans())
def test_random_tables_are_decided_as_their_scenarios(files: dict[str, Any], cases: list[dict[str, Any]], typed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(random_rulebooks.write(Path(folder), files))
        cases = numbered(cases)
        agree(engine, cases, as_typed(cases) if typed else as_text(cases))


@settings(max_examples=60)
@given(cases=st.lists(real_case(), min_size=1, max_size=12), typed=st.booleans())
def test_real_tables_are_decided_as_their_scenarios(engine: Engine, cases: list[dict[str, Any]], typed: bool) -> None:
    cases = numbered(cases)
    agree(engine, cases, as_typed(cases) if typed else as_text(cases))


def test_hours_are_counted_in_rows_as_in_scenarios_where_the_clock_is_changed(engine: Engine) -> None:
    """24 hours back from noon after the clock was put forward is eleven o'clock the day before."""
    cases = [
        {"id": "x", "as_of": f"{day}T12:00", "jurisdiction": "us/ca", "agency": {"kind": "jail"}, "facts": {"custody.hours_past_release": hours}}
        for day in ("2026-03-08", "2026-03-10", "2026-11-01", "2026-11-03")
        for hours in (0, 12, 24, 48, 48.5, 130)
    ]
    agree(engine, numbered(cases), as_text(numbered(cases)))
    due = engine.scenario(cases[2]).facts["custody.release_due"]
    assert str(due) == "2026-03-07T11:00-08:00"


def test_an_unknown_time_has_no_cell_that_the_change_of_the_clock_rules_out(tmp_path: Path) -> None:
    """At ten past midnight after the clock was put forward, yesterday's first moment is 23 hours and ten minutes ago."""
    norms = [{"id": "n.never", "authority": "base", "require": "open", "when": ["sent.days_ago < 2", "sent.hours_ago > 24"]}]
    root = small_rulebook.write(tmp_path, norms, {"registry": {"places": ["places.csv"]}})
    (root / "places.csv").write_text("path,name,zone,via,fips,aliases\ntop,Top,America/New_York,,,\n", encoding="utf-8")
    cases = numbered([{"id": "x", "as_of": as_of, "jurisdiction": "top", "agency": {"kind": ["left"]}, "facts": {}} for as_of in random_rulebooks.AS_OF])
    engine = Engine(root)
    assert [engine.evaluate(case).outcomes["open"].status for case in cases] == ["undetermined", "undetermined", "permitted"]
    agree(engine, cases, as_text(cases))
