"""One jurisdiction's rule files read, checked and resolved into a `Layer`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy_engine.language.conditions import ConditionError
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.models import RuleFile, TermClass, spans_of
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.resolve import Scope, resolve, resolve_record
from policy_engine.language.rules import HoldingRule, Layer, NormRule, RuleBase, Source
from policy_engine.language.sections import Converter, check_spans
from policy_engine.language.times import ALWAYS_IN_FORCE
from policy_engine.language.tree import FALSE, AllOf, AnyOf, ClassTest, FieldTest, QuestionTest, Tree, Value, walk
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.yamlfile import Document, Loc, parse, read_text


@dataclass(slots=True)
class Above:
    """What the layers above on the path declare."""

    sources: dict[str, Source] = field(default_factory=dict)
    concepts: dict[str, Tree] = field(default_factory=dict)
    classes: dict[str, Tree] = field(default_factory=dict)
    norms: dict[str, NormRule] = field(default_factory=dict)
    rules: dict[str, RuleBase] = field(default_factory=dict)
    paths: tuple[str, ...] = ()

    @classmethod
    def of(cls, layers: Iterable[Layer]) -> Above:
        """The declarations of `layers`, outermost first."""
        above = cls()
        for layer in layers:
            above.sources |= layer.sources
            above.concepts |= layer.concepts
            above.classes |= layer.classes
            above.norms |= {norm.id: norm for norm in layer.norms}
            above.rules |= {rule.id: rule for rule in layer.rules}
            above.paths += (layer.jurisdiction,)
        return above


@dataclass(slots=True)
class _Part:
    document: Document
    model: RuleFile


def load_layer(jurisdiction: str, files: Sequence[tuple[Path, str]], lexicon: Lexicon, calendars: frozenset[str], above: Above, below: Callable[[str], bool]) -> Layer:
    """The layer of `jurisdiction` from its files (path, name shown). `below` tells whether a place lies under it.

    Raises:
        BadInput: every fault of every file.
    """
    problems: list[Problem] = []
    parts: list[_Part] = []
    digests: list[str] = []
    for path, shown in files:
        try:
            text = read_text(path, shown)
            digests.append(hashlib.sha256(text.encode()).hexdigest())
            for document in parse(text, shown):
                parts.append(_part(document, jurisdiction))
        except BadInput as error:
            problems.extend(error.problems)
    if problems:  # what the unreadable parts declare would be missed all over the others
        raise BadInput(problems)
    loader = _Loader(jurisdiction, lexicon, above, problems)
    loader.declare(parts)
    converter = Converter(jurisdiction, lexicon, calendars, loader.sources, loader.scope, above.paths, problems, below)
    for part in parts:
        converter.convert(part.document, part.model)
    loader.check_links(parts, converter)
    if problems:
        raise BadInput(problems)
    name = next((part.model.name for part in parts if part.model.name), jurisdiction)
    return Layer(
        jurisdiction,
        name,
        tuple(shown for _, shown in files),
        tuple(digests),
        loader.own_sources,
        loader.own_concepts,
        loader.own_classes,
        tuple(converter.norms),
        tuple(converter.preemptions),
        tuple(converter.holdings),
        tuple(converter.duties),
        tuple(converter.clocks),
        tuple(converter.exposures),
        tuple(converter.notes),
        _meanings(parts),
        next((part.model.says for part in parts if part.model.says), ""),
    )


def _meanings(parts: Sequence[_Part]) -> dict[str, str]:
    """What concepts and classes mean, where their file says so."""
    found: dict[str, str] = {}
    for part in parts:
        found |= {name: str(raw["says"]) for name, raw in part.model.concepts.items() if isinstance(raw, dict) and raw.get("says")}
        found |= {name: item.says for name, item in part.model.classes.items() if item.says}
    return found


def _part(document: Document, jurisdiction: str) -> _Part:
    require_mapping(document, "a rule file")
    model = validate(document, RuleFile)
    if model.jurisdiction != jurisdiction:
        raise BadInput([document.problem(("jurisdiction",), f"found `{model.jurisdiction}`; the folder says `{jurisdiction}`")])
    return _Part(document, model)


class _Loader:
    """Declares authorities, concepts and classes before any rule is resolved."""

    def __init__(self, jurisdiction: str, lexicon: Lexicon, above: Above, problems: list[Problem]) -> None:
        self.jurisdiction, self.lexicon, self.above, self.problems = jurisdiction, lexicon, above, problems
        self.sources: dict[str, Source] = dict(above.sources)
        self.own_sources: dict[str, Source] = {}
        self.own_concepts: dict[str, Tree] = {}
        self.own_classes: dict[str, Tree] = {}
        self.concepts: dict[str, Tree] = dict(above.concepts)
        self.classes: dict[str, Tree] = dict(above.classes)
        self.scope = Scope(lexicon, self.concepts, self.classes, self._pending_concept)
        self._raw: dict[str, tuple[_Part, Any]] = {}
        self._raw_classes: dict[str, tuple[_Part, TermClass]] = {}
        self._open: list[str] = []

    def declare(self, parts: list[_Part]) -> None:
        for part in parts:
            for name, authority in part.model.authorities.items():
                loc: Loc = ("authorities", name)
                if name in self.sources:
                    self.problems.append(part.document.problem(loc, f"authority `{name}` is declared twice on this path", key=True))
                    continue
                self._declare_source(part, name, authority, loc)
            for name, raw in part.model.concepts.items():
                self._declare(part, name, raw, self._raw, self.concepts, "concepts")
            for name, term_class in part.model.classes.items():
                self._declare(part, name, term_class, self._raw_classes, self.classes, "classes")
        for name in self._raw_classes:
            self._class(name)
        for name in self._raw:
            self._pending_concept(name)

    def _declare(self, part: _Part, name: str, raw: Any, into: dict[str, Any], known: dict[str, Tree], section: str) -> None:
        if name in into or name in known:
            self.problems.append(part.document.problem((section, name), f"`{name}` is declared twice on this path", key=True))
        elif section == "concepts" and (name in self.lexicon.facts or name in self.lexicon.questions):
            self.problems.append(part.document.problem((section, name), f"concept `{name}` has the name of a fact", key=True))
        else:
            into[name] = (part, raw)

    def _declare_source(self, part: _Part, name: str, authority: Any, loc: Loc) -> None:
        if authority.rank not in self.lexicon.rank_order:
            self.problems.append(part.document.problem((*loc, "rank"), unknown_name("rank", authority.rank, self.lexicon.rank_order)))
        if authority.kind not in self.lexicon.authority_kinds:
            self.problems.append(part.document.problem((*loc, "kind"), unknown_name("kind of authority", authority.kind, self.lexicon.authority_kinds)))
        spans = spans_of(authority.in_force) or ALWAYS_IN_FORCE
        check_spans(part.document, (*loc, "in_force"), spans, self.problems)
        source = Source(
            name,
            authority.cite,
            authority.name,
            authority.kind,
            authority.rank,
            authority.status,
            spans,
            authority.url,
            authority.confidence,
            self.jurisdiction,
            authority.history,
        )
        self.sources[name] = self.own_sources[name] = source

    def _pending_concept(self, name: str) -> Tree | None:
        """The concept, resolved now if its turn has not come; None if there is none."""
        if name in self.concepts:
            return self.concepts[name]
        if name not in self._raw:
            return None
        part, raw = self._raw[name]
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise ConditionError(f"concepts name each other in a circle: {cycle}", ())
        self._open.append(name)
        loc: Loc = ("concepts", name)
        body = raw
        if isinstance(raw, dict) and "is" in raw:
            body, loc = raw["is"], (*loc, "is")
            for key in set(raw) - {"is", "says", "authority"}:
                self.problems.append(part.document.problem(("concepts", name, key), unknown_name("key", key, ["is", "says", "authority"]), key=True))
        tree: Tree = FALSE
        try:
            tree = resolve(body, self.scope, loc)
        except ConditionError as error:
            self.problems.append(condition_problem(part.document, error, loc))
        self._open.pop()
        self.concepts[name] = self.own_concepts[name] = tree
        return tree

    def _class(self, name: str) -> Tree:
        if name in self.classes:
            return self.classes[name]
        part, raw = self._raw_classes[name]
        document, loc = part.document, ("classes", name)
        if raw.authority not in self.sources:
            self.problems.append(document.problem((*loc, "authority"), unknown_name("authority", raw.authority, self.sources)))
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            self.problems.append(document.problem((*loc, "includes"), f"classes include each other in a circle: {cycle}"))
            return FALSE
        self._open.append(name)
        body = self._class_body(document, raw, loc)
        self._open.pop()
        self.classes[name] = self.own_classes[name] = body
        return body

    def _class_body(self, document: Document, raw: TermClass, loc: Loc) -> Tree:
        found = next(((owner, fact, key, kind) for owner, fact in self.lexicon.facts.items() for key, kind in fact.record.items() if kind.type == "term"), None)
        if found is None:
            self.problems.append(document.problem(loc, "no list fact has a field of type term, so classes have nothing to group", key=True))
            return FALSE
        owner, _, term_field, kind = found
        plain: set[Value] = set()
        parts: list[Tree] = []
        for index, member in enumerate(raw.members):
            here: Loc = (*loc, "members", index)
            word = member.get(term_field) if isinstance(member, dict) else member
            extra = set(member) - {term_field, "where"} if isinstance(member, dict) else set()
            term = self.lexicon.term(kind.taxonomy or "", word) if isinstance(word, str) else None
            if extra:
                self.problems.append(document.problem(here, unknown_name("key", sorted(extra)[0], [term_field, "where"])))
            elif term is None:
                self.problems.append(document.problem(here, unknown_name(term_field, str(word), self.lexicon.terms.get(kind.taxonomy or "", {}))))
            elif isinstance(member, dict) and "where" in member:
                parts.append(AllOf((FieldTest(term_field, frozenset([term])), self._where(document, owner, member["where"], (*here, "where")))))
            else:
                plain.add(term)
        if plain:
            parts.insert(0, FieldTest(term_field, frozenset(plain)))
        own: Tree = AnyOf(tuple(parts))
        if raw.where is not True:
            own = AllOf((own, self._where(document, owner, raw.where, (*loc, "where"))))
        included: list[Tree] = []
        for index, other in enumerate(raw.includes):
            if other not in self.classes and other not in self._raw_classes:
                known = [*self.classes, *self._raw_classes]
                self.problems.append(document.problem((*loc, "includes", index), unknown_name("class", other, known)))
            else:
                included.append(ClassTest(other, self._class(other)))
        return AnyOf((own, *included)) if included else own

    def _where(self, document: Document, owner: str, raw: Any, loc: Loc) -> Tree:
        """A condition on records, without the tests that hide ignored records: those belong to the list test."""
        try:
            return resolve_record(raw, owner, self.scope, loc)
        except ConditionError as error:
            self.problems.append(condition_problem(document, error, loc))
            return FALSE

    def check_links(self, parts: list[_Part], converter: Converter) -> None:
        """Overrides and overrulings: known, on the same action, not upwards, not in a circle; no id twice."""
        norms = self.above.norms | {norm.id: norm for norm in converter.norms}
        seen: dict[str, str] = {name: rule.file for name, rule in self.above.rules.items()}
        for rule, document, loc in converter.placed:
            if rule.id in seen:
                self.problems.append(document.problem((*loc, "id"), f"id `{rule.id}` is used twice on this path (also in {seen[rule.id]})"))
            seen[rule.id] = document.file
            if isinstance(rule, NormRule):
                self._check_overrides(rule, document, loc, norms)
        holdings = {rule.id for rule, _, _ in converter.placed} | set(self.above.rules)
        for holding, document, loc in converter.placed:
            for index, other in enumerate(getattr(holding, "overrules", ())):
                if other not in holdings:
                    self.problems.append(document.problem((*loc, "overrules", index), unknown_name("holding", other, holdings)))
        self._check_circles(converter, norms)
        self._check_question_circles(converter)

    def _check_overrides(self, norm: NormRule, document: Document, loc: Loc, norms: dict[str, NormRule]) -> None:
        for index, other_id in enumerate(norm.overrides):
            here = (*loc, "overrides", index)
            other = norms.get(other_id)
            if other is None:
                self.problems.append(document.problem(here, unknown_name("norm (in this file or above it on the path)", other_id, norms)))
            elif not set(other.actions) & set(norm.actions):
                self.problems.append(document.problem(here, f"`{other_id}` speaks of {', '.join(other.actions)}, not of {', '.join(norm.actions)}"))
            elif other.rank < norm.rank:
                self.problems.append(document.problem(here, f"`{other_id}` has the higher rank {other.source.rank}; only the same or a lower rank can be overridden"))

    def _check_circles(self, converter: Converter, norms: dict[str, NormRule]) -> None:
        places = {rule.id: (document, loc) for rule, document, loc in converter.placed}
        done: set[str] = set()

        def visit(name: str, trail: list[str]) -> None:
            if name in trail:
                circle = [*trail[trail.index(name) :], name]
                document, loc = places[next(item for item in circle if item in places)]
                self.problems.append(document.problem((*loc, "overrides"), f"norms override each other in a circle: {' -> '.join(circle)}"))
                done.update(circle)
                return
            if name in done or name not in norms:
                return
            for other in norms[name].overrides:
                visit(other, [*trail, name])
            done.add(name)

        for name in places:
            if name in norms:
                visit(name, [])

    def _check_question_circles(self, converter: Converter) -> None:
        """A holding may ask other questions, but no question may hang on itself; nor may holdings overrule each other in a circle."""
        holdings = [rule for rule in (*self.above.rules.values(), *converter.holdings) if isinstance(rule, HoldingRule)]
        places = {rule.id: (document, loc) for rule, document, loc in converter.placed}
        asked: dict[str, set[str]] = {}
        over: dict[str, set[str]] = {}
        for item in holdings:
            names = {test.question for tree in (item.when, item.unless) for test in walk(tree) if isinstance(test, QuestionTest)}
            asked.setdefault(item.settles, set()).update(names)
            over.setdefault(item.id, set()).update(item.overrules)
        for item in holdings:
            if item.id not in places:
                continue
            document, loc = places[item.id]
            if item.settles in reachable(asked, item.settles):
                self.problems.append(document.problem((*loc, "when"), f"the answer to `{item.settles}` hangs on itself"))
            if item.id in reachable(over, item.id):
                self.problems.append(document.problem((*loc, "overrules"), f"holding `{item.id}` overrules itself in a circle"))


def reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    """What can be reached from a name by one edge or more."""
    found: set[str] = set()
    stack = list(edges.get(start, ()))
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(edges.get(name, ()))
    return found


def condition_problem(document: Document, error: ConditionError, fallback: Loc) -> Problem:
    """A fault in a condition, at its place."""
    return document.problem(error.loc or fallback, error.message, offset=error.offset)
