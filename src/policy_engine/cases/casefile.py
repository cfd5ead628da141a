"""Case files: a scenario at its opening, the events in the order in which they became known, and what the timeline must show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from policy_engine.cases.case import Case
from policy_engine.language.models import Model, Name
from policy_engine.language.problems import BadInput, Problem, listed, unknown_name
from policy_engine.language.scenario import Scenario, Time, scenario_in
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.yamlfile import Document, parse, read_text

if TYPE_CHECKING:
    from policy_engine.engine import Engine

CASE_KEYS = ("events", "until", "expect")
StatusName = Literal["required", "permitted", "prohibited", "conflict", "undetermined"]


class Expected(Model):
    """What the timeline must show after an event, or at a moment.

    Attributes:
        candidates: the possible statuses, exactly.
        because: for an action a rule among those from which its status follows.
        ends: when a clock ends.
        acts: for an action that the event reports: in_order, against or unsettled.
        instead: for an action, a status that the past would have had on what is now known.
        must: for a clock that has just run out, the rule that says what follows.
        says: words of the headline.
        law_began, law_ended: rules that came into force or went out.
    """

    after: Name | None = None
    at: Time | None = None
    status: dict[Name, StatusName] = {}
    candidates: dict[Name, tuple[StatusName, ...]] = {}
    because: dict[Name, Name] = {}
    clocks: dict[Name, Literal["not_started", "running", "expired", "stopped"]] = {}
    ends: dict[Name, Time] = {}
    duties: dict[Name, Literal["open", "met", "overdue", "dropped"]] = {}
    acts: dict[Name, Literal["in_order", "against", "unsettled"]] = {}
    instead: dict[Name, StatusName] = {}
    in_question: tuple[Name, ...] | None = None
    cleared: tuple[Name, ...] | None = None
    must: dict[Name, Name] = {}
    says: str | None = None
    law_began: tuple[Name, ...] = ()
    law_ended: tuple[Name, ...] = ()


class CaseFileModel(Model):
    """What a case file holds beside the keys of a scenario."""

    events: tuple[dict[str, Any], ...]
    until: Time | None = None
    expect: tuple[Expected, ...] = ()


@dataclass(frozen=True)
class CaseFile:
    """A case file ready to be run."""

    scenario: Scenario
    events: tuple[Document, ...]
    until: dt.datetime | None
    expect: tuple[Expected, ...]
    file: str

    def run(self, engine: Engine, *, log: str | Path | None = None, second_opinion: bool | None = None, until: dt.datetime | None = None) -> Case:
        """The case with every event applied, and time run on to the end of the file.

        Events that a log already holds are not applied again.

        Raises:
            BadInput: a fault in an event, at its line.
        """
        case = engine.open_case(self.scenario, log=log, second_opinion=second_opinion)
        try:
            for document in self.events:
                case.apply(document.data, document=document)
            end = until or self.until
            if end is not None and end > case.now:
                case.advance(end)
        except BaseException:
            case.close()
            raise
        return case


def case_files(path: Path, engine: Engine) -> list[CaseFile]:
    """Every case of a file.

    Raises:
        BadInput: one problem for each fault.
    """
    documents = parse(read_text(path), str(path))
    if not documents:
        raise BadInput.one("the file is empty; a case needs at least id, as_of, jurisdiction, agency and events", str(path), 1, 1)
    problems: list[Problem] = []
    found: list[CaseFile] = []
    for document in documents:
        try:
            found.append(_case_file(document, engine))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return found


def _case_file(document: Document, engine: Engine) -> CaseFile:
    require_mapping(document, "a case file")
    if "events" not in document.data:
        raise BadInput([document.problem((), "key `events` is missing; a file without events is a scenario: `policy-engine decide`")])
    own = Document(document.file, {key: value for key, value in document.data.items() if key in CASE_KEYS}, document.node)
    model = validate(own, CaseFileModel)
    rest = Document(document.file, {key: value for key, value in document.data.items() if key not in CASE_KEYS}, document.node)
    scenario = scenario_in(rest, engine.rulebook)
    zone = engine.clockwork(engine.rulebook.path(scenario.jurisdiction)).zone
    ids = [str(item.get("id")) for item in model.events]
    problems = list(_problems(document, model, ids, engine))
    if problems:
        raise BadInput(problems)
    events = tuple(document.part(("events", index)) for index in range(len(model.events)))
    return CaseFile(scenario, events, aware(model.until, zone), model.expect, document.file)


def _problems(document: Document, model: CaseFileModel, ids: list[str], engine: Engine) -> Iterator[Problem]:
    lexicon = engine.rulebook.lexicon
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield document.problem(("events", index, "id"), f"event `{name}` stands twice in this file")
    for index, item in enumerate(model.expect):
        here = ("expect", index)
        if (item.after is None) == (item.at is None):
            yield document.problem(here, "an expectation names one event (`after`) or one moment (`at`)")
        if item.after is not None and item.after not in ids:
            yield document.problem((*here, "after"), unknown_name("event of this file", item.after, ids))
        for section in ("status", "candidates", "because", "acts", "instead"):
            for action in getattr(item, section):
                if action not in lexicon.actions:
                    yield document.problem((*here, section, action), unknown_name("action", action, lexicon.actions), key=True)
        for section in ("in_question", "cleared"):
            for place, name in enumerate(getattr(item, section) or ()):
                if name not in ids:
                    yield document.problem((*here, section, place), f"{unknown_name('event of this file', name, ids)}; valid: {listed(ids)}")


def aware(value: Any, zone: dt.tzinfo) -> dt.datetime | None:
    """A written time with its offset; a bare day ends at midnight."""
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value + dt.timedelta(days=1), dt.time())
    found: dt.datetime = value
    return found if found.tzinfo else found.replace(tzinfo=zone)
