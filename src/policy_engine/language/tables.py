"""Registry tables: dated rows that give facts to scenarios of a place, or of an agency that is named."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.places import Places
from policy_engine.language.problems import BadInput, Problem, listed, unknown_name
from policy_engine.language.times import FIRST, LAST, Span, cut_days
from policy_engine.language.typing_facts import FactTyper
from policy_engine.language.vocabulary import RegistryTable
from policy_engine.language.yamlfile import Document, as_date, read_text

_PLAIN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the place it speaks of, the days on which it holds, and its cells."""

    place: str
    span: Span
    cells: Mapping[str, str]
    line: int


class Table:
    """One registry table, read when first asked. A row whose end is not given is known only to the table's `known_to` day.

    Raises (when first read):
        BadInput: a missing file or column, a place, day or value that cannot be read; one line each.
    """

    def __init__(self, name: str, spec: RegistryTable, root: Path, shown: str, lexicon: Lexicon, places: Places) -> None:
        self.name, self.spec = name, spec
        self._path, self._shown = root / spec.file, f"{shown}/{spec.file}"
        self._lexicon, self._places = lexicon, places
        self._rows: dict[str, list[Row]] | None = None

    def rows(self) -> Iterator[Row]:
        """Every row, in the file's order."""
        yield from (row for rows in self._by_key().values() for row in rows)

    def check(self) -> None:
        """Read every row and every value.

        Raises:
            BadInput: what cannot be read.
        """
        for row in self.rows():
            self._given_by(row, dt.UTC)

    def facts(self, place: str, given: Mapping[str, FactValue], day: dt.date, zone: dt.tzinfo) -> dict[str, FactValue]:
        """The facts that the rows in force give to a scenario; unknown where rows differ, or after the day to which the table is known."""
        return self.facts_of(self.matching(place, given), day, zone)

    def facts_of(self, rows: Sequence[Row], day: dt.date, zone: dt.tzinfo) -> dict[str, FactValue]:
        """The facts that those of the rows in force on a day give together."""
        found: dict[str, FactValue] = {}
        for row in rows:
            if day in row.span:
                for fact, value in self._given_by(row, zone).items():
                    value = UNKNOWN if self._past_knowledge(row, day) else value
                    found[fact] = value if found.get(fact, value) == value else UNKNOWN
        return found

    def cut_days(self, rows: Sequence[Row]) -> list[dt.date]:
        """The days on which what the rows give may change, in order."""
        days = cut_days(tuple(row.span for row in rows))
        if self.spec.known_to is not None:
            days.add(self.spec.known_to + dt.timedelta(days=1))
        return sorted(days)

    def at(self, place: str, day: dt.date) -> list[tuple[Row, bool]]:
        """The rows in force on a day for a place and what lies under it, each with whether that is still known."""
        return [(row, not self._past_knowledge(row, day)) for row in self.rows() if day in row.span and _under(row.place, place)]

    def matching(self, place: str, given: Mapping[str, FactValue]) -> list[Row]:
        """The rows of every day that speak of a place, or of the agency that the facts name; none where they name none."""
        key = []
        for fact in self.spec.match.values():
            value = given.get(fact)
            if not isinstance(value, str):
                return []
            key.append(plain(value))
        rows = self._by_key()
        if self.spec.match:
            return [row for row in rows.get("\n".join(key), ()) if _under(row.place, place) or _under(place, row.place)]
        steps = place.split("/")
        above = ("/".join(steps[:end]) for end in range(1, len(steps) + 1)) if self.spec.below else (place,)
        return [row for path in above for row in rows.get(path, ())]

    def _past_knowledge(self, row: Row, day: dt.date) -> bool:
        return row.span.end == LAST and self.spec.known_to is not None and day > self.spec.known_to

    def _by_key(self) -> dict[str, list[Row]]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _given_by(self, row: Row, zone: dt.tzinfo) -> dict[str, FactValue]:
        typer = FactTyper(self._lexicon, zone, dt.datetime.now(dt.UTC), "")
        found: dict[str, FactValue] = {}
        problems: list[Problem] = []
        document = Document(self._shown, None, None)
        for fact, source in self.spec.gives.items():
            value = row.cells[source.column] if source.column is not None else source.value
            if value != "":
                typed = typer.one(document, fact, value, (fact,), problems)
                if typed is not None:
                    found[fact] = typed
        if problems:
            raise BadInput([Problem(self._shown, row.line, 1, problem.message) for problem in problems])
        return found

    def _read(self) -> dict[str, list[Row]]:
        lines = csv.reader(io.StringIO(read_text(self._path, self._shown)))
        header = next(lines, [])
        spec = self.spec
        needed = [spec.place, spec.from_, spec.to, *spec.match, *(source.column for source in spec.gives.values())]
        lost = [column for column in needed if column is not None and column not in header]
        if lost:
            raise BadInput.one(f"found the columns {listed(header) or 'nothing'}; the table `{self.name}` also needs {listed(lost)}", self._shown, 1, 1)
        rows: dict[str, list[Row]] = {}
        problems: list[Problem] = []
        for cells in lines:
            if len(cells) != len(header):
                problems.append(Problem(self._shown, lines.line_num, 1, f"found {len(cells)} columns; valid: {len(header)}"))
                continue
            row = self._row(dict(zip(header, cells, strict=True)), lines.line_num, problems)
            if row is not None:
                key = "\n".join(plain(row.cells[column]) for column in spec.match) if spec.match else row.place
                rows.setdefault(key, []).append(row)
        if problems:
            raise BadInput(problems)
        return rows

    def _row(self, cells: dict[str, str], line: int, problems: list[Problem]) -> Row | None:
        spec, before = self.spec, len(problems)
        place = self._places.aliases.get(cells[spec.place], cells[spec.place])
        if place not in self._places.by_path:
            problems.append(Problem(self._shown, line, 1, self._places.unknown(place)))
        ends = []
        for column, open_end in ((spec.from_, FIRST), (spec.to, LAST)):
            text = cells[column] if column else ""
            day = as_date(text) if text else open_end
            if day is None:
                problems.append(Problem(self._shown, line, 1, f"column `{column}`: found `{text}`; a day is written YYYY-MM-DD"))
            ends.append(day or open_end)
        if ends[1] < ends[0]:
            problems.append(Problem(self._shown, line, 1, f"ends on {ends[1]}, before it begins on {ends[0]}"))
        for fact, source in spec.gives.items():
            values = self._lexicon.facts[fact].values
            if source.column and cells[source.column] and values and cells[source.column] not in values:
                problems.append(Problem(self._shown, line, 1, f"column `{source.column}`: {unknown_name(f'value of `{fact}`:', cells[source.column], values)}"))
        return Row(place, Span(*ends), cells, line) if len(problems) == before else None


def plain(text: str) -> str:
    """A name without case, spaces and punctuation, for comparing."""
    return _PLAIN.sub("", text.lower())


def _under(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def check_tables(specs: Mapping[str, RegistryTable], card: Document, lexicon: Lexicon) -> None:
    """Hold the tables that a rulebook's card declares against its vocabulary.

    Raises:
        BadInput: a table that gives or matches a fact, or checks an action, that is not declared.
    """
    problems: list[Problem] = []
    for name, spec in specs.items():
        for part, facts in (("gives", spec.gives), ("match", {fact: column for column, fact in spec.match.items()})):
            for fact in facts:
                if fact not in lexicon.facts:
                    problems.append(card.problem(("registry", "tables", name, part), unknown_name("fact", fact, lexicon.facts)))
        if spec.check is not None and spec.check.action not in lexicon.actions:
            problems.append(card.problem(("registry", "tables", name, "check", "action"), unknown_name("action", spec.check.action, lexicon.actions)))
    if problems:
        raise BadInput(problems)
