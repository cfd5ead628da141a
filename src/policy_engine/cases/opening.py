"""Opening a case: from a scenario, from a log, or both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policy_engine.cases.case import SCHEMA, Case
from policy_engine.cases.log import CaseLog
from policy_engine.language.problems import BadInput
from policy_engine.language.written import scenario_as_written

if TYPE_CHECKING:
    from policy_engine.engine import Engine, ScenarioLike


def open_case(engine: Engine, given: ScenarioLike | None, path: str | Path | None, second_opinion: bool | None) -> Case:
    """See `Engine.open_case`."""
    if given is None and path is None:
        raise BadInput.one("a case is opened with a scenario, with a log, or with both", "open_case")
    log = CaseLog(path) if path is not None else None
    try:
        scenario = engine.scenario(given) if given is not None else None
        if log is not None and log.entries:
            first = log.entries[0]
            if first.get("schema") != SCHEMA:
                raise BadInput.one(f"found `{first.get('schema')}`; this version reads `{SCHEMA}`", str(path), 1, 1)
            kept = engine.scenario(first["case"])
            zone = engine.clockwork(engine.rulebook.path(kept.jurisdiction)).zone
            if scenario is not None and scenario_as_written(scenario, zone) != scenario_as_written(kept, zone):
                raise BadInput.one(f"this log is of the case `{kept.id}` as it was opened; the scenario given differs from it", str(path), 1, 1)
            scenario = kept
        elif scenario is None:
            raise BadInput.one("the log is empty; its case is opened with a scenario", str(path))
        case = Case(engine, scenario, None if second_opinion is False else engine.opinion, strict=second_opinion is True)
        case.start(log)
    except BaseException:
        if log is not None:
            log.close()
        raise
    return case
