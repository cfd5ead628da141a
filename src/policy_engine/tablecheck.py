"""A registry table held against the law: for each row in force on a day, what the law said of the act that the row shows was done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.tables import Row, Table
from policy_engine.reasoning.decision import Outcome
from policy_engine.reasoning.status import Status

NOON = dt.time(12)


@dataclass(frozen=True, slots=True)
class Finding:
    """One row and the outcome of its act; None where the act is not the agency's own."""

    row: Row
    outcome: Outcome | None

    @property
    def told(self) -> str:
        """The status, or the candidates where it is open."""
        if self.outcome is None:
            return "not its act"
        if self.outcome.status is Status.UNDETERMINED:
            return " or ".join(self.outcome.candidates)
        return str(self.outcome.status)

    @property
    def contradicts(self) -> bool:
        """Whether the law certainly forbade what was done."""
        return self.outcome is not None and self.outcome.status in (Status.PROHIBITED, Status.CONFLICT)


def check_table(engine: Engine, name: str, day: dt.date) -> Iterator[Finding]:
    """Every row of a table in force on a day, judged by the law of its place.

    Raises:
        BadInput: no such table, or one that the rulebook gives no `check`.
    """
    table = find_table(engine, name)
    check = table.spec.check
    if check is None:
        raise BadInput.one(f"the table `{name}` has no `check` in the rulebook's card, so there is nothing to hold it against", engine.rulebook.shown)
    for row in table.rows():
        if day in row.span:
            scenario = {
                "id": "row",
                "as_of": dt.datetime.combine(day, NOON),
                "jurisdiction": row.place,
                "agency": {"kind": row.cells[check.kind]},
                "facts": {fact: row.cells[column] for column, fact in table.spec.match.items()},
            }
            yield Finding(row, engine.evaluate(scenario, actions=[check.action]).outcomes.get(check.action))


def find_table(engine: Engine, name: str) -> Table:
    """The table of a name.

    Raises:
        BadInput: no such table.
    """
    found = engine.rulebook.tables.get(name)
    if found is None:
        raise BadInput.one(unknown_name("registry table", name, engine.rulebook.tables))
    return found
