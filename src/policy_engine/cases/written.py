"""A scenario in the words of a scenario file, so that a log holds all that its case was opened with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from policy_engine.language.facts import UNKNOWN, FactValue, Record
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment


def scenario_as_written(scenario: Scenario, zone: dt.tzinfo) -> dict[str, Any]:
    """The scenario as a mapping that JSON can hold and `Engine.scenario` reads again."""
    agency: dict[str, Any] = {"kind": sorted(scenario.kinds)}
    if scenario.agency_name is not None:
        agency["name"] = scenario.agency_name
    found: dict[str, Any] = {
        "id": scenario.id,
        "title": scenario.title,
        "as_of": scenario.as_of.astimezone(zone).isoformat(),
        "jurisdiction": scenario.jurisdiction,
        "agency": agency,
        "facts": {name: value_as_written(value, zone) for name, value in scenario.facts.items() if name != "agency.name" or scenario.agency_name is None},
        "assume": dict(scenario.assume),
        "actions": list(scenario.actions),
    }
    return {key: value for key, value in found.items() if value not in ("", {}, [])}


def value_as_written(value: FactValue, zone: dt.tzinfo) -> Any:
    """One fact's value in JSON's words."""
    if value is UNKNOWN:
        return "unknown"
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Moment):
        return value.first.astimezone(zone).isoformat() if value.exact else value.written
    if isinstance(value, tuple):
        return [_record(record) for record in value]
    return value


def _record(record: Record) -> dict[str, Any]:
    plain = {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in record.items()}
    return {key: "unknown" if value is UNKNOWN else value for key, value in plain.items()}
