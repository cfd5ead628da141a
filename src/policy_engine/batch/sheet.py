"""A table as the engine sees it: each row's moment, place, agency and facts, typed; and the rows that cannot be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from policy_engine.batch.arrow import SEPARATOR, Fault, Reader, distinct, single
from policy_engine.batch.columns import EVER_FROM, Bools, Codes, Column, Instants, Numbers, Plane, Rows, Words, pack
from policy_engine.batch.moments import Micros, Zone, moment_of, per_distinct
from policy_engine.batch.times import Written, instants, read_times
from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import parse_time

ID, AS_OF, PLACE, KIND = "id", "as_of", "jurisdiction", "agency.kind"
ASSUME = "assume."
Kinds = frozenset[str]
Pins = tuple[tuple[str, bool], ...]


@dataclass(slots=True)
class Labels:
    """A code for each row, or one for all, into a table."""

    codes: Codes | None
    table: list[Any]

    def of(self, row: int) -> Any:
        """The row's entry."""
        return self.table[0 if self.codes is None else int(self.codes[row])]

    def take(self, rows: Rows) -> Labels:
        """The labels of some of the rows."""
        return Labels(None if self.codes is None else self.codes[rows], self.table)


@dataclass(slots=True)
class Sheet:
    """Rows ready to be decided.

    Attributes:
        as_of: the moment of each row in UTC, or one moment for all.
        given: the fact columns as they came, with the registry's facts once those are added; an empty cell is an absent fact.
        full: the same with presumptions filled in, made fact by fact.
        registry: for each fact that the registry gives, the rows in which it does.
    """

    rows: int
    as_of: Micros | int
    places: Labels
    kinds: Labels
    pins: Labels
    given: dict[str, Column]
    full: dict[str, Column] = field(default_factory=dict)
    registry: dict[str, Bools] = field(default_factory=dict)

    def take(self, rows: Rows) -> Sheet:
        """The sheet of some of the rows."""
        as_of = self.as_of if isinstance(self.as_of, int) else self.as_of[rows]
        given = {name: column.take(rows) for name, column in self.given.items()}
        full = {name: column.take(rows) for name, column in self.full.items()}
        registry = {name: found[rows] for name, found in self.registry.items()}
        return Sheet(len(rows), as_of, self.places.take(rows), self.kinds.take(rows), self.pins.take(rows), given, full, registry)

    def moments(self) -> Micros:
        """The moment of every row."""
        return np.full(self.rows, self.as_of, np.int64) if isinstance(self.as_of, int) else self.as_of

    def moment(self, row: int) -> dt.datetime:
        """The moment of a row."""
        return moment_of(self.as_of if isinstance(self.as_of, int) else int(self.as_of[row]))

    def facts(self, row: int) -> dict[str, FactValue]:
        """The facts that a row states, or has from the registry."""
        found = {name: column.value(row) for name, column in self.given.items()}
        return {name: value for name, value in found.items() if value is not None}

    def scenario(self, row: int, name: str = "") -> Scenario:
        """The row as a scenario, with the facts that it states itself."""
        stated = {fact: value for fact, value in self.facts(row).items() if fact not in self.registry or not self.registry[fact][row]}
        return Scenario(name, self.moment(row), self.places.of(row), self.kinds.of(row), stated, dict(self.pins.of(row)))


class SheetReader:
    """Reads tables under one rulebook, with the same checks as scenario files.

    Args:
        defaults: what rows take where the table has no such column: `as_of`, `jurisdiction`, `agency.kind`.
    """

    def __init__(self, rulebook: Rulebook, defaults: Mapping[str, str]) -> None:
        self.rulebook, self.defaults = rulebook, dict(defaults)
        self.agency_fact = rulebook.card.agency_fact
        self.reader = Reader(rulebook.lexicon, self.agency_fact)
        self.zones: dict[str, Zone] = {}

    @property
    def lexicon(self) -> Lexicon:
        """The vocabulary."""
        return self.rulebook.lexicon

    def check(self, names: list[str]) -> None:
        """Refuse a table whose columns are not understood.

        Raises:
            BadInput: one line for each column that is no fact, and for each that is missing.
        """
        problems = []
        known = {*self.lexicon.facts, ID, AS_OF, PLACE, KIND, *(f"{ASSUME}{name}" for name in self.lexicon.questions)}
        for name in names:
            if name == self.agency_fact != KIND:
                problems.append(Problem(f"column {name}", 0, 0, f"`{name}` is written in the column `{KIND}`"))
            elif name in self.lexicon.questions:
                problems.append(Problem(f"column {name}", 0, 0, f"`{name}` is a question of law; pin it in a column `{ASSUME}{name}`"))
            elif name not in known:
                problems.append(Problem(f"column {name}", 0, 0, f"{unknown_name('column', name, known)} (`--keep {name}` carries it to the output unread)"))
        for name in (AS_OF, PLACE, KIND):
            if name not in names and name not in self.defaults:
                problems.append(Problem("table", 0, 0, f"has no column `{name}`, and no one value for every row is given"))
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(Problem(f"column {name}", 0, 0, "stands twice"))
        if problems:
            raise BadInput(problems)

    def read(self, table: pa.Table) -> tuple[Sheet, list[Fault]]:
        """The sheet of a table, and what in it cannot be read. Rows with faults are still in the sheet, with values of no meaning.

        Raises:
            BadInput: a column that is unknown, missing or of a type that can never fit.
        """
        self.check(table.column_names)
        faults: list[Fault] = []
        rows = table.num_rows
        columns = {name: single(table.column(name)) for name in table.column_names}
        places = self._labels(PLACE, columns, rows, faults, self._place)
        kinds = self._labels(KIND, columns, rows, faults, self._kinds)
        pins = self._pins(columns, rows, faults)
        zones, zone_of = self._zone_of(places)
        as_of = self._as_of(columns, rows, zones, zone_of, faults)
        given: dict[str, Column] = {}
        for name, array in columns.items():
            fact = self.lexicon.facts.get(name)
            if fact is None or name in (ID, AS_OF, PLACE, KIND):
                continue
            if fact.type in ("time", "date"):
                self.reader.check(name, fact, array.type)
                given[name] = instants(read_times(name, array, faults), zones, zone_of)
            else:
                given[name] = self.reader.read(name, array, faults)
        sheet = Sheet(rows, as_of, places, kinds, pins, given)
        self._join_same(sheet, zones, faults)
        return sheet, faults

    # -- who, where and when ----------------------------------------------------------------------
    def _labels(self, name: str, columns: dict[str, pa.Array], rows: int, faults: list[Fault], read: Any) -> Labels:
        default = read(self.defaults[name]) if name in self.defaults else None
        if isinstance(default, str):
            raise BadInput.one(default, name)
        if name not in columns:
            return Labels(None, list(default or ()))
        codes, values = distinct(columns[name]).every()
        table: list[Any] = []
        for code, value in enumerate(values):
            found = (default or f"`{name}` is empty") if value is None else read(value)
            if isinstance(found, str):
                bad = np.flatnonzero(codes == code)
                if len(bad):
                    faults.append(Fault(bad, name, value, found))
                found = [None]
            table.append(found[0])
        return Labels(codes, table) if len(table) > 1 else Labels(None, table)

    def _place(self, value: Any) -> list[str] | str:
        places = self.rulebook.places
        if str(value) not in places.by_path and str(value) not in places.aliases:
            return places.unknown(str(value))
        return [places.find(str(value)).path]

    def _kinds(self, value: Any) -> list[Kinds] | str:
        names = value if isinstance(value, list) else [part.strip() for part in str(value).split(SEPARATOR)]
        for name in names:
            if name not in self.lexicon.agency_kinds:
                return unknown_name("agency kind", str(name), self.lexicon.agency_kinds)
        return [frozenset(names)] if names else "no kind of agency is named"

    def _pins(self, columns: dict[str, pa.Array], rows: int, faults: list[Fault]) -> Labels:
        """The questions of law that rows pin to an answer."""
        names = sorted(name for name in columns if name.startswith(ASSUME))
        if not names:
            return Labels(None, [()])
        total = np.zeros(rows, np.int64)
        table: list[Pins] = [()]
        for name in names:
            codes, values = distinct(columns[name]).every()
            answers = [_answer(value) for value in values]
            for code, answer in enumerate(answers):
                if isinstance(answer, str):
                    faults.append(Fault(np.flatnonzero(codes == code), name, values[code], f"`{name}` is true or false; found `{answer}`"))
            question = name.removeprefix(ASSUME)
            table = [(*before, *([] if answer is None else [(question, answer is True)])) for before in table for answer in answers]
            total = total * len(values) + codes
        return Labels(total, table)

    def _zone_of(self, places: Labels) -> tuple[list[Zone], npt.NDArray[Any] | None]:
        zones: dict[str, int] = {}
        numbers = []
        for path in places.table:
            info = self.rulebook.places.zone(self.rulebook.places.find(path or next(iter(self.rulebook.places.by_path))))
            if info.key not in self.zones:
                self.zones[info.key] = Zone(info)
            numbers.append(zones.setdefault(info.key, len(zones)))
        found = [self.zones[key] for key in zones]
        if places.codes is None or len(found) == 1:
            return found, None
        return found, np.array(numbers)[places.codes]

    def _as_of(self, columns: dict[str, pa.Array], rows: int, zones: list[Zone], zone_of: npt.NDArray[Any] | None, faults: list[Fault]) -> Micros | int:
        default: Written | None = None
        if AS_OF in self.defaults:
            if parse_time(self.defaults[AS_OF]) is None:
                raise BadInput.one(f"found `{self.defaults[AS_OF]}`; a time is written 2026-03-02T14:00", AS_OF)
            default = read_times(AS_OF, pa.array([self.defaults[AS_OF]]), [])
        if AS_OF not in columns:
            assert default is not None
            if zone_of is None:
                return int(default.on_clock(zones[:1], None, noon=True)[0][0])
            default = Written(AS_OF, np.repeat(default.at, rows), np.repeat(default.kind, rows), None)
            return default.on_clock(zones, zone_of, noon=True)[0]
        written = read_times(AS_OF, columns[AS_OF], faults, unknown=False)
        if written.valid is not None:
            empty = ~np.unpackbits(written.valid.view(np.uint8), count=rows, bitorder="little").view(np.bool_)
            if default is not None:
                written.at = np.where(empty, default.at[0], written.at)
                written.kind = np.where(empty, default.kind[0], written.kind)
            elif empty.any():
                faults.append(Fault(np.flatnonzero(empty), AS_OF, None, "`as_of` is empty; a time is written 2026-03-02T14:00"))
        return written.on_clock(zones, zone_of, noon=True)[0]

    # -- facts given in place of others -----------------------------------------------------------
    def _join_same(self, sheet: Sheet, zones: list[Zone], faults: list[Fault]) -> None:
        """Hours since a time stand for the time; given beside it they must agree with it."""
        for name, fact in self.lexicon.facts.items():
            if fact.same_as is None or name not in sheet.given:
                continue
            base, _, part = fact.same_as.rpartition(".")
            column, time = sheet.given.pop(name), sheet.given.get(base)
            if part != "hours_ago":
                continue
            hours, given, unknown = _hours(column)
            as_of = sheet.moments()
            back = per_distinct(hours.view(np.int64), lambda bits: dt.timedelta(hours=float(np.int64(bits).view(np.float64))) // dt.timedelta(microseconds=1))
            point = np.where(unknown, EVER_FROM, as_of - back)
            late = np.where(unknown, -EVER_FROM, as_of - back)
            if time is None:
                sheet.given[base] = Instants(base, sheet.rows, _plane(given | unknown), None, point, late)
                continue
            assert isinstance(time, Instants)
            has = time.given()
            exact = has & given & (time.first == time.last)
            counted = np.maximum((as_of - time.first) / 1e6 / 3600.0, 0.0)
            apart = np.flatnonzero(exact & (np.abs(counted - hours) > 1 / 60))
            if len(apart):
                row = int(apart[0])
                faults.append(Fault(apart, name, float(hours[row]), f"`{name}` does not agree with `{base}` and `as_of`, which make it {counted[row]:.2f} hours"))
            take = ~has & (given | unknown)
            sheet.given[base] = Instants(base, sheet.rows, _plane(has | take), None, np.where(take, point, time.first), np.where(take, late, time.last))


def _answer(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip()
    return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)


def _plane(given: Bools) -> Plane | None:
    return None if given.all() else pack(given)


def _hours(column: Column) -> tuple[npt.NDArray[np.float64], Bools, Bools]:
    """Numbers of hours, the rows that have one, and the rows that say unknown."""
    given = column.given()
    if isinstance(column, Numbers):
        return np.ascontiguousarray(column.numbers, np.float64), given, np.zeros(column.rows, np.bool_)
    assert isinstance(column, Words)
    codes = np.where(given, column.codes, 0)
    unknown = np.array([value is UNKNOWN for value in column.values])[codes] & given
    numbers = np.array([value if isinstance(value, float) else 0.0 for value in column.values])[codes]
    return numbers, given & ~unknown, unknown
