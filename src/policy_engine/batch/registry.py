"""The registry's facts as columns: each row's facts from the tables that speak of its place, or of the agency it names, on its local day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from policy_engine.batch.columns import Codes, Rows, joined
from policy_engine.batch.groups import split
from policy_engine.batch.presume import codes_of, merged
from policy_engine.batch.sheet import Sheet
from policy_engine.batch.sources import Clocks
from policy_engine.language.facts import FactValue
from policy_engine.language.tables import Row, Table

if TYPE_CHECKING:
    from policy_engine.engine import Engine


class Registry:
    """Adds one rulebook's registry to sheets, the same as `Engine.registry_facts` gives scenario by scenario."""

    def __init__(self, engine: Engine, clocks: Clocks) -> None:
        self.engine, self.clocks = engine, clocks

    def add(self, sheet: Sheet) -> None:
        """Give the rows of a sheet the facts that the tables give them; what a row states itself stays. A later table goes before an earlier one."""
        found: dict[str, tuple[Codes, dict[FactValue | None, int]]] = {}
        for table in self.engine.rulebook.tables.values():
            if sheet.rows and all(fact in sheet.given for fact in table.spec.match.values()):
                for rows, facts in self._told(table, sheet):
                    for fact, value in facts.items():
                        codes, values = found.setdefault(fact, (np.zeros(sheet.rows, np.int32), {None: 0}))
                        codes[rows] = values.setdefault(value, len(values))
        for fact, (codes, values) in found.items():
            column = sheet.given.get(fact)
            taken = codes > 0 if column is None else (codes > 0) & ~column.given()
            if taken.any():
                sheet.registry[fact] = taken | sheet.registry.get(fact, False)
                sheet.given[fact] = merged(fact, sheet.rows, column, codes, list(values))

    def _told(self, table: Table, sheet: Sheet) -> Iterator[tuple[Rows, dict[str, FactValue]]]:
        """Rows in which a table gives the same facts, with these: by place and name first, then by the days between which the rows found there change."""
        engine = self.engine
        named = [sheet.given[fact] for fact in table.spec.match.values()]
        keys = [] if sheet.places.codes is None else [sheet.places.codes]
        first, kind = joined([*keys, *(codes_of(column) for column in named)], sheet.rows)
        speaking: dict[int, list[Row]] = {}
        for number, row in enumerate(first.tolist()):
            stated = {column.fact: value for column in named if (value := column.value(row)) is not None}
            if len(stated) == len(named) and (matching := table.matching(sheet.places.of(row), stated)):
                speaking[number] = matching
        parts = split(kind, len(first)) if speaking else []
        for number, matching in speaking.items():
            rows = parts[number]
            clockwork = engine.clockwork(engine.rulebook.path(sheet.places.of(int(rows[0]))))
            days = self.clocks.quantities(clockwork).zone.days(sheet.moments()[rows])
            segments = np.searchsorted([day.toordinal() for day in table.cut_days(matching)], days, "right")
            present, where = np.unique(segments, return_index=True)
            for segment, at in zip(present.tolist(), where.tolist(), strict=True):
                yield rows[segments == segment], table.facts_of(matching, dt.date.fromordinal(int(days[at])), clockwork.zone)
