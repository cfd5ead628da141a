"""Tables in, tables of decisions out: what `Engine.evaluate_batch` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from policy_engine.batch.arrow import Fault, text_of
from policy_engine.batch.columns import Plane, Rows
from policy_engine.batch.rejects import Reject
from policy_engine.batch.rulings import CUT_OFF, NOT_ITS_ACT, OPEN, Judge, Ruled, Rulings, Wanted
from policy_engine.batch.sheet import ID, Sheet, SheetReader
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.status import CODES, POSSIBLE, Status, statuses

if TYPE_CHECKING:
    from policy_engine.engine import Engine

ROW = "row"
DETAILS = ("status", "candidates", "citation", "applies")
STATUSES = pa.array([*(status.value for status in CODES), Status.UNDETERMINED.value])
TOLD = 20


@dataclass(slots=True)
class Part:
    """A table decided: the rows that could be read, their decisions, and the rows that could not."""

    sheet: Sheet
    rulings: Rulings
    rows: Rows | None
    table: pa.Table
    rejects: list[Reject]


class Batch:
    """Decides tables under one engine; laws compiled and patterns met serve every later table.

    Args:
        details: what to give of each action: `status`, `candidates`, `citation`; and `applies`, a column for each norm.
        defaults: `as_of`, `jurisdiction` and `agency.kind` for tables without such columns.
        keep: columns that are no facts, carried to the output as they are.

    Raises:
        BadInput: an unknown action or detail.
    """

    def __init__(
        self,
        engine: Engine,
        actions: Iterable[str] | None = None,
        details: Sequence[str] = ("status", "candidates", "citation"),
        defaults: Mapping[str, str] | None = None,
        keep: Sequence[str] = (),
    ) -> None:
        known = engine.rulebook.lexicon.actions
        chosen = tuple(known) if actions is None else tuple(dict.fromkeys(actions))
        problems = [Problem("actions", 0, 0, unknown_name("action", name, known)) for name in chosen if name not in known]
        problems += [Problem("details", 0, 0, unknown_name("detail", name, DETAILS)) for name in details if name not in DETAILS]
        if problems:
            raise BadInput(problems)
        self.engine, self.keep = engine, tuple(keep)
        self.wanted = Wanted(chosen, "candidates" in details, "citation" in details, "applies" in details)
        self.reader = SheetReader(engine.rulebook, defaults or {})
        self.judge = Judge(engine, self.wanted)

    def decide(self, table: pa.Table, first_row: int = 1) -> Part:
        """The decisions on a table, whose first row has the number `first_row` in rejects."""
        names = [name for name in table.column_names if name not in self.keep]
        sheet, faults = self.reader.read(table.select(names) if len(names) < len(table.column_names) else table)
        rejects, rows = rejected(faults, table, first_row)
        if rows is not None:
            sheet = sheet.take(rows)
        return Part(sheet, self.judge.decide(sheet), rows, table, rejects)

    def output(self, part: Part, number_from: int | None = None) -> pa.Table:
        """The decisions as an Arrow table: id (and row number), kept columns, and each action's status, candidates and citation."""
        lead: dict[str, Any] = {}
        rows = part.rows
        if number_from is not None:
            lead[ROW] = pa.array((np.arange(part.sheet.rows) if rows is None else rows) + number_from)
        for name in dict.fromkeys((ID, *self.keep)):
            if name in part.table.column_names:
                lead[name] = part.table.column(name) if rows is None else part.table.column(name).take(pa.array(rows))
        return self.table(part.rulings, lead)

    def table(self, rulings: Rulings, lead: Mapping[str, Any]) -> pa.Table:
        """Rulings as columns, behind others of as many rows."""
        columns = dict(lead)
        citations = pa.array(list(self.judge.verdicts.citations) or [""], pa.string())
        for action, ruled in rulings.actions.items():
            columns.update(_action(action, ruled, citations))
        for name, (true, known) in rulings.applies.items():
            columns[f"applies.{name}"] = _booleans(true, known, rulings.rows)
        return pa.table(columns)

    def scenarios(self, scenarios: Sequence[Scenario]) -> Rulings:
        """The decisions of scenarios, one by one."""
        judge, count = self.judge, len(scenarios)
        found = Rulings(count, {action: judge.room(count) for action in self.wanted.actions})
        for row, scenario in enumerate(scenarios):
            regime = self.engine.regime(scenario.jurisdiction, scenario.kinds, scenario.as_of, scenario.assume)
            facts = {**self.engine.registry_facts(scenario.jurisdiction, scenario.facts, scenario.as_of), **scenario.facts}
            encoding = regime.encoder.encode(facts, scenario.as_of)
            for action, ruled in found.actions.items():
                if action not in regime.actions:
                    continue
                verdict = judge.verdicts.of_scenario(regime, action, encoding, self.wanted.citations)
                ruled.status[row] = verdict.status
                if ruled.candidates is not None:
                    ruled.candidates[row] = verdict.candidates
                if ruled.citation is not None:
                    ruled.citation[row] = verdict.citation
        return found


def _action(action: str, ruled: Ruled, citations: pa.Array) -> dict[str, pa.Array]:
    missing = not ruled.everywhere
    validity = pa.py_buffer(np.packbits(ruled.status != NOT_ITS_ACT, bitorder="little")) if missing else None
    found = {action: _dictionary(ruled.status, pa.int8(), STATUSES, validity)}
    if ruled.candidates is not None:
        is_open = ruled.status == OPEN
        found[f"{action}.candidates"] = _dictionary(ruled.candidates, pa.uint8(), CANDIDATES, pa.py_buffer(np.packbits(is_open, bitorder="little")))
    if ruled.citation is not None:
        found[f"{action}.citation"] = _dictionary(ruled.citation, pa.int32(), citations, validity)
    return found


def _dictionary(codes: np.ndarray, kind: pa.DataType, values: pa.Array, validity: pa.Buffer | None) -> pa.Array:
    indices = pa.Array.from_buffers(kind, len(codes), [validity, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


def _candidates() -> pa.Array:
    """The words for each set of candidates, by its bits; with `CUT_OFF`, or empty, the search for them ended early."""
    words = []
    for bits in range(256):
        names = " | ".join(status.value for status in statuses(bits & POSSIBLE or POSSIBLE))
        words.append(f"{names} (cut off)" if bits & CUT_OFF or not bits & POSSIBLE else names)
    return pa.array(words)


CANDIDATES = _candidates()


def _booleans(true: Plane, known: Plane | None, rows: int) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), rows, [None if known is None else pa.py_buffer(known), pa.py_buffer(true)])


def rejected(faults: Sequence[Fault], table: pa.Table, first_row: int) -> tuple[list[Reject], Rows | None]:
    """One reject for each fault of each row, in row order, and the rows without fault; None if that is all."""
    if not faults:
        return [], None
    good = np.ones(table.num_rows, np.bool_)
    found: list[Reject] = []
    ids = table.column(ID) if ID in table.column_names else None
    for fault in faults:
        good[fault.rows] = False
        for row in fault.rows.tolist():
            name = None if ids is None else text_of(ids[row].as_py())
            found.append(Reject(row + first_row, None if name is None else str(name), fault.column, fault.value, fault.reason))
    found.sort(key=lambda item: (item.row, item.column))
    return found, np.flatnonzero(good)


def evaluate_batch(
    engine: Engine,
    data: Any,
    *,
    actions: Iterable[str] | None,
    details: Sequence[str],
    keep: Sequence[str],
    rejects: list[Reject] | None,
    defaults: Mapping[str, str],
) -> Any:
    """See `Engine.evaluate_batch`."""
    batch = engine.batch(tuple(actions) if actions is not None else None, tuple(details), tuple(sorted(defaults.items())), tuple(keep))
    if isinstance(data, (str, Path)):
        from policy_engine.batch.formats import read_whole

        table, unread = read_whole(Path(data), engine)
        part = batch.decide(table)
        part.rejects = sorted([*unread, *part.rejects], key=lambda item: item.row)
    else:
        table = data if isinstance(data, pa.Table) else as_table(data)
        part = batch.decide(table)
    if part.rejects and rejects is None:
        told = [Problem("row", item.row, 1, f"{item.column}: {item.reason}") for item in part.rejects[:TOLD]]
        rest = len(part.rejects) - len(told)
        raise BadInput([*told, *([Problem("rows", 0, 0, f"{rest} more faults; pass `rejects=[]` to set such rows aside")] if rest else [])])
    if rejects is not None:
        rejects.extend(part.rejects)
    found = batch.output(part, 1 if part.rejects else None)
    return _like(data, found)


def as_table(data: Any) -> pa.Table:
    """An Arrow table from whatever speaks Arrow: a record batch, a Polars frame, a reader.

    Raises:
        BadInput: it does not.
    """
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "to_arrow"):
        return data.to_arrow()
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    raise BadInput.one(f"found a {type(data).__name__}; valid: an Arrow table, a Polars frame, or a path", "evaluate_batch")


def _like(data: Any, table: pa.Table) -> Any:
    if type(data).__module__.split(".")[0] != "polars":
        return table
    import polars as pl

    return pl.from_arrow(table)
