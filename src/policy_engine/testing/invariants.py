"""Invariants as data: laws of a domain that every place and day must keep, read from a rulebook's `invariants.yaml`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from policy_engine.engine import Engine
from policy_engine.language.conditions import ConditionError
from policy_engine.language.facts import FactValue
from policy_engine.language.models import InForce, Model, Name, OneOrMore, RawCondition
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rules import Layer
from policy_engine.language.tree import FALSE, TRUE, AllOf, Negation, Tree
from policy_engine.language.typing_facts import FactTyper
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.yamlfile import Document, Loc, read
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.status import CODES
from policy_engine.testing.landscape import Landscape, Spot, matches

FILE = "invariants.yaml"
Kind = Literal["always", "never", "monotone", "irrelevant", "same-as", "refines"]
StatusName = Literal["required", "permitted", "prohibited", "conflict"]
Statuses = Annotated[tuple[StatusName, ...], Field(min_length=1), BeforeValidator(lambda value: value if isinstance(value, list) else [value])]
Patterns = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(lambda value: value if isinstance(value, list) else [value])]
NEEDS: dict[str, tuple[str, ...]] = {
    "always": ("status",),
    "never": ("status",),
    "monotone": ("change", "from", "to"),
    "irrelevant": ("facts",),
    "same-as": ("given", "as"),
    "refines": ("keeps",),
}


class InvariantModel(Model):
    """One invariant as written."""

    id: Name
    says: str
    kind: Kind
    action: OneOrMore
    when: RawCondition = True
    unless: RawCondition = False
    status: Statuses | None = None
    change: dict[str, Any] | None = None
    from_: Statuses | None = Field(None, alias="from")
    to: Statuses | None = None
    facts: Patterns | None = None
    given: dict[str, Any] | None = None
    as_: dict[str, Any] | None = Field(None, alias="as")
    keeps: Statuses | None = None
    jurisdictions: tuple[str, ...] = ()
    agencies: tuple[Name, ...] = ()
    on: InForce | None = None

    @model_validator(mode="after")
    def _complete(self) -> InvariantModel:
        fields = {"from": self.from_, "as": self.as_}
        for kind, keys in NEEDS.items():
            for key in keys:
                given = fields.get(key, getattr(self, key, None)) is not None
                if given and key not in NEEDS[self.kind]:
                    raise ValueError(f"`{key}` does not belong to kind `{self.kind}`, which takes {', '.join(f'`{item}`' for item in NEEDS[self.kind])}")
                if not given and kind == self.kind:
                    raise ValueError(f"kind `{self.kind}` needs `{key}`")
        return self


class InvariantsFile(Model):
    """invariants.yaml"""

    invariants: tuple[InvariantModel, ...]


@dataclass(frozen=True)
class Invariant:
    """A law of the domain, resolved.

    Attributes:
        when: where it must hold.
        statuses: for always and never the statuses named; for refines those kept.
        change: monotone: the facts after the change; same-as: the one way of stating the facts.
        other: same-as: the other way.
        steps: monotone: the pairs of statuses, before and after, that must not be.
        facts: irrelevant: patterns of facts that change nothing.
    """

    id: str
    says: str
    kind: Kind
    actions: tuple[str, ...]
    when: Tree
    statuses: frozenset[int] = frozenset()
    change: Mapping[str, FactValue] | None = None
    other: Mapping[str, FactValue] | None = None
    steps: frozenset[tuple[int, int]] = frozenset()
    facts: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    first: dt.date = dt.date.min
    last: dt.date = dt.date.max
    file: str = ""
    line: int = 0

    def speaks_of(self, spot: Spot) -> bool:
        """Whether it is about a spot."""
        return matches(spot.place, self.jurisdictions) and (not self.agencies or spot.kind in self.agencies) and spot.first <= self.last and self.first <= spot.last

    def is_about(self, fact: str) -> bool:
        """Whether a fact is one of those that change nothing."""
        return any(fnmatchcase(fact, pattern) for pattern in self.facts)


def read_invariants(engine: Engine, path: Path | None = None) -> list[Invariant]:
    """The invariants of a rulebook, or of another file for it; none where the rulebook has no `invariants.yaml`.

    Raises:
        BadInput: one problem for each fault, with line and column.
    """
    file = path or engine.rulebook.root / FILE
    if path is None and not file.is_file():
        return []
    shown = str(path) if path is not None else f"{engine.rulebook.shown}/{FILE}"
    problems: list[Problem] = []
    found: list[Invariant] = []
    for document in read(file, shown):
        require_mapping(document, FILE)
        reader = _Reader(engine, document, problems)
        for index, model in enumerate(validate(document, InvariantsFile).invariants):
            made = reader.read(model, ("invariants", index))
            if any(made.id == other.id for other in found):
                problems.append(document.problem(("invariants", index, "id"), f"invariant `{made.id}` stands twice"))
            found.append(made)
    if problems:
        raise BadInput(problems)
    return found


class _Reader:
    """Resolves the invariants of one document."""

    def __init__(self, engine: Engine, document: Document, problems: list[Problem]) -> None:
        self.engine, self.document, self.problems = engine, document, problems
        self.lexicon = engine.rulebook.lexicon

    def read(self, model: InvariantModel, loc: Loc) -> Invariant:
        for name in model.action:
            self._known("action", name, self.lexicon.actions, (*loc, "action"))
        for name in model.agencies:
            self._known("agency kind", name, self.lexicon.agency_kinds, (*loc, "agencies"))
        for pattern in model.facts or ():
            if not any(fnmatchcase(fact, pattern) for fact in self.lexicon.facts):
                self._known("fact", pattern, self.lexicon.facts, (*loc, "facts"))
        scope = self._scope(model, loc)
        when = self._condition(model.when, scope, (*loc, "when"), "all")
        unless = self._condition(model.unless, scope, (*loc, "unless"), "any")
        span = model.on.span if model.on else None
        return Invariant(
            id=model.id,
            says=model.says,
            kind=model.kind,
            actions=model.action,
            when=when if unless == FALSE else AllOf((when, Negation(unless))),
            statuses=frozenset(map(_code, model.status or model.keeps or ())),
            change=self._facts(model.change if model.change is not None else model.given, (*loc, "change" if model.change is not None else "given")),
            other=self._facts(model.as_, (*loc, "as")),
            steps=frozenset((_code(a), _code(b)) for a in model.from_ or () for b in model.to or ()),
            facts=model.facts or (),
            jurisdictions=model.jurisdictions,
            agencies=model.agencies,
            first=span.start if span else dt.date.min,
            last=span.end if span else dt.date.max,
            file=self.document.file,
            line=self.document.position(loc)[0],
        )

    def _known(self, what: str, name: str, valid: Iterable[str], loc: Loc) -> None:
        if name not in valid:
            self.problems.append(self.document.problem(loc, unknown_name(what, name, valid)))

    def _scope(self, model: InvariantModel, loc: Loc) -> Scope:
        """The vocabulary, with the concepts and classes of the layers that all its places share."""
        paths = [path for path in self.engine.rulebook.all_paths() if matches(path.place.path, model.jurisdictions)]
        if not paths:
            self.problems.append(self.document.problem((*loc, "jurisdictions"), "no place with rules fits these patterns"))
        shared: list[Layer] = [layer for layer in (paths[0].layers if paths else ()) if all(layer in path.layers for path in paths)]
        concepts = {name: tree for layer in shared for name, tree in layer.concepts.items()}
        return Scope(self.lexicon, concepts, {name: tree for layer in shared for name, tree in layer.classes.items()})

    def _condition(self, raw: Any, scope: Scope, loc: Loc, bare_list: str) -> Tree:
        try:
            return resolve(raw, scope, loc, bare_list=bare_list)
        except ConditionError as error:
            self.problems.append(self.document.problem(error.loc or loc, error.message, offset=error.offset))
            return TRUE

    def _facts(self, given: dict[str, Any] | None, loc: Loc) -> dict[str, FactValue] | None:
        if given is None:
            return None
        typer = FactTyper(self.lexicon, dt.UTC, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), self.engine.rulebook.card.agency_fact)
        found: dict[str, FactValue] = {}
        for name, value in given.items():
            if name not in self.lexicon.facts:
                self.problems.append(self.document.problem((*loc, name), unknown_name("fact", name, self.lexicon.facts), key=True))
                continue
            typed = typer.one(self.document, name, value, (*loc, name), self.problems)
            if typed is not None:
                found[name] = typed
        return found


def _code(status: str) -> int:
    return [item.value for item in CODES].index(status)


def noticed_by(landscape: Landscape, invariants: Sequence[Invariant] | None = None) -> Callable[[Law, str, Spot], str | None] | None:
    """What tells which invariant the law of an action breaks; None where a rulebook has no invariants."""
    from policy_engine.testing.prover import Prover

    found = list(invariants) if invariants is not None else read_invariants(landscape.engine)
    if not found:
        return None
    prover = Prover(landscape, found)

    def notices(law: Law, action: str, spot: Spot) -> str | None:
        return next((broken.invariant.id for broken in prover.violations(law, action, spot)), None)

    return notices
