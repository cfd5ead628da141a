"""Facts and scenarios in the words of a scenario file, so that what is read again says the same: for logs of cases and for files that the testing kit writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment


def scenario_as_written(scenario: Scenario, zone: dt.tzinfo) -> dict[str, Any]:
    """All on which a decision hangs, as a mapping that `Engine.scenario` reads again: facts nested by their first word, times local to the place.

    What the registry gave is left to it.
    """
    kinds = sorted(scenario.kinds)
    agency: dict[str, Any] = {"kind": kinds[0] if len(kinds) == 1 else kinds}
    if scenario.agency_name is not None:
        agency["name"] = scenario.agency_name
    given = {name: value for name, value in scenario.given.items() if name != "agency.name" or scenario.agency_name is None}
    whole: dict[str, Any] = {
        "id": scenario.id,
        "title": scenario.title,
        "as_of": time_as_written(scenario.as_of, zone),
        "jurisdiction": scenario.jurisdiction,
        "agency": agency,
        "facts": nested({name: value_as_written(value, zone) for name, value in given.items()}),
        "assume": dict(scenario.assume),
        "actions": list(scenario.actions),
    }
    return {key: value for key, value in whole.items() if value or key == "facts"}


def nested(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as mappings of mappings, one level deep."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        head, dot, rest = name.partition(".")
        if dot:
            found.setdefault(head, {})[rest] = value
        else:
            found[name] = value
    return found


def value_as_written(value: FactValue, zone: dt.tzinfo) -> Any:
    """One fact's value in YAML's words; days in records stay days."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Moment):
        return time_as_written(value.first, zone) if value.exact else value.written
    if isinstance(value, tuple):
        return [{key: _plain(item) for key, item in record.items()} for record in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if value is UNKNOWN:
        return "unknown"
    return int(value) if isinstance(value, float) and value.is_integer() else value


def time_as_written(time: dt.datetime, zone: dt.tzinfo) -> str:
    """A moment as local time to the minute where that says it all; else with seconds, or with its offset where clocks are put back."""
    local = time.astimezone(zone)
    plain = local.replace(tzinfo=None, fold=0)
    shown = local if plain.replace(tzinfo=zone) != time else plain
    return shown.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")
