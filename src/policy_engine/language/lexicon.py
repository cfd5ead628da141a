"""The vocabulary as loaded: look-ups for facts, fields, terms, ranks and actions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from policy_engine.language.models import Model
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.vocabulary import (
    Action,
    ActionsFile,
    AgencyKind,
    CaseEvent,
    CaseEventsFile,
    Disposition,
    DispositionsFile,
    Event,
    EventsFile,
    Fact,
    FactsFile,
    Question,
    QuestionsFile,
    Rank,
    RanksFile,
    TermsFile,
)
from policy_engine.language.yamlfile import Document, read

TIME_PARTS = ("hours_ago", "workday_hours_ago", "days_ago", "is_past")
AS_OF = "as_of"


@dataclass(slots=True)
class Lexicon:
    """Every declared word of a rulebook."""

    facts: dict[str, Fact] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    agency_kinds: dict[str, AgencyKind] = field(default_factory=dict)
    ranks: dict[str, Rank] = field(default_factory=dict)
    rank_order: dict[str, int] = field(default_factory=dict)
    authority_kinds: frozenset[str] = frozenset()
    terms: dict[str, dict[str, str]] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    case_events: dict[str, CaseEvent] = field(default_factory=dict)
    dispositions: tuple[Disposition, ...] = ()
    folder: Path | None = None
    shown: str = ""
    _documents: dict[str, Document] | None = None

    @property
    def documents(self) -> dict[str, Document]:
        """The document of each section, for the places of faults; read again where the vocabulary came from the cache."""
        if self._documents is None:
            read_again = [document for path in _files(self.folder) for document in read(path, f"{self.shown}/vocabulary/{path.name}")] if self.folder else []
            self._documents = {}
            for document in read_again:
                section = next((key for key in _SECTIONS if key in document.data), None)
                if section is not None:
                    self._documents.setdefault(section, document)
        return self._documents

    def without_documents(self) -> Lexicon:
        """The same words, to be kept in the cache."""
        return replace(self, _documents=None)

    def term(self, taxonomy: str, word: str) -> str | None:
        """The plain name behind a name or alias."""
        return self.terms.get(taxonomy, {}).get(word)


_SECTIONS: dict[str, type[Model]] = {
    "facts": FactsFile,
    "questions": QuestionsFile,
    "agency_kinds": ActionsFile,
    "actions": ActionsFile,
    "ranks": RanksFile,
    "taxonomy": TermsFile,
    "events": EventsFile,
    "case_events": CaseEventsFile,
    "dispositions": DispositionsFile,
}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"))


def load_lexicon(folder: Path, shown: str) -> tuple[Lexicon, list[Path]]:
    """The vocabulary in `folder`, and the files read.

    Raises:
        BadInput: every fault of every file.
    """
    lexicon = Lexicon(folder=folder, shown=shown, _documents={})
    problems: list[Problem] = []
    files = _files(folder)
    if not files:
        raise BadInput.one("no vocabulary files (facts.yaml, actions.yaml, ranks.yaml) found", f"{shown}/vocabulary")
    for path in files:
        name = f"{shown}/vocabulary/{path.name}"
        try:
            for document in read(path, name):
                _add(lexicon, document, problems)
        except BadInput as error:
            problems.extend(error.problems)
    if not problems:
        problems.extend(_check(lexicon, shown))
    if problems:
        raise BadInput(problems)
    return lexicon, files


def _add(lexicon: Lexicon, document: Document, problems: list[Problem]) -> None:
    require_mapping(document, "a vocabulary file")
    section = next((key for key in _SECTIONS if key in document.data), None)
    if section is None:
        problems.append(document.problem((), f"no section found; a vocabulary file holds one of {', '.join(f'`{key}`' for key in _SECTIONS)}"))
        return
    model = validate(document, _SECTIONS[section])
    lexicon.documents.setdefault(section, document)
    match model:
        case FactsFile(facts=facts):
            lexicon.facts |= facts
        case QuestionsFile(questions=questions):
            lexicon.questions |= questions
        case ActionsFile(actions=actions, agency_kinds=kinds):
            lexicon.actions |= actions
            lexicon.agency_kinds |= kinds
        case RanksFile(ranks=ranks, authority_kinds=kinds_of_authority):
            lexicon.ranks = {rank.name: rank for rank in ranks}
            lexicon.rank_order = {rank.name: index for index, rank in enumerate(ranks)}
            lexicon.authority_kinds = frozenset(kinds_of_authority)
        case TermsFile():
            _add_terms(lexicon, model, document, problems)
        case DispositionsFile(dispositions=dispositions):
            lexicon.dispositions = dispositions
        case EventsFile(events=events):
            lexicon.events |= events
        case CaseEventsFile(case_events=case_events):
            lexicon.case_events |= case_events


def _add_terms(lexicon: Lexicon, model: TermsFile, document: Document, problems: list[Problem]) -> None:
    table = lexicon.terms.setdefault(model.taxonomy, {})
    for name in model.names:
        table[name] = name
    for name, term in model.names.items():
        for index, alias in enumerate(term.aliases if term else ()):
            if alias in table:
                problems.append(document.problem(("names", name, "aliases", index), f"alias `{alias}` already names `{table[alias]}`"))
            else:
                table[alias] = name


def _check(lexicon: Lexicon, shown: str) -> list[Problem]:
    problems = [
        Problem(f"{shown}/vocabulary", 0, 0, f"no `{section}` declared in any vocabulary file")
        for section, found in (("facts", lexicon.facts), ("actions", lexicon.actions), ("ranks", lexicon.ranks))
        if not found
    ]
    if problems:
        return problems
    facts = lexicon.documents["facts"]
    for name, fact in lexicon.facts.items():
        if fact.same_as:
            base, _, part = fact.same_as.rpartition(".")
            target = lexicon.facts.get(base)
            if target is None or target.type != "time" or part not in TIME_PARTS[:3]:
                problems.append(facts.problem(("facts", name, "same_as"), f"`{fact.same_as}` is no quantity of a time fact ({', '.join(TIME_PARTS[:3])})"))
        for field_name, kind in fact.record.items():
            if kind.type == "term" and kind.taxonomy not in lexicon.terms:
                problems.append(facts.problem(("facts", name, "record", field_name), f"no file of terms declares the taxonomy `{kind.taxonomy}`"))
    actions = lexicon.documents["actions"] if "actions" in lexicon.documents else lexicon.documents["agency_kinds"]
    for name, action in lexicon.actions.items():
        for index, kind_name in enumerate(action.by):
            if kind_name not in lexicon.agency_kinds:
                problems.append(actions.problem(("actions", name, "by", index), f"unknown agency kind `{kind_name}`"))
    if lexicon.case_events:
        problems.extend(_check_case_events(lexicon, lexicon.documents["case_events"]))
    return problems


def _check_case_events(lexicon: Lexicon, document: Document) -> list[Problem]:
    """Names of facts and actions; the values that an event sets are typed where cases are opened."""
    problems = []
    for name, event in lexicon.case_events.items():
        for section, known, what in (
            ("dates", lexicon.facts, "fact"),
            ("clears", lexicon.facts, "fact"),
            ("needs", lexicon.facts, "fact"),
            ("does", lexicon.actions, "action"),
            ("refrains", lexicon.actions, "action"),
            ("ends", lexicon.actions, "action"),
            ("happens", lexicon.events, "event"),
        ):
            for index, item in enumerate(getattr(event, section)):
                loc = ("case_events", name, section, index)
                if item not in known:
                    problems.append(document.problem(loc, unknown_name(what, item, known)))
                elif section == "dates" and lexicon.facts[item].type not in ("time", "date"):
                    problems.append(document.problem(loc, f"`{item}` is of type {lexicon.facts[item].type}, not a time"))
    return problems
