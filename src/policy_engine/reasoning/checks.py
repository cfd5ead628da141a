"""Static checks of rules over every completion of the facts: what can never apply, what can never matter, what must hold wherever a rule applies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from policy_engine.language.conditions import ConditionError
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.places import Place
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rulebook import LawPath, Rulebook
from policy_engine.language.rules import Layer, NormRule, RuleBase
from policy_engine.language.times import intersect
from policy_engine.language.tree import FALSE, TRUE, AllOf, AnyOf, ConceptTest, Negation, Tree, walk
from policy_engine.language.vocabulary import Law as LawOfRules
from policy_engine.reasoning.cells import CellBuilder
from policy_engine.reasoning.diagram import Diagrams, TooLarge
from policy_engine.reasoning.law import Kinds, Law
from policy_engine.reasoning.resolution import Resolution

_NOWHERE = LawPath(Place("", ""), (), "")


class Possibility:
    """Tells whether a condition can hold for some completion of the facts and open questions."""

    def __init__(self, lexicon: Lexicon, agency_fact: str) -> None:
        self.lexicon, self.agency_fact = lexicon, agency_fact

    def possible(self, tree: Tree, kinds: Kinds) -> bool:
        """Whether the condition can hold for an agency of these kinds; True where the search is too large to tell."""
        if tree == TRUE:
            return True
        if tree == FALSE:
            return False
        builder = CellBuilder(self.lexicon)
        builder.collect(node for node in walk(tree) if not isinstance(node, ConceptTest))
        builder.elements.pop(self.agency_fact, None)
        builder.order.pop(self.agency_fact, None)
        variables = builder.variables()
        resolution = Resolution(Law(self.lexicon, _NOWHERE, kinds, dt.date.max), variables, {}, self.agency_fact)
        literal = resolution.literal(tree)
        constraint = resolution.constraint(range(len(variables)))
        circuit = resolution.circuit
        store = Diagrams(circuit, circuit.support([literal, constraint]))
        try:
            return store.and_(store.build(literal), store.build(constraint)) != 0
        except TooLarge:
            return True

    def possible_for(self, tree: Tree, binds: Iterable[str]) -> bool:
        """Whether it can hold for an agency of one of the kinds, or of all of them together."""
        kinds = sorted(binds)
        groups = [frozenset([kind]) for kind in kinds] + ([frozenset(kinds)] if len(kinds) > 1 else [])
        return any(self.possible(tree, group) for group in groups)


@dataclass(slots=True)
class Checker:
    """Checks the rules of one layer under the layers above it."""

    rulebook: Rulebook
    possibility: Possibility

    @classmethod
    def of(cls, rulebook: Rulebook) -> Checker:
        """A checker for a rulebook."""
        return cls(rulebook, Possibility(rulebook.lexicon, rulebook.card.agency_fact))

    def check(self, layers: Sequence[Layer]) -> Iterator[Problem]:
        """The problems of the last layer's rules.

        Raises:
            BadInput: a law of the rulebook's card that cannot be read.
        """
        layer = layers[-1]
        for rule in layer.rules:
            yield from list(self._never(rule)) or self._idle(rule)
        yield from self._doubles(layer.norms)
        for law in self.rulebook.card.laws:
            if any(fnmatch(layer.jurisdiction, pattern) for pattern in law.jurisdictions):
                yield from self._law(law, layers)

    def _kinds(self, rule: RuleBase) -> frozenset[str]:
        return rule.binds if rule.binds is not None else frozenset(self.rulebook.lexicon.agency_kinds)

    def _never(self, rule: RuleBase) -> Iterator[Problem]:
        kinds = self._kinds(rule)
        if isinstance(rule, NormRule):
            for action in rule.actions:
                by = frozenset(self.rulebook.lexicon.actions[action].by)
                if not by & kinds:
                    yield _problem(rule, f"binds no agency whose act `{action}` is [never-applies]")
        if not self.possibility.possible_for(AllOf((rule.when, Negation(rule.unless))), kinds):
            yield _problem(rule, "can never apply: no facts make its conditions hold [never-applies]")

    def _idle(self, rule: RuleBase) -> Iterator[Problem]:
        """Exceptions without which the rule would say the same."""
        parts = rule.unless.parts if isinstance(rule.unless, AnyOf) else (rule.unless,)
        if rule.unless == FALSE:
            return
        for index, part in enumerate(parts):
            others = tuple(other for at, other in enumerate(parts) if at != index)
            alone = AllOf((rule.when, part, Negation(AnyOf(others)))) if others else AllOf((rule.when, part))
            if not self.possibility.possible_for(alone, self._kinds(rule)):
                yield _problem(rule, f"the exception `{part}` can never matter [idle-exception]")

    def _doubles(self, norms: Sequence[NormRule]) -> Iterator[Problem]:
        """Norms that overlap wholly: one authority, one effect on one action, the same conditions, agencies and days in common."""
        for index, first in enumerate(norms):
            for second in norms[index + 1 :]:
                same = first.source.id == second.source.id and first.effect == second.effect and first.when == second.when and first.unless == second.unless
                shared = set(first.actions) & set(second.actions)
                if same and shared and self._kinds(first) & self._kinds(second) and intersect(first.in_force, second.in_force) and first.pending == second.pending:
                    yield _problem(second, f"says of `{sorted(shared)[0]}` what `{first.id}` says already [overlap]")

    def _law(self, law: LawOfRules, layers: Sequence[Layer]) -> Iterator[Problem]:
        """Norms that the card's law speaks of, and that can apply where it does not hold."""
        concepts = {name: tree for layer in layers for name, tree in layer.concepts.items()}
        classes = {name: tree for layer in layers for name, tree in layer.classes.items()}
        scope = Scope(self.rulebook.lexicon, concepts, classes)
        try:
            needs = resolve(law.implies, scope, ("laws", law.id, "implies"))
        except ConditionError as error:
            raise BadInput.one(f"law `{law.id}`: {error.message}", f"{self.rulebook.shown}/rulebook.yaml") from None
        for norm in layers[-1].norms:
            rank = self.rulebook.lexicon.rank_order
            if norm.effect == law.effect and norm.rank in {rank[name] for name in law.ranks} and not norm.pending:
                broken = AllOf((norm.when, Negation(norm.unless), Negation(needs)))
                if self.possibility.possible_for(broken, self._kinds(norm) & frozenset(law.binds or self._kinds(norm))):
                    yield _problem(norm, f"{law.says} [{law.id}]")


def _problem(rule: RuleBase, message: str) -> Problem:
    return Problem(rule.file, rule.line, 1, f"`{rule.id}`: {message}")
