"""Mutants: a rulebook with one small fault planted in a norm, preemption, holding or concept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from policy_engine.language.lexicon import Lexicon
from policy_engine.language.rulebook import LawPath
from policy_engine.language.rules import HoldingRule, Layer, NormRule, PreemptionRule, RuleBase
from policy_engine.language.times import FIRST, LAST, Span, Spans
from policy_engine.language.tree import QuestionTest, Tree
from policy_engine.reasoning.regime import tests_of
from policy_engine.testing.edits import concepts_in, edits, exceptions, with_concept

EFFECT, DATE, BOUND, RANK = "effect flipped", "date moved by a day", "bound agency removed", "rank lowered"
FLIPPED = {"require": "forbid", "forbid": "require", "permit": "forbid"}
DAY = dt.timedelta(days=1)
R = TypeVar("R", bound=RuleBase)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault.

    Attributes:
        id: the rule or concept, and the number of the fault in it.
        operator: the kind of fault.
        told: what was changed.
        jurisdiction: the layer that it is planted in.
        rule: the rule before and after; None where a concept is changed.
        concept: the name and the new body of a changed concept.
        actions: the actions whose outcome it may change.
        days: the days on which it may show, where it shows on some days only.
        kinds: the kinds of agency for which it may show, where it shows for some only.
    """

    id: str
    operator: str
    told: str
    jurisdiction: str
    file: str
    line: int
    actions: tuple[str, ...]
    rule: tuple[RuleBase, RuleBase] | None = None
    concept: tuple[str, Tree] | None = None
    days: tuple[dt.date, ...] = ()
    kinds: tuple[str, ...] = ()
    _layers: dict[int, tuple[Layer, Layer]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def subject(self) -> str:
        """The rule or concept that holds the fault."""
        return self.id.rpartition("#")[0]

    def path(self, path: LawPath) -> LawPath:
        """A path with the fault in it; the same path where it does not lie on it."""
        names = [layer.jurisdiction for layer in path.layers]
        if self.jurisdiction not in names:
            return path
        first = names.index(self.jurisdiction)
        return replace(path, layers=(*path.layers[:first], *(self._faulty(layer) for layer in path.layers[first:])))

    def _faulty(self, layer: Layer) -> Layer:
        found = self._layers.get(id(layer))
        if found is None:
            found = self._layers[id(layer)] = (layer, self._with_concept(layer) if self.concept else self._with_rule(layer))
        return found[1]

    def _with_rule(self, layer: Layer) -> Layer:
        assert self.rule is not None
        before, after = self.rule
        if layer.jurisdiction != self.jurisdiction:
            return layer
        section = _SECTIONS[type(before)]
        changed: dict[str, Any] = {section: tuple(after if rule is before else rule for rule in getattr(layer, section))}
        return replace(layer, **changed)

    def _with_concept(self, layer: Layer) -> Layer:
        assert self.concept is not None
        name, body = self.concept

        def changed(rules: Sequence[R]) -> tuple[R, ...]:
            return tuple(_with_trees(rule, lambda tree: with_concept(tree, name, body)) for rule in rules)

        return replace(layer, norms=changed(layer.norms), preemptions=changed(layer.preemptions), holdings=changed(layer.holdings))

    def touched(self, layer: Layer) -> Iterator[tuple[RuleBase, RuleBase]]:
        """The rules of a layer that the fault changes, each before and after."""
        faulty = self._faulty(layer)
        for section in _SECTIONS.values():
            for before, after in zip(getattr(layer, section), getattr(faulty, section), strict=True):
                if before is not after:
                    yield before, after


_SECTIONS: dict[type[RuleBase], str] = {NormRule: "norms", PreemptionRule: "preemptions", HoldingRule: "holdings"}


def _with_trees(rule: R, change: Callable[[Tree], Tree]) -> R:
    when, unless = change(rule.when), change(rule.unless)
    return rule if when is rule.when and unless is rule.unless else replace(rule, when=when, unless=unless)


class Planter:
    """Makes the mutants of a rulebook's layers."""

    def __init__(self, lexicon: Lexicon, paths: Sequence[LawPath]) -> None:
        self.lexicon, self.paths = lexicon, paths
        self._asked = _actions_by_question(paths)
        self._concepts = _actions_by_concept(paths, self._asked)

    def mutants(self, layer: Layer) -> Iterator[Mutant]:
        """Every fault of every norm, preemption, holding and concept of a layer."""
        for rule in (*layer.norms, *layer.preemptions, *layer.holdings):
            actions = self._actions(rule)
            if rule.pending or not actions:
                continue
            for number, (operator, told, after, days, kinds) in enumerate(self._faults(rule), 1):
                yield Mutant(f"{rule.id}#{number}", operator, told, layer.jurisdiction, rule.file, rule.line, actions, rule=(rule, after), days=days, kinds=kinds)
        for name, tree in layer.concepts.items():
            actions = tuple(action for action in self.lexicon.actions if action in self._concepts.get(name, ()))
            for number, edit in enumerate(edits(tree), 1):
                if actions:
                    yield Mutant(f"{name}#{number}", edit.operator, edit.told, layer.jurisdiction, layer.files[0], 1, actions, concept=(name, edit.tree))

    def _actions(self, rule: RuleBase) -> tuple[str, ...]:
        if isinstance(rule, HoldingRule):
            return tuple(action for action in self.lexicon.actions if action in self._asked.get(rule.settles, ()))
        wanted: frozenset[str] = frozenset(rule.actions)  # type: ignore[attr-defined]
        return tuple(action for action in self.lexicon.actions if action in wanted)

    def _faults(self, rule: RuleBase) -> Iterator[tuple[str, str, RuleBase, tuple[dt.date, ...], tuple[str, ...]]]:
        if isinstance(rule, NormRule):
            effect = FLIPPED[rule.effect]
            yield EFFECT, f"{rule.effect} becomes {effect}", replace(rule, effect=effect, grants=self._grants(rule.rank) and effect != "forbid"), (), ()
        elif isinstance(rule, HoldingRule):
            yield EFFECT, f"the answer becomes {'no' if rule.answer else 'yes'}", replace(rule, answer=not rule.answer), (), ()
        for edit in (*exceptions(rule.unless), *edits(rule.unless)):
            yield edit.operator, f"unless: {edit.told}", replace(rule, unless=edit.tree), (), ()
        for edit in edits(rule.when):
            yield edit.operator, f"when: {edit.told}", replace(rule, when=edit.tree), (), ()
        for told, spans, day in _moved(rule.in_force):
            yield DATE, told, replace(rule, in_force=spans), (day,), ()
        if rule.binds is not None:
            for kind in sorted(rule.binds):
                yield BOUND, f"{kind} is no longer bound", replace(rule, binds=rule.binds - {kind}), (), (kind,)
        if isinstance(rule, (NormRule, PreemptionRule)) and rule.rank + 1 < len(self.lexicon.ranks):
            yield RANK, f"rank {self._rank(rule.rank)} becomes {self._rank(rule.rank + 1)}", self._lowered(rule), (), ()

    def _rank(self, number: int) -> str:
        return tuple(self.lexicon.ranks)[number]

    def _grants(self, number: int) -> bool:
        return self.lexicon.ranks[self._rank(number)].grants

    def _lowered(self, rule: NormRule | PreemptionRule) -> RuleBase:
        rank = rule.rank + 1
        if isinstance(rule, NormRule) and rule.grants == (self._grants(rule.rank) and rule.effect != "forbid"):
            return replace(rule, rank=rank, grants=self._grants(rank) and rule.effect != "forbid")
        return replace(rule, rank=rank)


def _moved(spans: Spans) -> Iterator[tuple[str, Spans, dt.date]]:
    """Each end of each span moved a day each way: what was done, the spans after, and the day that changes sides."""
    for index, span in enumerate(spans):
        ends = (("begins", span.start, FIRST), ("ends", span.end, LAST))
        for word, day, open_end in ends:
            if day == open_end:
                continue
            for step in (-DAY, DAY):
                start, end = (day + step, span.end) if word == "begins" else (span.start, day + step)
                if start <= end:
                    shown = day + step if (word == "begins") == (step == -DAY) else day
                    yield f"{word} on {day + step}, not {day}", (*spans[:index], Span(start, end), *spans[index + 1 :]), shown


def _actions_by_question(paths: Sequence[LawPath]) -> dict[str, set[str]]:
    """For each question of law the actions whose norms or preemptions ask it, also through holdings."""
    found: dict[str, set[str]] = {}
    holdings: list[HoldingRule] = []
    for layer in _layers(paths):
        holdings += layer.holdings
        for rule, actions in _speaking(layer):
            for test in tests_of(rule):
                if isinstance(test, QuestionTest):
                    found.setdefault(test.question, set()).update(actions)
    grown = True
    while grown:
        grown = False
        for holding in holdings:
            for test in tests_of(holding):
                if isinstance(test, QuestionTest):
                    more = found.get(holding.settles, set()) - found.get(test.question, set())
                    found.setdefault(test.question, set()).update(more)
                    grown = grown or bool(more)
    return found


def _actions_by_concept(paths: Sequence[LawPath], asked: dict[str, set[str]]) -> dict[str, set[str]]:
    """For each concept the actions whose rules use it."""
    found: dict[str, set[str]] = {}
    for layer in _layers(paths):
        for rule, actions in (*_speaking(layer), *((holding, asked.get(holding.settles, set())) for holding in layer.holdings)):
            for tree in (rule.when, rule.unless):
                for name in concepts_in(tree):
                    found.setdefault(name, set()).update(actions)
    return found


def _speaking(layer: Layer) -> Iterator[tuple[RuleBase, set[str]]]:
    """The norms and preemptions of a layer, each with the actions that it speaks of."""
    yield from ((norm, set(norm.actions)) for norm in layer.norms)
    yield from ((item, set(item.actions)) for item in layer.preemptions)


def _layers(paths: Sequence[LawPath]) -> list[Layer]:
    return list({id(layer): layer for path in paths for layer in path.layers}.values())
