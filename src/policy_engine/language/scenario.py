"""Scenario files: facts, place, day and agency, typed against the vocabulary, with every fault told in its place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from policy_engine.language.facts import FactValue
from policy_engine.language.models import Model, Name, OneOrMore
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.times import parse_time
from policy_engine.language.typing_facts import FactTyper
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.yamlfile import Document, Loc, parse, read_text


def _time(value: object) -> object:
    found = parse_time(value)
    if found is None:
        raise ValueError(f"found `{value}`; a time is written 2026-03-02T14:00 (local to the place) or 2026-03-02T14:00-08:00")
    return found


Time = Annotated[Any, BeforeValidator(_time), WithJsonSchema({"type": "string", "description": "2026-03-02T14:00, local to the place unless it has an offset"})]


class Agency(Model):
    """Who decides: its kind or kinds, its name, and the function in which it acts."""

    kind: OneOrMore
    name: str | None = None
    function: str | None = None


class ScenarioModel(Model):
    """One scenario as written."""

    id: Name
    title: str = ""
    as_of: Time
    jurisdiction: str
    agency: Agency
    facts: dict[str, Any] = {}
    assume: dict[str, bool] = {}
    actions: tuple[Name, ...] = ()
    expect: dict[str, Literal["required", "permitted", "prohibited", "conflict", "undetermined", "not_its_act"]] = {}
    expect_candidates: dict[str, tuple[Literal["required", "permitted", "prohibited", "conflict"], ...]] = {}
    source: str | None = None
    why: str | None = None
    confidence: Literal["high", "medium", "low"] | None = None
    tags: tuple[str, ...] = ()


class ScenarioBase(Model):
    """A base and the cases that vary it: each case's keys are laid over the base, facts one by one."""

    base: dict[str, Any]
    cases: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]


@dataclass(frozen=True)
class Scenario:
    """A scenario ready to be decided: names found, values typed, times made absolute.

    Attributes:
        as_of: the moment of the decision, aware.
        kinds: the agency's kinds.
        facts: what was given or found in the registry; absent facts are left to presumptions.
        registry: the names of the facts that were found in the registry.
        assume: questions of law pinned to an answer.
        expect: the status each named action should have.
    """

    id: str
    as_of: dt.datetime
    jurisdiction: str
    kinds: frozenset[str]
    facts: Mapping[str, FactValue]
    assume: Mapping[str, bool] = field(default_factory=dict)
    title: str = ""
    agency_name: str | None = None
    actions: tuple[str, ...] = ()
    expect: Mapping[str, str] = field(default_factory=dict)
    expect_candidates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str | None = None
    why: str | None = None
    file: str = ""
    registry: frozenset[str] = frozenset()

    @property
    def given(self) -> dict[str, FactValue]:
        """The facts without those found in the registry."""
        return {name: value for name, value in self.facts.items() if name not in self.registry}

    def with_facts(self, changes: Mapping[str, FactValue | None]) -> Scenario:
        """The scenario with some facts changed; None takes a fact out."""
        facts = {name: value for name, value in {**self.facts, **changes}.items() if value is not None}
        return replace(self, facts=facts, registry=self.registry - changes.keys())

    def with_registry(self, found: Mapping[str, FactValue]) -> Scenario:
        """The scenario with the registry's facts beside those given, which win."""
        return replace(self, facts={**found, **self.facts}, registry=frozenset(found.keys() - self.facts.keys()))

    def at(self, as_of: dt.datetime) -> Scenario:
        """The scenario at another moment, as it was given: the registry speaks anew for its day."""
        return replace(self, as_of=as_of, facts=self.given, registry=frozenset())


def is_case_file(path: Path) -> bool:
    """Whether a YAML file holds events, told by its first keys."""
    try:
        return re.search(r"^events:", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    except (OSError, UnicodeDecodeError):
        return False


def scenarios_in(path: Path, rulebook: Rulebook, name: str | None = None) -> list[Scenario]:
    """Every scenario of a file.

    Raises:
        BadInput: one problem for each fault.
    """
    shown = name or str(path)
    documents = parse(read_text(path, shown), shown)
    if not documents:
        raise BadInput.one("the file is empty; a scenario needs at least id, as_of, jurisdiction and agency", shown, 1, 1)
    problems: list[Problem] = []
    found: list[Scenario] = []
    seen: dict[str, int] = {}
    for document in documents:
        try:
            for item in _expand(document):
                scenario = scenario_in(item, rulebook)
                line = item.position(())[0]
                if scenario.id in seen:
                    problems.append(item.problem(("id",), f"scenario `{scenario.id}` stands twice in this file (first on line {seen[scenario.id]})"))
                seen.setdefault(scenario.id, line)
                found.append(scenario)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return found


def scenario_of(data: Mapping[str, Any], rulebook: Rulebook, name: str = "scenario") -> Scenario:
    """A scenario from a mapping such as `json.load` gives.

    Raises:
        BadInput: one problem for each fault, without positions.
    """
    return scenario_in(Document(name, dict(data), None), rulebook)


@dataclass(frozen=True, slots=True)
class _Case(Document):
    """A case laid over its base: positions are looked up in the case first, then in the base."""

    index: int = 0

    def position(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        whole = Document(self.file, None, self.node)
        case = whole.position(("cases", self.index, *loc), key=key)
        above = whole.position(("cases", self.index, *loc[:-1])) if loc else None
        if loc and case == above:
            base = whole.position(("base", *loc), key=key)
            return base if base != whole.position(("base", *loc[:-1])) else case
        return case


def _expand(document: Document) -> Iterator[Document]:
    require_mapping(document, "a scenario")
    if "base" not in document.data and "cases" not in document.data:
        yield document
        return
    model = validate(document, ScenarioBase)
    for index, case in enumerate(model.cases):
        yield _Case(document.file, _overlay(model.base, case), document.node, index)


def _overlay(base: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in case.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _overlay(merged[key], value)
        else:
            merged[key] = value
    return merged


def scenario_in(document: Document, rulebook: Rulebook) -> Scenario:
    """The scenario that a document holds.

    Raises:
        BadInput: one problem for each fault.
    """
    model = validate(document, ScenarioModel)
    problems: list[Problem] = []
    lexicon = rulebook.lexicon

    def known(loc: Loc, what: str, names: Mapping[str, Any] | tuple[str, ...], valid: Mapping[str, Any]) -> None:
        for name in names:
            if name not in valid:
                problems.append(document.problem((*loc, name), unknown_name(what, name, valid), key=True))

    if model.jurisdiction not in rulebook.places.by_path and model.jurisdiction not in rulebook.places.aliases:
        raise BadInput([document.problem(("jurisdiction",), rulebook.places.unknown(model.jurisdiction))])
    place = rulebook.places.find(model.jurisdiction)
    zone = rulebook.places.zone(place)
    for kind in model.agency.kind:
        if kind not in lexicon.agency_kinds:
            problems.append(document.problem(("agency", "kind"), unknown_name("agency kind", kind, lexicon.agency_kinds)))
    known(("expect",), "action", model.expect, lexicon.actions)
    known(("expect_candidates",), "action", model.expect_candidates, lexicon.actions)
    known(("assume",), "question of law", model.assume, lexicon.questions)
    for index, name in enumerate(model.actions):
        if name not in lexicon.actions:
            problems.append(document.problem(("actions", index), unknown_name("action", name, lexicon.actions)))
    written = model.as_of
    if not isinstance(written, dt.datetime):
        written = dt.datetime.combine(written, dt.time(12))
    as_of = written if written.tzinfo else written.replace(tzinfo=zone)
    typer = FactTyper(lexicon, zone, as_of, rulebook.card.agency_fact)
    facts = typer.facts(document, model.facts, problems)
    if model.agency.name is not None and "agency.name" in lexicon.facts:
        facts["agency.name"] = model.agency.name
    if model.agency.function is not None:
        typed = typer.one(document, "agency.function", model.agency.function, ("agency", "function"), problems)
        if typed is not None:
            facts["agency.function"] = typed
    if problems:
        raise BadInput(problems)
    return Scenario(
        id=model.id,
        as_of=as_of,
        jurisdiction=place.path,
        kinds=frozenset(model.agency.kind),
        facts=facts,
        assume=model.assume,
        title=model.title,
        agency_name=model.agency.name,
        actions=model.actions,
        expect=model.expect,
        expect_candidates=model.expect_candidates,
        source=model.source,
        why=model.why,
        file=document.file,
    )
