"""The columns of a sheet seen through the cells of one regime: for each variable its codes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from policy_engine.batch.columns import EVER_FROM, Bools, Codes, Column, Flags, Instants, Numbers, Rows, Words, joined, unpack
from policy_engine.batch.leaves import Bits, Cells, Levels, Source
from policy_engine.batch.moments import DAY, Micros, Quantities, Zone, micros, moment_of
from policy_engine.batch.presume import Filler
from policy_engine.batch.sheet import Sheet
from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.times import Moment
from policy_engine.reasoning.cells import Variable
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.regime import Regime

SMALL = 16
FAR = 800 * DAY
_SAME_AT_ANY_TIME = {"hours_ago", "is_past"}


class Clocks:
    """The counting of time by zone."""

    def __init__(self) -> None:
        self._quantities: dict[str, Quantities] = {}
        self._unknown: dict[tuple[object, ...], int] = {}

    def quantities(self, clockwork: Clockwork) -> Quantities:
        """The quantities of a zone."""
        key = clockwork.zone.key
        if key not in self._quantities:
            self._quantities[key] = Quantities(clockwork, Zone(clockwork.zone))
        return self._quantities[key]

    def signatures(self, variable: Variable, moments: Micros, as_of: Micros, clockwork: Clockwork) -> Micros:
        """Which thresholds each moment reaches, as bits."""
        quantities = self.quantities(clockwork)
        found = np.zeros(len(moments), np.int64)
        for at, item in enumerate(variable.thresholds):
            found |= quantities.holds(item, moments, as_of).astype(np.int64) << at
        return found

    def unknown(self, variable: Variable, as_of: Micros, clockwork: Clockwork) -> Cells:
        """The cells of a time that is not known, seen from each moment: every test changes once as time goes back, so the moments around each change show them all.

        Where one clock alone counts, they are the same from every moment.
        """
        names = {item.quantity for item in variable.thresholds}
        if len(names) == 1 or names <= _SAME_AT_ANY_TIME:
            key = (variable.thresholds, clockwork.zone.key)
            if key not in self._unknown:
                self._unknown[key] = variable.unknown(moment_of(int(as_of[0])), clockwork)
            return Cells(as_of[:0], [self._unknown[key]])
        distinct, codes = np.unique(as_of, return_inverse=True)
        quantities = self.quantities(clockwork)
        points = [distinct, *(change for item in variable.thresholds for change in quantities.changes(item, distinct))]
        ends = [np.min(points, axis=0) - FAR, np.max(points, axis=0) + FAR]
        around = [*ends, *(point + step for point in points for step in (-1, 0, 1))]
        masks = np.zeros(len(distinct), object)
        for point in around:
            places, cells = by_signature(variable, self.signatures(variable, point, distinct, clockwork))
            masks |= np.array(cells, object)[places]
        return compact(Cells(codes, masks.tolist()))


class Sources:
    """The variables of one regime over some rows of a sheet, or all of them."""

    def __init__(self, sheet: Sheet, regime: Regime, filler: Filler, clocks: Clocks, rows: Rows | None = None) -> None:
        self.sheet, self.regime, self.filler, self.clocks = sheet, regime, filler, clocks
        self.places = rows
        self.rows = sheet.rows if rows is None else len(rows)
        self._moments: Micros | None = None
        self._made: dict[int, Source] = {}
        self._cells: dict[int, Cells] = {}
        self._branches: dict[str, Codes | None] = {}

    def place(self, row: int) -> int:
        """Where a row stands in the sheet."""
        return row if self.places is None else int(self.places[row])

    def moments(self) -> Micros:
        """The moment of every row."""
        if self._moments is None:
            moments = self.sheet.moments()
            self._moments = moments if self.places is None else moments[self.places]
        return self._moments

    def _taken(self, column: Column) -> Column:
        return column if self.places is None else column.take(self.places)

    def source(self, index: int) -> Source:
        """A variable in the form that its planes are cheapest from."""
        found = self._made.get(index)
        if found is None:
            found = self._made[index] = self._source(self.regime.variables[index])
        return found

    def cells(self, index: int) -> Cells:
        """A variable as codes, one for each mask that occurs."""
        found = self._cells.get(index)
        if found is None:
            found = self._cells[index] = compact(self._as_cells(self.source(index)))
        return found

    def branches(self, indexes: Sequence[int]) -> list[Codes]:
        """Codes of the rows in which tests of a list hang together through what is unknown, for the lists among the variables; 0 elsewhere."""
        facts = dict.fromkeys(self.regime.variables[index].fact for index in indexes if self.regime.variables[index].kind == "list")
        for index in indexes:
            if self.regime.variables[index].kind == "list":
                self.source(index)
        return [codes for fact in facts if (codes := self._branches.get(fact)) is not None]

    def _source(self, variable: Variable) -> Source:
        if variable.kind == "question":
            return Cells(np.zeros(0, np.uint8), [variable.full])
        column = self.filler.column(self.sheet, variable.fact)
        if isinstance(column, Words) and column.valid is None and len(column.values) == 1 and variable.kind in ("value", "has", "number"):
            return Cells(column.codes[:0], [self._mask(variable, UNKNOWN if column.values[0] is None else column.values[0])])
        column = self._taken(column)
        if variable.kind == "list":
            return self._list(variable, column)
        if variable.kind == "time":
            return self._time(variable, column)
        if isinstance(column, Flags):
            null = self._mask(variable, UNKNOWN if column.null is None else column.null)
            return Bits(column, self._mask(variable, True), self._mask(variable, False), null)
        if isinstance(column, Numbers):
            return Levels(column.numbers, column.valid, variable, self._mask(variable, UNKNOWN if column.null is None else column.null))
        assert isinstance(column, Words)
        if len(column.values) <= SMALL:
            masks = [self._mask(variable, UNKNOWN if value is None else value) for value in column.values]
            return Cells(column.codes, masks, column.valid, self._mask(variable, UNKNOWN if column.null is None else column.null))
        codes, values = column.by_code()
        return compact(Cells(codes, [self._mask(variable, value) for value in values]))

    def _mask(self, variable: Variable, value: FactValue) -> int:
        return variable.mask(value, moment_of(0), self.regime.clockwork)

    def _as_cells(self, source: Source) -> Cells:
        rows = self.rows
        codes: Codes
        if isinstance(source, Cells):
            codes, masks, valid = source.codes, source.by_code, source.valid
        elif isinstance(source, Bits):
            codes = unpack(source.column.true, rows).view(np.uint8)
            masks = [source.false, source.true]
            valid = source.column.valid
        else:
            signatures = np.zeros(rows, np.int64)
            for at, item in enumerate(source.variable.thresholds):
                numbers = source.numbers
                signatures |= (numbers > item.number if item.strict else numbers >= item.number).astype(np.int64) << at
            codes, masks = by_signature(source.variable, signatures)
            valid = source.valid
        if valid is None:
            return Cells(codes, masks)
        return Cells(np.where(unpack(valid, rows), codes, len(masks)), [*masks, source.null])

    # -- times ------------------------------------------------------------------------------------
    def _time(self, variable: Variable, column: Column) -> Cells:
        first, last = _ends(column)
        as_of = self.moments()
        never = first == EVER_FROM
        if never.all() and len(never):
            return self.clocks.unknown(variable, as_of, self.regime.clockwork)
        safe_first, safe_last = np.where(never, as_of, first), np.where(never, as_of, last)
        low = self.clocks.signatures(variable, safe_first, as_of, self.regime.clockwork)
        wide = (
            (safe_first != safe_last) & (low != self.clocks.signatures(variable, safe_last, as_of, self.regime.clockwork))
            if (safe_first != safe_last).any()
            else np.zeros(len(first), np.bool_)
        )
        codes, masks = by_signature(variable, low)
        if wide.any():
            codes, masks = self._each(variable, codes, masks, wide, first, last, as_of)
        if never.any():
            unknown = self.clocks.unknown(variable, as_of, self.regime.clockwork)
            codes = np.where(never, (0 if unknown.constant is not None else unknown.codes) + len(masks), codes)
            masks = [*masks, *unknown.by_code]
        return compact(Cells(codes, masks))

    def _each(self, variable: Variable, codes: Codes, masks: list[int], wide: Bools, first: Micros, last: Micros, as_of: Micros) -> tuple[Codes, list[int]]:
        """Days within which a test changes, one by one."""
        rows = np.flatnonzero(wide)
        kinds, inverse = np.unique(np.stack([first[rows], last[rows], as_of[rows]]), axis=1, return_inverse=True)
        found = [variable.mask(Moment(moment_of(a), moment_of(b), ""), moment_of(c), self.regime.clockwork) for a, b, c in kinds.T.tolist()]
        codes = codes.astype(np.int64)
        codes[rows] = inverse.reshape(-1) + len(masks)
        return codes, [*masks, *found]

    # -- lists ------------------------------------------------------------------------------------
    def _list(self, variable: Variable, column: Column) -> Cells:
        """All tests of a list are judged together, once for each list on each day that matters."""
        fact, encoder = variable.fact, self.regime.encoder
        variables = encoder.lists[fact]
        assert isinstance(column, Words)
        codes, values = column.by_code()
        if all(value is UNKNOWN for value in values):
            for item in variables:
                self._made[item.index] = Cells(np.zeros(0, np.uint8), [item.full])
            self._branches[fact] = None
            return Cells(np.zeros(0, np.uint8), [variable.full])
        zone = self.clocks.quantities(self.regime.clockwork).zone
        keys: list[Codes] = [codes, _dense(zone.days(self.moments()))]
        others = {name: self._taken(self.sheet.given[name]) for name in encoder.list_facts[fact] if name in self.sheet.given}
        keys += [_dense(end) for other in others.values() for end in _ends(other)]
        keys += [other.given().view(np.uint8) for other in others.values()]
        first, kind = joined(keys, self.rows)
        masks: list[list[int]] = [[] for _ in variables]
        branching = np.zeros(len(first), np.int64)
        for number, row in enumerate(first.tolist()):
            stated = {name: value for name, other in others.items() if (value := other.value(row)) is not None}
            encoding = encoder.encode({**stated, fact: values[int(codes[row])]}, self.sheet.moment(self.place(row)))
            if len(encoding.patterns) > 1 or encoding.cut_off:
                branching[number] = number + 1
            for item, found in zip(variables, masks, strict=True):
                union = 0
                for pattern in encoding.patterns:
                    union |= pattern[item.index]
                found.append(union)
        for item, found in zip(variables, masks, strict=True):
            self._made[item.index] = compact(Cells(kind, found))
        self._branches[fact] = branching[kind] if branching.any() else None
        made = self._made[variable.index]
        assert isinstance(made, Cells)
        return made


def _ends(column: Column) -> tuple[Micros, Micros]:
    """First and last moment of each row's time, from beginning to end where it is unknown."""
    null = _span(UNKNOWN if column.null is None else column.null)
    if isinstance(column, Words):
        codes, values = column.by_code()
        spans = np.array([_span(value) for value in values], np.int64)
        return spans[codes, 0], spans[codes, 1]
    assert isinstance(column, Instants)
    if column.valid is None:
        return column.first, column.last
    given = unpack(column.valid, column.rows)
    return np.where(given, column.first, null[0]), np.where(given, column.last, null[1])


def _span(value: FactValue) -> tuple[int, int]:
    return (micros(value.first), micros(value.last)) if isinstance(value, Moment) else (EVER_FROM, -EVER_FROM)


def _dense(values: npt.NDArray[Any]) -> Codes:
    _, codes = np.unique(values, return_inverse=True)
    return codes


def by_signature(variable: Variable, signatures: Micros) -> tuple[Codes, list[int]]:
    """Codes and masks from which thresholds are reached, as bits."""
    distinct, codes = np.unique(signatures, return_inverse=True)
    count = len(variable.thresholds)
    return codes, [1 << variable.signatures[tuple(bool(bits >> at & 1) for at in range(count))] for bits in distinct.tolist()]


def compact(cells: Cells) -> Cells:
    """One code for each mask that occurs."""
    places = {mask: number for number, mask in enumerate(dict.fromkeys(cells.by_code))}
    if len(places) == len(cells.by_code):
        return cells
    if len(places) == 1:
        return Cells(cells.codes[:0], list(places))
    return Cells(np.array([places[mask] for mask in cells.by_code], np.intp)[cells.codes], list(places))
