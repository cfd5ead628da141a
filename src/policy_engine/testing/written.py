"""Scenario files as text, to be read by people and kept as regression tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from policy_engine.language.problems import BadInput
from policy_engine.language.scenario import Scenario
from policy_engine.language.written import scenario_as_written

WIDTH = 170


class _Flow(dict[str, Any]):
    """A mapping to be written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes `_Flow` on one line, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True))


def as_mapping(scenario: Scenario, zone: dt.tzinfo) -> dict[str, Any]:
    """A scenario as a scenario file writes it, with what it expects and why."""
    rest: dict[str, Any] = {
        "expect": dict(scenario.expect),
        "expect_candidates": {action: list(statuses) for action, statuses in scenario.expect_candidates.items()},
        "why": scenario.why,
    }
    return scenario_as_written(scenario, zone) | {key: value for key, value in rest.items() if value}


def as_yaml(scenario: Scenario, zone: dt.tzinfo) -> str:
    """A scenario file that holds the scenario."""
    return dump(_lined(as_mapping(scenario, zone)))


def as_cases(whole: Sequence[dict[str, Any]]) -> str:
    """One document of a scenario file: what some scenarios (as mappings) have in common as its base, and one line for each."""
    base = _common(whole) if len(whole) > 1 else {}
    if not base:
        return dump(_lined(whole[0]))
    return dump({"base": _lined(base), "cases": [_Flow(_flow(_without(item, base))) for item in whole]})


def _lined(whole: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping whose short parts are written on one line each."""
    found = {key: _Flow(value) if isinstance(value, dict) and key != "facts" else value for key, value in whole.items()}
    if "facts" in found:
        found["facts"] = {name: _Flow(value) if isinstance(value, dict) else value for name, value in whole["facts"].items()}
    return found


def dump(data: Any) -> str:
    """YAML as scenario files are written here."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _common(whole: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What every mapping holds, mappings inside compared key by key."""
    first, *rest = whole
    found: dict[str, Any] = {}
    for key, value in first.items():
        others = [item.get(key) for item in rest]
        if all(other == value for other in others):
            found[key] = value
        elif isinstance(value, dict) and all(isinstance(other, dict) for other in others):
            inside = _common([value, *(other for other in others if isinstance(other, dict))])
            if inside:
                found[key] = inside
    return found


def _without(item: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key not in base:
            found[key] = value
        elif base[key] != value:
            found[key] = _without(value, base[key])
    return found


def _flow(data: dict[str, Any]) -> dict[str, Any]:
    return {key: _Flow(_flow(value)) if isinstance(value, dict) else value for key, value in data.items()}


def write_files(texts: Mapping[Path, str]) -> None:
    """Write files, each whole or not at all.

    Raises:
        BadInput: a file that cannot be written.
    """
    for path, text in texts.items():
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise BadInput.one(f"cannot be written: {error.strerror}", str(path)) from None
