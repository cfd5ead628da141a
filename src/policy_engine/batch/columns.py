"""A fact as a column: typed values row by row, in the form that its tests are cheapest on."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from policy_engine.batch.moments import EPOCH, moment_of
from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.times import Moment

Plane = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[Any]
EVER_FROM, EVER_TO = -(1 << 62), 1 << 62
"""The ends of a time that is not known at all."""


def pack(bits: Bools) -> Plane:
    """Bits side by side in words of 64, the first row lowest; the last word is filled with zeros."""
    words = np.zeros((len(bits) + 63) // 64, np.uint64)
    packed = np.packbits(bits, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words


def unpack(words: Plane, rows: int) -> Bools:
    """The bits of a plane as booleans."""
    return np.unpackbits(words.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


@dataclass(slots=True)
class Column(ABC):
    """One fact over all rows.

    Attributes:
        fact: its name.
        rows: how many.
        valid: the plane of rows that have a value; None if all have.
        null: what the others mean: None that the fact is absent; once presumptions are filled in, a value or unknown.
    """

    fact: str
    rows: int
    valid: Plane | None
    null: FactValue | None

    def given(self) -> Bools:
        """The rows that have a value."""
        return np.ones(self.rows, np.bool_) if self.valid is None else unpack(self.valid, self.rows)

    def value(self, row: int) -> FactValue | None:
        """The value in a row; None if the fact is absent there."""
        if self.valid is not None and not int(self.valid[row >> 6]) >> (row & 63) & 1:
            return self.null
        return self._value(row)

    @abstractmethod
    def _value(self, row: int) -> FactValue | None:
        """The value in a row that has one."""

    @abstractmethod
    def take(self, rows: Rows) -> Column:
        """The column of some of the rows."""

    def _taken(self, rows: Rows) -> Plane | None:
        return None if self.valid is None else pack(self.given()[rows])

    def filled(self, null: FactValue) -> Column:
        """The column with a meaning for its empty rows."""
        return replace(self, null=null)


@dataclass(slots=True)
class Flags(Column):
    """True or false, as a plane."""

    true: Plane

    def _value(self, row: int) -> FactValue:
        return bool(int(self.true[row >> 6]) >> (row & 63) & 1)

    def take(self, rows: Rows) -> Flags:
        """The column of some of the rows."""
        return Flags(self.fact, len(rows), self._taken(rows), self.null, pack(unpack(self.true, self.rows)[rows]))


@dataclass(slots=True)
class Words(Column):
    """Values of any type as codes into a table. A code whose value is None is an absent fact; codes of rows that are not valid mean nothing."""

    codes: Codes
    values: list[FactValue | None]

    def _value(self, row: int) -> FactValue | None:
        found = self.values[int(self.codes[row])]
        return self.null if found is None else found

    def take(self, rows: Rows) -> Words:
        """The column of some of the rows."""
        return Words(self.fact, len(rows), self._taken(rows), self.null, self.codes[rows], self.values)

    def given(self) -> Bools:
        """The rows that have a value."""
        found = Column.given(self)
        if None in self.values:
            found &= np.array([value is not None for value in self.values])[np.where(found, self.codes, 0)]
        return found

    def filled(self, null: FactValue) -> Words:
        """The column with a meaning for its empty rows."""
        return replace(self, null=null, values=[null if value is None else value for value in self.values])

    def by_code(self) -> tuple[Codes, list[FactValue]]:
        """A code for every row, of the empty ones too, and the table of values."""
        values = [UNKNOWN if value is None else value for value in self.values]
        if self.valid is None:
            return self.codes, values
        null = UNKNOWN if self.null is None else self.null
        return np.where(unpack(self.valid, self.rows), self.codes, len(values)), [*values, null]


@dataclass(slots=True)
class Numbers(Column):
    """Numbers as they came, whole or with a fraction."""

    numbers: Codes

    def _value(self, row: int) -> FactValue:
        return float(self.numbers[row])

    def take(self, rows: Rows) -> Numbers:
        """The column of some of the rows."""
        return Numbers(self.fact, len(rows), self._taken(rows), self.null, self.numbers[rows])


@dataclass(slots=True)
class Instants(Column):
    """Times: microseconds since 1970 of the first and the last moment meant, the same for a point in time."""

    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]

    def _value(self, row: int) -> FactValue:
        first, last = int(self.first[row]), int(self.last[row])
        if first == EVER_FROM:
            return UNKNOWN
        start = moment_of(first)
        return Moment(start, start if first == last else EPOCH + dt.timedelta(microseconds=last), start.isoformat(timespec="minutes"))

    def take(self, rows: Rows) -> Instants:
        """The column of some of the rows."""
        return Instants(self.fact, len(rows), self._taken(rows), self.null, self.first[rows], self.last[rows])


def constant(fact: str, rows: int, value: FactValue) -> Words:
    """The same value in every row."""
    return Words(fact, rows, None, None, np.zeros(rows, np.uint8), [value])


def factorised(items: list[Any]) -> tuple[npt.NDArray[np.int32], list[Any]]:
    """Codes for hashable items, and the distinct items in order of first use."""
    table: dict[Any, int] = {}
    codes = np.fromiter((table.setdefault(item, len(table)) for item in items), np.int32, len(items))
    return codes, list(table)


def joined(keys: list[Codes], rows: int) -> tuple[Rows, npt.NDArray[np.intp]]:
    """Rows alike in every key: the first row of each kind, and for each row its kind."""
    if not keys or not rows:
        return np.zeros(min(rows, 1), np.intp), np.zeros(rows, np.intp)
    total = np.zeros(rows, np.int64)
    size = 1
    for codes in keys:
        width = int(codes.max()) + 1
        if width == 1:
            continue
        if size * width >= 1 << 62:
            _, packed = np.unique(total, return_inverse=True)
            total, size = packed.astype(np.int64), int(packed.max()) + 1
        total *= width
        total += codes
        size *= width
    if size <= max(4 * rows, 1024):
        return _by_count(total, size)
    _, first, inverse = np.unique(total, return_index=True, return_inverse=True)
    return first, inverse


def _by_count(keys: npt.NDArray[np.int64], size: int) -> tuple[Rows, npt.NDArray[np.intp]]:
    """The same as `np.unique` where the keys are small numbers: no sorting."""
    first = np.full(size, -1, np.intp)
    first[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    used = np.flatnonzero(first >= 0)
    place = np.zeros(size, np.intp)
    place[used] = np.arange(len(used))
    return first[used], place[keys]
