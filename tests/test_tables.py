"""Registry tables: facts by place, agency and day, marked in the trace, and held against the law."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import small_rulebook

from policy_engine import BadInput, Engine, Status
from policy_engine.language.facts import UNKNOWN
from policy_engine.tablecheck import check_table

SPEC: dict[str, Any] = {
    "file": "registry/shapes.csv",
    "place": "place",
    "from": "from",
    "to": "to",
    "known_to": "2026-06-30",
    "match": {"owner": "shape"},
    "gives": {"a": {"value": True}, "colour": {"column": "colour"}, "sent": {"column": "from"}},
    "check": {"action": "open", "kind": "side"},
}
ROWS = """place,owner,side,colour,from,to
top,Round One,left,red,2025-01-01,2025-12-31
top,Round One,left,blue,2026-01-01,
top,Two Squares,left,red,2026-01-01,
top,Two Squares,left,green,2026-02-01,
"""
NORMS = [{"id": "n.red", "authority": "base", "forbid": "open", "when": "colour = red"}, {"id": "n.a", "authority": "base", "permit": "open", "when": "a"}]


def book(folder: Path, spec: dict[str, Any] | None = None, rows: str = ROWS) -> Engine:
    root = small_rulebook.write(folder, NORMS, {"registry": {"tables": {"shapes": {**SPEC, **(spec or {})}}}})
    (root / "registry").mkdir(exist_ok=True)
    (root / "registry" / "shapes.csv").write_text(rows, encoding="utf-8")
    return Engine(root)


def case(day: str, **facts: Any) -> dict[str, Any]:
    return {"id": "x", "as_of": f"{day}T12:00", "jurisdiction": "top", "agency": {"kind": "left"}, "facts": facts}


def test_a_row_in_force_gives_its_facts_and_the_trace_says_from_where(tmp_path: Path) -> None:
    engine = book(tmp_path)
    decision = engine.evaluate(case("2025-06-01", shape="round-one"))
    assert decision.outcomes["open"].status is Status.PROHIBITED
    assert decision.scenario.registry == {"a", "colour", "sent"}
    step = next(item for item in decision.trace["open"] if item.norm.id == "n.red").when
    assert (step.value, step.origin) == ("red", "registry")


def test_given_facts_win_and_another_day_is_looked_up_anew(tmp_path: Path) -> None:
    engine = book(tmp_path)
    assert engine.evaluate(case("2025-06-01", shape="Round One", colour="grey")).outcomes["open"].status is Status.PERMITTED
    scenario = engine.evaluate(case("2025-06-01", shape="Round One")).scenario
    assert engine.evaluate(scenario, as_of="2026-03-01T12:00").outcomes["open"].status is Status.PERMITTED
    assert engine.evaluate(case("2024-12-31", shape="Round One")).scenario.registry == frozenset()


def test_rows_that_differ_and_days_past_the_tables_knowledge_are_unknown(tmp_path: Path) -> None:
    engine = book(tmp_path)
    facts = engine.evaluate(case("2026-03-01", shape="Two Squares")).scenario.facts
    assert (facts["a"], facts["colour"]) == (True, UNKNOWN)
    late = engine.evaluate(case("2026-07-01", shape="Round One"))
    assert late.scenario.facts["a"] is UNKNOWN
    assert late.outcomes["open"].status is Status.UNDETERMINED


def test_without_the_agencys_name_the_table_is_not_even_read(tmp_path: Path) -> None:
    engine = book(tmp_path, rows="nonsense")
    assert engine.evaluate(case("2026-03-01", colour="red")).scenario.registry == frozenset()


def test_a_table_of_places_gives_facts_to_places_below(tmp_path: Path) -> None:
    spec = {"match": {}, "gives": {"a": {"value": True}}, "check": None}
    exact = book(tmp_path / "x", spec)
    assert exact.evaluate(case("2026-03-01")).scenario.registry == {"a"}
    assert exact.rulebook.tables["shapes"].facts("top/side", {}, dt.date(2026, 3, 1), dt.UTC) == {}
    below = book(tmp_path / "y", {**spec, "below": True})
    assert below.rulebook.tables["shapes"].facts("top/side", {}, dt.date(2026, 3, 1), dt.UTC) == {"a": True}


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("place,owner\n", 1, "also needs `from`, `to`, `colour`"),
        (ROWS.replace("red,2025-01-01", "rot,2025-01-01"), 2, "column `colour`: unknown value of `colour`: `rot`"),
        (ROWS.replace("2025-12-31", "soon"), 2, "column `to`: found `soon`; a day is written YYYY-MM-DD"),
        (ROWS.replace("2025-12-31", "2024-12-31"), 2, "ends on 2024-12-31, before it begins on 2025-01-01"),
        (ROWS.replace("top,Round One,left,blue", "tip,Round One,left,blue"), 3, "unknown place `tip`"),
        (ROWS.replace(",blue", ""), 3, "found 5 columns; valid: 6"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, rows: str, line: int, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        book(tmp_path, rows=rows).rulebook.tables["shapes"].check()
    assert [(problem.line, words in problem.message) for problem in caught.value.problems] == [(line, True)]


def test_a_table_that_gives_an_unknown_fact_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"rulebook\.yaml:\d+:\d+: unknown fact `colur`; did you mean `colour`"):
        book(tmp_path, {"gives": {"colur": {"column": "colour"}}})


def test_the_check_finds_rows_against_the_law(tmp_path: Path) -> None:
    findings = list(check_table(book(tmp_path), "shapes", dt.date(2025, 6, 1)))
    assert [(item.row.line, item.told, item.contradicts) for item in findings] == [(2, "prohibited", True)]
    later = list(check_table(book(tmp_path), "shapes", dt.date(2026, 1, 15)))
    assert [(item.row.line, item.told) for item in later] == [(3, "permitted"), (4, "prohibited")]
    with pytest.raises(BadInput, match="did you mean `shapes`"):
        list(check_table(book(tmp_path), "shape", dt.date(2025, 6, 1)))


def test_an_agency_named_in_the_shipped_registry_gets_its_agreement(engine: Engine) -> None:
    given = {"id": "x", "as_of": "2026-03-02T10:00", "jurisdiction": "us/tx/parker-county", "agency": {"kind": "sheriff", "name": "Parker County Sheriff's Office"}, "facts": {}}
    facts = engine.evaluate(given).scenario.facts
    assert (facts["agreement.model"], facts["agreement.in_force"]) == ("warrant_service_officer", True)
    assert "agreement.model" not in engine.evaluate({**given, "as_of": "2025-02-26T10:00"}).scenario.facts
