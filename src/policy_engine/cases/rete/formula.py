"""Conditions as formulas without negation: every test stands twice, once for holding and once for failing.

The same formula serves both planes. Given the tests that surely hold or surely fail it tells what definitely
applies; given those that may hold or may fail it tells what possibly applies.
"""

from __future__ import annotations

from dataclasses import dataclass

from policy_engine.language.rules import HoldingRule, RuleBase
from policy_engine.language.tree import AllOf, AnyOf, ConceptTest, Negation, QuestionTest, Tree
from policy_engine.reasoning.regime import Regime


@dataclass(frozen=True, slots=True)
class Both:
    """Every part."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part."""

    parts: tuple[Formula, ...]


Formula = bool | str | Both | Either


def both(*parts: Formula) -> Formula:
    """Every part, with constants folded."""
    kept = tuple(dict.fromkeys(part for part in parts if part is not True))
    if False in kept:
        return False
    return True if not kept else kept[0] if len(kept) == 1 else Both(kept)


def either(*parts: Formula) -> Formula:
    """At least one part, with constants folded."""
    kept = tuple(dict.fromkeys(part for part in parts if part is not False))
    if True in kept:
        return True
    return False if not kept else kept[0] if len(kept) == 1 else Either(kept)


class Translator:
    """Turns the conditions of a regime into formulas over fields.

    `leaves[i]` is the test behind the fields `a{i}p` (it holds) and `a{i}n` (it fails); `free[i]` the question of
    law behind `q{i}p` and `q{i}n`, which stand for the answer that no holding gives.
    """

    def __init__(self, regime: Regime) -> None:
        self.regime = regime
        self.leaves: list[Tree] = []
        self.free: list[str] = []
        self._leaf: dict[Tree, int] = {}
        self._memo: dict[tuple[int, bool], Formula] = {}
        self._questions: dict[tuple[str, bool], Formula] = {}
        self._open: list[str] = []

    def applies(self, rule: RuleBase, holds: bool = True) -> Formula:
        """Where a rule in force applies, or does not."""
        join = both if holds else either
        return join(self.tree(rule.when, holds), self.tree(rule.unless, not holds))

    def tree(self, tree: Tree, holds: bool) -> Formula:
        """Where a condition holds, or fails."""
        key = (id(tree), holds)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._tree(tree, holds)
        return found

    def _tree(self, tree: Tree, holds: bool) -> Formula:
        match tree:
            case AllOf(parts):
                return (both if holds else either)(*(self.tree(part, holds) for part in parts))
            case AnyOf(parts):
                return (either if holds else both)(*(self.tree(part, holds) for part in parts))
            case Negation(part):
                return self.tree(part, not holds)
            case ConceptTest(body=body):
                return self.tree(body, holds)
            case QuestionTest(question):
                return self._question(question, holds)
        index = self._leaf.get(tree)
        if index is None:
            index = self._leaf[tree] = len(self.leaves)
            self.leaves.append(tree)
        return f"a{index}{'p' if holds else 'n'}"

    def _question(self, question: str, answer: bool) -> Formula:
        """Settled where binding holdings apply on one side only; else the free answer."""
        pinned = self.regime.pins.get(question)
        if pinned is not None:
            return pinned is answer
        if question not in self.free:
            self.free.append(question)
        free = f"q{self.free.index(question)}{'p' if answer else 'n'}"
        if question in self._open:
            return free
        key = (question, answer)
        found = self._questions.get(key)
        if found is None:
            self._open.append(question)
            holdings = self.regime.resolution.holdings(question)
            this = [item for item in holdings if item.answer is answer]
            other = [item for item in holdings if item.answer is not answer]
            some, none = (join(*(self._holding(item, holds) for item in this)) for join, holds in ((either, True), (both, False)))
            contrary, no_contrary = (join(*(self._holding(item, holds) for item in other)) for join, holds in ((either, True), (both, False)))
            self._open.pop()
            unsettled = either(both(some, contrary), both(none, no_contrary))
            found = self._questions[key] = either(both(some, no_contrary), both(unsettled, free))
        return found

    def _holding(self, item: HoldingRule, holds: bool, trail: tuple[str, ...] = ()) -> Formula:
        """Where a holding applies and no applying one overrules it, or not."""
        if item.id in trail:
            return not holds
        over = [self._holding(other, not holds, (*trail, item.id)) for other in self.regime.law.holdings if item.id in other.overrules]
        return (both if holds else either)(self.applies(item, holds), *over)
