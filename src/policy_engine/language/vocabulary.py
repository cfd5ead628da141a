"""The vocabulary of a rulebook: facts, actions, ranks, questions of law, terms and dispositions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from policy_engine.language.models import Day, Model, Name, RawCondition, Within

FactType = Literal["bool", "enum", "set", "number", "time", "date", "text", "term", "list"]


class PresumedValue(Model):
    """A value taken for an absent fact, where `when` holds and one of the facts in `when_given` was stated."""

    value: Any
    when: RawCondition = True
    when_given: tuple[str, ...] = ()


class FieldType(Model):
    """The type of a field of a record."""

    type: Literal["bool", "enum", "number", "date", "text", "term"]
    values: tuple[str, ...] = ()
    unit: str | None = None
    taxonomy: Name | None = None
    presume: Any = None

    @model_validator(mode="after")
    def _complete(self) -> FieldType:
        if self.type == "enum" and not self.values:
            raise ValueError("an enum needs its `values`")
        return self


def _presumptions(value: object) -> object:
    if value is None or (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
        return value
    return [{"value": value}]


class Fact(Model):
    """A named, typed input of a decision."""

    type: FactType
    ask: str
    values: tuple[str, ...] = ()
    unit: str | None = None
    presume: Annotated[tuple[PresumedValue, ...] | None, BeforeValidator(_presumptions)] = None
    same_as: Name | None = None
    record: dict[Name, FieldType] = {}
    dated_by: Name | None = None
    ignored_when: tuple[str, ...] = ()
    taxonomy: Name | None = None
    kept: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Fact:
        if self.type == "enum" and not self.values:
            raise ValueError("an enum needs its `values`")
        if self.type == "list" and not self.record:
            raise ValueError("a list needs the fields of its `record`")
        if self.type == "list" and self.dated_by and self.dated_by not in self.record:
            raise ValueError(f"`dated_by` names `{self.dated_by}`, which is no field of the record")
        return self


class Question(Model):
    """A question of law. A holding settles it if its rank is in `settled_by` (empty: any rank)."""

    ask: str
    settled_by: tuple[Name, ...] = ()
    covers: tuple[Name, ...] = ()


class Action(Model):
    """An act that is judged. `by` names the kinds of agency whose act it is."""

    says: str
    default: Literal["permitted", "prohibited"]
    default_authority: Name
    default_why: str = ""
    covers: tuple[Name, ...] = ()
    by: tuple[Name, ...] = Field(min_length=1)


class AgencyKind(Model):
    """A kind of agency; `local_rules: false` if the rules of a place never bind it."""

    says: str = ""
    local_rules: bool = True


class Rank(Model):
    """A place in the order of sources."""

    name: Name
    says: str = ""
    grants: bool
    named_only: bool = False


class Term(Model):
    """A plain name, with other names for the same thing."""

    aliases: tuple[Name, ...] = ()


class Event(Model):
    """Something that duties follow: how to tell from the facts that it happened, and the time fact that dates it."""

    says: str = ""
    when: RawCondition = False
    starts: Name | None = None


class CaseEvent(Model):
    """Something that happens in a live case, and what it does to the facts.

    `sets` gives facts their values, `dates` are time facts that take the event's own time, `clears` are facts that are
    no longer known; `needs` must be stated with it. `does` and `refrains` name the actions that it reports as done or
    not done; `ends` those that cannot go on after it, so that their clocks stop. `happens` are the events, on which
    duties hang, that it is.
    """

    says: str = ""
    sets: dict[str, Any] = {}
    dates: tuple[Name, ...] = ()
    clears: tuple[Name, ...] = ()
    needs: tuple[Name, ...] = ()
    does: tuple[Name, ...] = ()
    refrains: tuple[Name, ...] = ()
    ends: tuple[Name, ...] = ()
    happens: tuple[Name, ...] = ()


class DispositionRow(Model):
    """One row of a first-match table: what to say where `when` holds."""

    when: RawCondition = True
    say: str


class Disposition(Model):
    """One part of the headline: the first row that holds gives its words."""

    part: Name
    rows: tuple[DispositionRow, ...]


class FactsFile(Model):
    """vocabulary/facts.yaml"""

    facts: dict[Name, Fact]


class QuestionsFile(Model):
    """vocabulary/questions.yaml"""

    questions: dict[Name, Question]


class ActionsFile(Model):
    """vocabulary/actions.yaml"""

    agency_kinds: dict[Name, AgencyKind]
    actions: dict[Name, Action]


class RanksFile(Model):
    """vocabulary/ranks.yaml"""

    ranks: tuple[Rank, ...] = Field(min_length=1)
    authority_kinds: tuple[Name, ...] = Field(min_length=1)


class TermsFile(Model):
    """A file of terms, such as vocabulary/offenses.yaml"""

    taxonomy: Name
    names: dict[Name, Term | None]


class EventsFile(Model):
    """vocabulary/events.yaml"""

    events: dict[Name, Event]


class CaseEventsFile(Model):
    """vocabulary/case_events.yaml"""

    case_events: dict[Name, CaseEvent]


class DispositionsFile(Model):
    """vocabulary/dispositions.yaml"""

    dispositions: tuple[Disposition, ...]


class CalendarSource(Model):
    """A calendar of public holidays of the `holidays` library."""

    country: str
    subdivision: str | None = None
    categories: tuple[str, ...] = ()


class Law(Model):
    """What must hold wherever a norm of some jurisdictions, effect and ranks applies to some agencies; `lint` holds every rule to it."""

    id: Name
    says: str
    jurisdictions: tuple[str, ...]
    effect: Literal["require", "forbid", "permit"]
    ranks: tuple[Name, ...]
    binds: tuple[Name, ...] = ()
    implies: RawCondition


class Research(Model):
    """How dossiers of research are laid out: sections whose entries have an `id`, and sections whose entries are numbered under a word."""

    named: tuple[str, ...] = ()
    numbered: dict[str, str] = {}


class LeftOut(Model):
    """Entries of the research that no rule carries, with the reason."""

    ids: tuple[str, ...] = Field(min_length=1)
    why: str = Field(min_length=12)


class LeftOutFile(Model):
    """left_out.yaml"""

    left_out: tuple[LeftOut, ...] = ()


class Given(Model):
    """Where a registry table finds the value of a fact: in a column, or always the same."""

    column: str | None = None
    value: Any = None

    @model_validator(mode="after")
    def _one(self) -> Given:
        if (self.column is None) == (self.value is None):
            raise ValueError("give a `column` or a `value`")
        return self


class TableCheck(Model):
    """How to hold a table against the law: the action its rows show was done, and the column with the agency's kind."""

    action: Name
    kind: str


class RegistryTable(Model):
    """A table of dated rows that give facts: to scenarios of their place, or of an agency that `match` names (column: fact).

    `below`: rows hold in the places under theirs too. `known_to`: the last day of which an open row speaks.
    """

    file: str
    says: str = ""
    source: str = ""
    place: str = "place"
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    known_to: Day = None
    below: bool = False
    match: dict[str, Name] = {}
    gives: dict[Name, Given]
    check: TableCheck | None = None


class Registry(Model):
    """The tables that name every place, and those that give facts."""

    places: tuple[str, ...] = ()
    tables: dict[Name, RegistryTable] = {}


class RulebookFile(Model):
    """rulebook.yaml: name, version and the settings read before any law."""

    name: str
    version: str
    checked: Any = None
    licence: str = ""
    says: str = ""
    notice: str = ""
    registry: Registry = Registry()
    research: Research = Research()
    laws: tuple[Law, ...] = ()
    calendars: dict[Name, CalendarSource] = {}
    workdays: Within = Field(default_factory=lambda: Within(hours=0, days=0))
    agency_fact: Name = "agency.kind"
