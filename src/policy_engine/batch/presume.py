"""Presumptions over columns: empty cells filled with what is presumed of an absent fact, else with unknown."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from policy_engine.batch.columns import Codes, Column, Flags, Instants, Numbers, Words, constant, factorised, joined
from policy_engine.batch.sheet import Sheet
from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.tree import CompareTest, HasTest, ListTest, ValueTest, walk
from policy_engine.reasoning.encode import Presumptions


class Filler:
    """Fills the columns of sheets by one rulebook's presumptions."""

    def __init__(self, presumptions: Presumptions) -> None:
        self.presumptions = presumptions
        self._needs: dict[str, frozenset[str]] = {}

    def fill(self, sheet: Sheet) -> None:
        """Set the sheet's full columns: those given, with their empty cells filled, and those whose presumption has a condition."""
        fixed, conditional = self.presumptions.fixed, self.presumptions.conditional
        for name, column in sheet.given.items():
            if name not in conditional:
                sheet.full[name] = column.filled(fixed.get(name, UNKNOWN))
        keys: dict[str, Codes] = {}
        for name in conditional:
            found = sheet.given.get(name)
            if found is not None and found.given().all():
                sheet.full[name] = found
            else:
                sheet.full[name] = self._presumed(name, found, sheet, keys)

    def column(self, sheet: Sheet, fact: str) -> Column:
        """A fact's full column, made where no cell states it."""
        found = sheet.full.get(fact)
        if found is None:
            found = sheet.full[fact] = constant(fact, sheet.rows, self.presumptions.fixed.get(fact, UNKNOWN))
        return found

    def _presumed(self, name: str, column: Column | None, sheet: Sheet, keys: dict[str, Codes]) -> Column:
        """Rows alike in all that the presumption looks at are presumed alike."""
        seen = [fact for fact in self.needs(name) if fact in sheet.given and fact != name]
        globs = [glob for item in self.presumptions.conditional[name] for glob in item.when_given]
        asked = [fact for fact in sheet.given if fact != name and fact not in seen and any(fnmatchcase(fact, glob) for glob in globs)]
        for fact in seen:
            if fact not in keys:
                keys[fact] = codes_of(sheet.given[fact])
        kinds = [keys[fact] for fact in seen] + [sheet.given[fact].given().view(np.uint8) for fact in asked]
        first, kind = joined(kinds, sheet.rows)
        found: list[FactValue] = []
        for row in first.tolist():
            values = {fact: sheet.given[fact].value(row) for fact in (*seen, *asked)}
            found.append(self.presumptions.value(name, {fact: value for fact, value in values.items() if value is not None}))
        if column is None:
            return constant(name, sheet.rows, found[0]) if len(set(found)) == 1 else merged(name, sheet.rows, None, kind, found)
        return column.filled(found[0]) if len(set(found)) == 1 else merged(name, sheet.rows, column, kind, found)

    def needs(self, name: str) -> frozenset[str]:
        """The facts whose values the presumption of a fact can hang on."""
        if name not in self._needs:
            self._needs[name] = frozenset()
            found: set[str] = set()
            for item in self.presumptions.conditional.get(name, ()):
                for test in walk(item.when):
                    if isinstance(test, (ValueTest, HasTest, CompareTest, ListTest)):
                        found |= {test.fact} | self.needs(test.fact)
            self._needs[name] = frozenset(found)
        return self._needs[name]


def codes_of(column: Column) -> Codes:
    """A code for each row by its value, empty cells apart."""
    given = column.given()
    if isinstance(column, Flags):
        true = np.unpackbits(column.true.view(np.uint8), count=column.rows, bitorder="little")
        return np.where(given, true, 2)
    if isinstance(column, Words):
        return np.where(given, column.codes, len(column.values))
    if isinstance(column, Numbers):
        _, codes = np.unique(column.numbers, return_inverse=True)
    else:
        assert isinstance(column, Instants)
        _, codes = np.unique(column.first, return_inverse=True)
        if (column.first != column.last).any():
            _, codes = joined([codes, np.unique(column.last, return_inverse=True)[1]], column.rows)
    return np.where(given, codes, len(codes))


def merged(name: str, rows: int, column: Column | None, kind: Codes, others: Sequence[FactValue | None]) -> Words:
    """Values where they are given, else another value for each kind of row."""
    codes, table = factorised(list(others))
    filled = codes[kind]
    if column is None:
        return Words(name, rows, None, None, filled, table)
    given = column.given()
    own = codes_of(column)
    values: dict[int, FactValue | None] = {}
    used, first = np.unique(own[given], return_index=True)
    places = np.flatnonzero(given)[first]
    compact = np.zeros(int(own.max()) + 1, np.int64)
    for number, (code, row) in enumerate(zip(used.tolist(), places.tolist(), strict=True)):
        value = column.value(row)
        values[number] = value
        compact[code] = number
    return Words(name, rows, None, None, np.where(given, compact[own], filled + len(values)), [*values.values(), *table])
