"""A mapping at work: each distinct cell of a foreign column is turned into a fact once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from policy_engine.batch.arrow import SEPARATOR, as_text, distinct, single
from policy_engine.batch.columns import joined
from policy_engine.batch.mapping_file import MappingFile, Match, PlaceLookup, Rule, Skip
from policy_engine.batch.rejects import Reject
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.places import Places
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.rulebook import Rulebook

TARGETS = ("id", "as_of", "jurisdiction", "agency.kind")
Codes = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell that a rule cannot read."""

    reason: str


@dataclass(slots=True)
class Cells:
    """A column as codes into distinct cells; None is an empty one."""

    codes: Codes
    values: list[Any]

    def map(self, function: Callable[[Any], Any]) -> Cells:
        """Each distinct cell turned into another."""
        return Cells(self.codes, [function(value) for value in self.values])


class Mapping:
    """A mapping made ready for one rulebook.

    Raises:
        BadInput: it names a fact, place or element that does not exist.
    """

    def __init__(self, file: MappingFile, rulebook: Rulebook, shown: str) -> None:
        self.file, self.shown = file, shown
        self.places = PlaceNames(rulebook.places)
        _check(file, rulebook.lexicon, shown)

    def columns(self) -> list[str]:
        """The foreign columns that are read."""
        found: dict[str, None] = dict.fromkeys(self.file.keep)
        for item in self.file.skip:
            found[item.source] = None
        if self.file.id:
            found[self.file.id] = None
        for rule in self.file.columns.values():
            found.update(dict.fromkeys(_read_by(rule)))
        return list(found)

    def apply(self, table: pa.Table, numbers: Sequence[int], file: str) -> tuple[pa.Table, npt.NDArray[np.intp], list[Reject]]:
        """The facts of a foreign table's rows, which rows they are, and the rows left out or not readable.

        Raises:
            BadInput: the table lacks a column that the mapping reads.
        """
        missing = [name for name in self.columns() if name not in table.column_names]
        if missing:
            raise BadInput([Problem(file, 0, 0, f"has no column `{name}`, which the mapping {self.shown} reads") for name in missing])
        known: dict[str, Cells] = {}

        def cells(name: str) -> Cells:
            if name not in known:
                known[name] = Cells(*distinct(single(table.column(name))).every())
            return known[name]

        rows = table.num_rows
        ids = as_text(table.column(self.file.id)) if self.file.id else None
        good = np.ones(rows, np.bool_)
        rejects: list[Reject] = []

        def set_aside(where: npt.NDArray[np.bool_], column: str, value: Any, reason: str, skipped: bool = False) -> None:
            for row in np.flatnonzero(where & good).tolist():
                name = None if ids is None else ids[row].as_py()
                rejects.append(Reject(numbers[row], name, column, value, reason, file, skipped))
            np.logical_and(good, ~where, out=good)

        for skip in self.file.skip:
            found = cells(skip.source)
            for code, value in enumerate(found.values):
                if _skips(skip, value):
                    set_aside(found.codes == code, skip.source, value, skip.because, skipped=True)
        made: dict[str, Cells] = {}
        for name, rule in self.file.columns.items():
            column = made[name] = self._column(rule, cells, rows)
            for code, value in enumerate(column.values):
                if isinstance(value, Bad):
                    set_aside(column.codes == code, rule.source or name, _shown(rule, cells, column, code), f"`{name}`: {value.reason}")
        kept = np.flatnonzero(good)
        columns: dict[str, Any] = {}
        if ids is not None:
            columns["id"] = ids.take(pa.array(kept))
        for name, column in made.items():
            columns[name] = _arrow(column.map(lambda value: None if value is None or isinstance(value, Bad) else _text(value)), kept)
        for name in self.file.keep:
            columns[name] = table.column(name).take(pa.array(kept))
        return pa.table(columns), kept, rejects

    def _column(self, rule: Rule, cells: Callable[[str], Cells], rows: int) -> Cells:
        if rule.value is not None:
            return Cells(np.zeros(rows, np.uint8), [rule.value])
        if rule.elements:
            return self._set(rule, cells, rows)
        if rule.place is not None:
            return self._place(rule.place, cells, rows)
        assert rule.source is not None
        return cells(rule.source).map(lambda value: read_cell(rule, value))

    def _set(self, rule: Rule, cells: Callable[[str], Cells], rows: int) -> Cells:
        parts = {element: self._column(inner, cells, rows) for element, inner in rule.elements.items()}
        first, kind = joined([part.codes for part in parts.values()], rows)
        values: list[Any] = []
        for row in first.tolist():
            held = {element: part.values[int(part.codes[row])] for element, part in parts.items()}
            bad = next((value for value in held.values() if isinstance(value, Bad)), None)
            values.append(bad or (None if None in held.values() else [element for element, value in held.items() if value is True or value == "true"]))
        return Cells(kind, values)

    def _place(self, rule: PlaceLookup, cells: Callable[[str], Cells], rows: int) -> Cells:
        above = cells(rule.above)
        named = cells(rule.named) if rule.named else Cells(np.zeros(rows, np.uint8), [None])
        first, kind = joined([above.codes, named.codes], rows)
        found = [self.places.find(rule, above.values[int(above.codes[row])], named.values[int(named.codes[row])]) for row in first.tolist()]
        return Cells(kind, found)


class PlaceNames:
    """The registry by name, without regard to case and punctuation."""

    def __init__(self, places: Places) -> None:
        self.top: dict[str, str] = {}
        self.below: dict[str, dict[str, str]] = {}
        for path, place in places.by_path.items():
            parent = path.rpartition("/")[0]
            self.below.setdefault(parent, {}).setdefault(_plain(place.name), path)
            if path.count("/") == 1:
                self.top.setdefault(_plain(place.name), path)

    def find(self, rule: PlaceLookup, above: Any, named: Any) -> str | Bad:
        """The place of two cells."""
        if above is None:
            return Bad(f"`{rule.above}` is empty")
        parent = self.top.get(_plain(str(above)))
        if parent is None:
            return Bad(f"no place is called `{above}`")
        name = None if named is None else _first(rule.patterns, str(named))
        if name is None and named is not None and not rule.patterns:
            name = str(named)
        found = None if name is None else self.below.get(parent, {}).get(_plain(str(name)))
        if found is None and rule.otherwise == "reject":
            return Bad(f"no place below `{parent}` is called `{name or named}`")
        return found or parent


@lru_cache(maxsize=100_000)
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _first(matches: Sequence[Match], text: str) -> Any:
    """The value of the first pattern found in a text, its groups filled in."""
    for item in matches:
        found = item.pattern.search(text)
        if found:
            return found.expand(item.value) if isinstance(item.value, str) and "\\" in item.value else item.value
    return None


def read_cell(rule: Rule, value: Any) -> Any:
    """One cell by a rule: a plain value, None for an absent fact, or `Bad`."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return rule.default
    if isinstance(value, bytes):
        return Bad("not UTF-8 text")
    text = str(value).strip()
    if text in rule.yes or text in rule.no:
        return text in rule.yes
    if text in rule.values:
        return rule.values[text]
    found = _first(rule.match, text)
    if found is not None:
        return found
    if rule.number:
        try:
            return float(text.replace(",", "")) * rule.times
        except ValueError:
            return _other(rule, text, "a number")
    if rule.date:
        return _time(rule, value, text)
    if rule.yes or rule.no or rule.values or rule.match:
        return _other(rule, text, ", ".join(f"`{word}`" for word in (*rule.yes, *rule.no, *rule.values, *(item.pattern.pattern for item in rule.match))))
    return value


def _other(rule: Rule, text: str, valid: str) -> Any:
    if rule.other == "absent":
        return None
    return Bad(f"found `{text}`; valid: {valid}") if rule.other == "reject" else rule.other


def _time(rule: Rule, value: Any, text: str) -> Any:
    found: dt.datetime | None = value if isinstance(value, dt.datetime) else None
    if isinstance(value, dt.date) and found is None:
        found = dt.datetime.combine(value, dt.time())
    for form in rule.date if found is None else ():
        try:
            found = dt.datetime.strptime(text, form)
            break
        except ValueError:
            continue
    if found is None:
        return _other(rule, text, f"a time written {' or '.join(rule.date)}")
    if found.time() == dt.time():
        return f"{found.date()}T{rule.at}" if rule.at else found.date().isoformat()
    return found.isoformat()


def _skips(skip: Skip, value: Any) -> bool:
    if value is None or str(value).strip() == "":
        return skip.empty
    return str(value).strip() in skip.values or (skip.pattern is not None and skip.pattern.search(str(value)) is not None)


def _shown(rule: Rule, cells: Callable[[str], Cells], column: Cells, code: int) -> Any:
    """The foreign cell behind a bad value."""
    if rule.source:
        return cells(rule.source).values[code]
    if rule.place:
        row = int(np.flatnonzero(column.codes == code)[0])
        above = cells(rule.place.above)
        return above.values[int(above.codes[row])]
    return None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return SEPARATOR.join(map(str, value)) or "[]" if isinstance(value, (list, tuple)) else str(value)


def _arrow(cells: Cells, rows: npt.NDArray[np.intp]) -> pa.Array:
    codes = pa.array(cells.codes[rows].astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(cells.values, pa.string()))


def _read_by(rule: Rule) -> list[str]:
    found = [rule.source] if rule.source else []
    if rule.place:
        found += [rule.place.above, *([rule.place.named] if rule.place.named else [])]
    return [*found, *(name for inner in rule.elements.values() for name in _read_by(inner))]


def _check(file: MappingFile, lexicon: Lexicon, shown: str) -> None:
    problems = []
    for name, rule in file.columns.items():
        fact = lexicon.facts.get(name)
        if fact is None and name not in TARGETS:
            problems.append(Problem(shown, 0, 0, unknown_name("fact", name, {*lexicon.facts, *TARGETS})))
        for element in rule.elements:
            if fact is not None and fact.values and element not in fact.values:
                problems.append(Problem(shown, 0, 0, unknown_name(f"value of `{name}`:", element, fact.values)))
    for name in file.keep:
        if name in lexicon.facts or name in TARGETS:
            problems.append(Problem(shown, 0, 0, f"the kept column `{name}` has the name of a fact"))
    if problems:
        raise BadInput(problems)
