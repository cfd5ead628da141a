"""What rule files may hold: the pydantic models of every section, and their JSON Schema."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from policy_engine.language.times import FIRST, LAST, Span, Spans
from policy_engine.language.yamlfile import as_date

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]
Confidence = Literal["high", "medium", "low"]

_CONDITION_SCHEMA: dict[str, Any] = {
    "description": "A test (`fact = value`), a list of conditions, or a mapping with all, any, not, some, at_least or years_before.",
    "anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}, {"type": "boolean"}],
}
RawCondition = Annotated[Any, WithJsonSchema(_CONDITION_SCHEMA)]


def _day(value: object) -> object:
    if value is None:
        return None
    day = as_date(value)
    if day is None:
        raise ValueError(f"found `{value}`; a day is written YYYY-MM-DD")
    return day


Day = Annotated[dt.date | None, BeforeValidator(_day)]


class Model(BaseModel):
    """Base: no unknown keys, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class InForce(Model):
    """A span of days; a missing end is open."""

    from_: Day = Field(None, alias="from")
    to: Day = None

    @model_validator(mode="after")
    def _ordered(self) -> InForce:
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError(f"`to` ({self.to}) is before `from` ({self.from_})")
        return self

    @property
    def span(self) -> Span:
        """The span with open ends filled."""
        return Span(self.from_ or FIRST, self.to or LAST)


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


_NAMES_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_SPAN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"from": {"type": ["string", "null"], "format": "date"}, "to": {"type": ["string", "null"], "format": "date"}},
    "additionalProperties": False,
}
_SPANS_SCHEMA: dict[str, Any] = {"anyOf": [_SPAN_SCHEMA, {"type": "array", "items": _SPAN_SCHEMA}]}
OneOrMore = Annotated[tuple[Name, ...], Field(min_length=1), BeforeValidator(_as_list), WithJsonSchema(_NAMES_SCHEMA)]
SpanList = Annotated[tuple[InForce, ...], BeforeValidator(_as_list), WithJsonSchema(_SPANS_SCHEMA)]


def spans_of(spans: tuple[InForce, ...] | None) -> Spans | None:
    """In-force spans as plain spans; None where a rule gives none of its own."""
    return None if spans is None else tuple(item.span for item in spans)


class Within(Model):
    """A time allowed: hours, days or both, with calendars left out."""

    hours: float = Field(0, ge=0)
    days: float = Field(0, ge=0)
    excluding: tuple[Name, ...] = ()

    @property
    def total_hours(self) -> float:
        """The whole in hours."""
        return self.hours + 24 * self.days


class Authority(Model):
    """A legal source."""

    cite: str
    name: str = ""
    kind: Name
    rank: Name
    in_force: SpanList | None = None
    status: Literal["in_force", "enjoined", "partly_enjoined", "vacated", "repealed", "expired", "pending", "contested"] = "in_force"
    url: str | None = None
    checked: Day = None
    confidence: Confidence = "medium"
    history: str | None = None


class Rule(Model):
    """What norms, preemptions, holdings, duties, clocks and exposures have in common."""

    id: Name
    authority: Name
    pinpoint: str | None = None
    binds: OneOrMore | None = None
    when: RawCondition = True
    unless: RawCondition = False
    in_force: SpanList | None = None
    confidence: Confidence | None = None
    covers: tuple[Name, ...] = ()
    status: str | None = None
    says: str = ""


class Norm(Rule):
    """One legal effect of one authority on one or more actions."""

    require: OneOrMore | None = None
    forbid: OneOrMore | None = None
    permit: OneOrMore | None = None
    overrides: tuple[Name, ...] = ()
    grants: bool | None = None
    rank: Name | None = None
    due: Day = None
    within: Within | None = None
    consequence: str | None = None
    status: Literal["pending"] | None = None

    @model_validator(mode="after")
    def _one_effect(self) -> Norm:
        given = [effect for effect in ("require", "forbid", "permit") if getattr(self, effect)]
        if len(given) != 1:
            found = " and ".join(f"`{effect}`" for effect in given) or "none of them"
            raise ValueError(f"a norm has exactly one of `require`, `forbid`, `permit`; found {found}")
        if (self.due or self.within) and not self.require:
            raise ValueError("`due` and `within` belong to a `require`")
        return self

    @property
    def effect(self) -> str:
        """`require`, `forbid` or `permit`."""
        return "require" if self.require else "forbid" if self.forbid else "permit"

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions it speaks of."""
        return self.require or self.forbid or self.permit or ()


class Selector(Model):
    """Which norms of lower rank a preemption displaces."""

    actions: OneOrMore
    effects: Annotated[tuple[Literal["require", "forbid", "permit"], ...], BeforeValidator(_as_list)]
    ranks: OneOrMore | None = None


class Preemption(Rule):
    """An authority that voids or shields: it displaces lower-ranked norms that its selector matches."""

    displaces: Selector
    rank: Name | None = None
    status: Literal["pending"] | None = None


class Holding(Rule):
    """An authority that settles a question of law for a territory."""

    settles: Name
    as_: bool = Field(alias="as")
    territory: str | None = None
    overrules: tuple[Name, ...] = ()
    weight: Literal["binding", "persuasive", "advisory"] = "binding"
    rank: Name | None = None
    status: Literal["pending"] | None = None


class Trigger(Model):
    """What a duty follows: an event, or an action."""

    event: Name | None = None
    action: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Trigger:
        if bool(self.event) == bool(self.action):
            raise ValueError("`on` names one event or one action: {event: ...} or {action: ...}")
        return self


class Duty(Rule):
    """What must accompany or follow an action or an event. It never makes the action required."""

    on: Trigger
    must: str
    within: Within | None = None
    starts: Name | None = None
    status: Literal["pending"] | None = None


class Clock(Rule):
    """A limit in time that runs from a time fact and is shown with its end."""

    action: Name
    starts: Name
    hours: float = Field(gt=0)
    excluding: tuple[Name, ...] = ()
    status: Literal["pending"] | None = None


class Note(Rule):
    """What a source says about an action without effect on it: an edge, a defence, a warning."""

    action: Name
    status: Literal["pending"] | None = None


class Choice(Model):
    """The choice that an exposure hangs on."""

    action: Name
    choice: Literal["do", "refrain", "adopt_policy"]


class Exposure(Rule):
    """Liability attached to doing an action, to refraining, or to adopting a policy about it."""

    on: Choice
    actor: Literal["agency", "official", "officer", "jurisdiction"]
    kind: Literal["civil_rights_damages", "civil_penalty", "removal_from_office", "criminal", "funding", "injunction", "other"]
    status: Literal["established", "asserted", "unresolved", "not_supported"]
    amount: str | int | float | None = None


class Concept(Model):
    """A named condition with its plain meaning."""

    says: str = ""
    is_: RawCondition = Field(alias="is")
    authority: Name | None = None


class Member(Model):
    """One member of a class, with what is asked of the record beside its name."""

    term: Name
    where: RawCondition = True


class TermClass(Model):
    """A statutory class of terms: members, other classes included in it, and what is asked of every record."""

    authority: Name
    pinpoint: str | None = None
    says: str = ""
    where: RawCondition = True
    members: tuple[Any, ...] = ()
    includes: tuple[Name, ...] = ()


class RuleFile(Model):
    """One file of rules for one jurisdiction."""

    jurisdiction: str
    name: str = ""
    says: str = ""
    checked: Day = None
    authorities: dict[Name, Authority] = {}
    concepts: dict[Name, RawCondition] = {}
    classes: dict[Name, TermClass] = {}
    norms: tuple[Norm, ...] = ()
    preemptions: tuple[Preemption, ...] = ()
    holdings: tuple[Holding, ...] = ()
    duties: tuple[Duty, ...] = ()
    clocks: tuple[Clock, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    notes: tuple[Note, ...] = ()
