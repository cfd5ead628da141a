"""The facts of a scenario, typed: what was given, and the marker for what is not known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from policy_engine.language.times import Moment


class Unknown(Enum):
    """The marker of a fact that is stated not to be known."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown.UNKNOWN

FieldValue = bool | str | float | dt.date | Unknown


class Record(dict[str, FieldValue]):
    """One record of a list fact. It is not changed after loading, so it can be hashed."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


FactValue = bool | str | float | frozenset[str] | Moment | tuple[Record, ...] | Unknown
Facts = Mapping[str, FactValue]


def shown(value: Any) -> str:
    """A fact's value in the words of a scenario file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return f"[{'; '.join(', '.join(f'{key} {shown(item)}' for key, item in record.items()) for record in value)}]" if value else "none"
    return str(value)
