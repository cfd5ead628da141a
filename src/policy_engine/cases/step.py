"""What the timeline of a case is made of: steps, each with its decision in brief and what it changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Statuses = tuple[str, ...]
IN_ORDER, AGAINST, UNSETTLED = "in order", "against the decision", "unsettled"


@dataclass(frozen=True, slots=True)
class Change:
    """An action's statuses before and after (several: undetermined), and the norms responsible.

    `because`: the norms from which the statuses follow now; `gone`: those from which the former ones followed, and that
    no longer apply or no longer stand.
    """

    action: str
    before: Statuses
    after: Statuses
    because: tuple[str, ...]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyState:
    """A duty of a case. `state`: open, met, overdue or dropped (it no longer applies)."""

    id: str
    on: str
    must: str
    citation: str
    due: dt.datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class ClockState:
    """A limit in time. `state`: not_started, running, expired or stopped. `possible`: whether it applies hangs on an unknown."""

    id: str
    action: str
    says: str
    citation: str
    starts: dt.datetime | None
    ends: dt.datetime
    state: str
    possible: bool


@dataclass(frozen=True, slots=True)
class Must:
    """What follows from a limit that ran out: the action's statuses now, and the rule that says so."""

    clock: str
    action: str
    status: Statuses
    rule: str
    citation: str
    says: str


@dataclass(frozen=True, slots=True)
class Act:
    """An act or omission that an event reports, held against the decision that stood just before it."""

    event: str
    action: str
    done: bool
    status: Statuses
    verdict: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What would have been decided from one moment to another, had all been known then that is known now."""

    action: str
    start: dt.datetime
    end: dt.datetime
    decided: Statuses
    instead: Statuses
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """What a late or correcting event means for the past.

    Attributes:
        since: the moment from which the past was gone through again.
        differences: where the decisions would have been others.
        in_question: acts in order when done that are not, or may not be, on what is known now.
        cleared: acts against the decision when done that are in order on what is known now.
    """

    since: dt.datetime
    differences: tuple[Difference, ...]
    in_question: tuple[Act, ...]
    cleared: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a timeline.

    Attributes:
        kind: opened, event, turn (time alone changed something) or rulebook (the rulebook's files changed).
        at: when what it tells of was true.
        decided: the moment of its decision.
        event: the id of its event.
        outcomes: for each action its statuses; one if certain.
        headline: the decision in words.
        law_began, law_ended: rules that came into force and went out, where the law changed.
    """

    kind: str
    at: dt.datetime
    decided: dt.datetime
    event: str | None
    outcomes: Mapping[str, Statuses]
    headline: str
    changes: tuple[Change, ...] = ()
    duties: tuple[DutyState, ...] = ()
    clocks: tuple[ClockState, ...] = ()
    musts: tuple[Must, ...] = ()
    acts: tuple[Act, ...] = ()
    law_began: tuple[str, ...] = ()
    law_ended: tuple[str, ...] = ()
    revision: Revision | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.changes or self.duties or self.clocks or self.law_began or self.law_ended)

    def to_dict(self) -> dict[str, Any]:
        """The step in JSON's words; what is empty is left out."""
        found: dict[str, Any] = _plain(self)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        named = ((name, _plain(getattr(value, name))) for name in value.__dataclass_fields__)
        return {name: item for name, item in named if item is not None and item not in ("", [], {})}
    return value


def step_of(data: Mapping[str, Any], local: Callable[[dt.datetime], dt.datetime]) -> Step:
    """The step that `Step.to_dict` wrote, its moments on the place's own clock."""
    found: Step = _built(Step, data, local)
    return found


_PARTS: dict[str, type] = {
    "changes": Change,
    "duties": DutyState,
    "clocks": ClockState,
    "musts": Must,
    "acts": Act,
    "differences": Difference,
    "in_question": Act,
    "cleared": Act,
}
_MOMENTS = frozenset(("at", "decided", "due", "starts", "ends", "start", "end", "since"))
_EMPTY: dict[type, dict[str, Any]] = {
    Change: {"before": (), "after": (), "because": (), "gone": ()},
    DutyState: {"due": None},
    ClockState: {"starts": None, "says": ""},
    Must: {"says": ""},
    Difference: {"decided": (), "instead": (), "because": ()},
    Revision: {"differences": (), "in_question": (), "cleared": ()},
    Step: {"event": None, "outcomes": {}, "headline": ""},
}


def _built(kind: type, data: Mapping[str, Any], local: Callable[[dt.datetime], dt.datetime]) -> Any:
    found = dict(_EMPTY.get(kind, {}))
    for name, value in data.items():
        if name in _PARTS:
            found[name] = tuple(_built(_PARTS[name], item, local) for item in value)
        elif name == "revision":
            found[name] = _built(Revision, value, local)
        elif name == "outcomes":
            found[name] = {action: tuple(statuses) for action, statuses in value.items()}
        elif isinstance(value, list):
            found[name] = tuple(value)
        elif name in _MOMENTS:
            found[name] = local(dt.datetime.fromisoformat(value))
        else:
            found[name] = value
    return kind(**found)
