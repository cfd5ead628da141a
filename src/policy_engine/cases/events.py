"""Events of a case: what was written, typed against the vocabulary, and what they do to the facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policy_engine.language.facts import FactValue
from policy_engine.language.models import Model, Name
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.scenario import Time
from policy_engine.language.times import moment
from policy_engine.language.typing_facts import FactTyper
from policy_engine.language.validate import validate
from policy_engine.language.vocabulary import CaseEvent
from policy_engine.language.yamlfile import Document


class EventModel(Model):
    """One event as written."""

    id: Name
    event: Name | None = None
    at: Time
    known: Time | None = None
    source: str = ""
    facts: dict[str, Any] = {}
    corrects: Name | None = None
    withdraws: Name | None = None
    meets: tuple[Name, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a case.

    Attributes:
        kind: its kind in the vocabulary; None for a bare withdrawal.
        at: when it was true.
        known: when it became known.
        changes: the facts that it sets; None takes a fact out.
        corrects: the id of an earlier event that this one takes the place of.
        withdraws: the id of an earlier event that did not happen.
        meets: ids of duties that it meets.
        written: the event as it stands in a log, ready for JSON.
    """

    id: str
    kind: str | None
    at: dt.datetime
    known: dt.datetime
    source: str
    changes: Mapping[str, FactValue | None]
    corrects: str | None
    withdraws: str | None
    meets: tuple[str, ...]
    note: str
    does: tuple[str, ...] = ()
    refrains: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    happens: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def replaces(self) -> str | None:
        """The earlier event that no longer counts."""
        return self.corrects or self.withdraws


class EventReader:
    """Types events for the cases of one time zone.

    Raises (on making):
        BadInput: the vocabulary's case events set values that do not fit their facts.
    """

    def __init__(self, rulebook: Rulebook, zone: dt.tzinfo) -> None:
        self.rulebook, self.lexicon, self.zone = rulebook, rulebook.lexicon, zone
        self.kinds: Mapping[str, CaseEvent] = self.lexicon.case_events
        self._sets: dict[str, dict[str, FactValue | None]] = {}
        problems: list[Problem] = []
        typer = FactTyper(self.lexicon, zone, dt.datetime.min.replace(tzinfo=dt.UTC), rulebook.card.agency_fact)
        for name, kind in self.kinds.items():
            document = self.lexicon.documents["case_events"].part(("case_events", name))
            self._sets[name] = dict.fromkeys(kind.clears) | typer.facts(document, kind.sets, problems)
        if problems:
            raise BadInput(problems)

    def read(self, document: Document, after: dt.datetime | None) -> Event:
        """One event from a document; `after` is the moment before which nothing new can have become known.

        Raises:
            BadInput: one problem for each fault.
        """
        model = validate(document, EventModel)
        problems: list[Problem] = []
        kind = self._kind(document, model, problems)
        at = self._moment(document, "at", model.at, problems)
        known = self._moment(document, "known", model.known, problems) if model.known is not None else max(at, after or at)
        if model.known is not None and known < at:
            problems.append(document.problem(("known",), "an event is known only after it was true; what is still to come is a fact of another event"))
        elif after is not None and known < after:
            problems.append(document.problem(("known",) if model.known else ("at",), f"known before the last entry of the case, {after.isoformat()}"))
        changes = dict(self._sets.get(model.event or "", {}))
        if kind:
            changes |= dict.fromkeys(kind.dates, moment(at, self.zone))
        typer = FactTyper(self.lexicon, self.zone, at, self.rulebook.card.agency_fact)
        given = typer.facts(document, model.facts, problems)
        changes |= given
        for name in kind.needs if kind else ():
            if name not in given:
                problems.append(document.problem(("event",), f"`{model.event}` needs the fact `{name}`"))
        if problems:
            raise BadInput(problems)
        written = {
            "id": model.id,
            "event": model.event,
            "at": at.isoformat(),
            "known": known.isoformat(),
            "source": model.source,
            "facts": plain(model.facts),
            "corrects": model.corrects,
            "withdraws": model.withdraws,
            "meets": list(model.meets),
            "note": model.note,
        }
        kept = {key: value for key, value in written.items() if value not in (None, "", {}, [])}
        return Event(
            id=model.id,
            kind=model.event,
            at=at,
            known=known,
            source=model.source,
            changes=changes,
            corrects=model.corrects,
            withdraws=model.withdraws,
            meets=model.meets,
            note=model.note,
            does=kind.does if kind else (),
            refrains=kind.refrains if kind else (),
            ends=kind.ends if kind else (),
            happens=kind.happens if kind else (),
            written=kept,
        )

    def _kind(self, document: Document, model: EventModel, problems: list[Problem]) -> CaseEvent | None:
        if model.corrects and model.withdraws:
            problems.append(document.problem(("withdraws",), "an event corrects an earlier one or withdraws it, not both", key=True))
        if model.event is None:
            if not model.withdraws:
                problems.append(document.problem((), "key `event` is missing; only a withdrawal can do without"))
            elif model.facts:
                problems.append(document.problem(("facts",), "a withdrawal without `event` states no facts", key=True))
            return None
        found = self.kinds.get(model.event)
        if found is None:
            problems.append(document.problem(("event",), unknown_name("kind of event", model.event, self.kinds)))
        return found

    def _moment(self, document: Document, key: str, value: Any, problems: list[Problem]) -> dt.datetime:
        if not isinstance(value, dt.datetime):
            problems.append(document.problem((key,), f"found `{value}`; an event has a time, not only a day: 2026-03-02T14:00"))
            value = dt.datetime.combine(value, dt.time())
        aware: dt.datetime = value if value.tzinfo else value.replace(tzinfo=self.zone)
        return aware.astimezone(self.zone)


def plain(data: Any) -> Any:
    """Data as YAML gives it, in the words of JSON."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(value) for value in data]
    return data.isoformat() if isinstance(data, (dt.date, dt.datetime)) else data


def effective(events: Iterable[Event]) -> list[Event]:
    """The events that count, in the order in which they were true: without those corrected or withdrawn."""
    gone: set[str] = set()
    kept: list[Event] = []
    for event in reversed(list(events)):
        if event.id in gone:
            continue  # and what it replaced counts again
        if event.replaces:
            gone.add(event.replaces)
        if event.kind:
            kept.append(event)
    kept.reverse()
    return sorted(kept, key=lambda event: event.at)


def fold(facts: Mapping[str, FactValue], events: Iterable[Event]) -> dict[str, FactValue]:
    """The facts after events, in their order."""
    found = dict(facts)
    for event in events:
        for name, value in event.changes.items():
            if value is None:
                found.pop(name, None)
            else:
                found[name] = value
    return found
