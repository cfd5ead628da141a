"""A regime as rulesets: formulas multiplied out to rules of plain conditions, in stages that hand derived facts on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from policy_engine.cases.rete.formula import Both, Formula, Translator
from policy_engine.cases.rete.limits import MAX_BRANCHES, MAX_FIELDS, MAX_PATTERNS, MAX_PENDING, MAX_RULES, Rule, check_ruleset, pending
from policy_engine.language.tree import ListTest, Tree
from policy_engine.reasoning.encode import time_facts
from policy_engine.reasoning.regime import Regime

Conjuncts = frozenset[frozenset[str]]
ALWAYS = "on"  # a field that is true in every fact


@dataclass(frozen=True)
class Plan:
    """What the child process loads for a regime, and how to ask it.

    Attributes:
        leaves: the test behind the fields `a{i}p` and `a{i}n`.
        free: the question of law behind the fields `q{i}p` and `q{i}n`.
        stages: rulesets in the order in which they are asked; a later one may test what an earlier one derived.
        outputs: for each norm and preemption the derived field that says it applies, or a constant.
        answers: tests of lists already judged, by test, records and days.
    """

    leaves: tuple[Tree, ...]
    free: tuple[str, ...]
    stages: tuple[tuple[tuple[Rule, ...], ...], ...]
    outputs: dict[str, str | bool]
    answers: dict[tuple[object, ...], tuple[bool, bool]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _times(self) -> dict[int, tuple[str, ...]]:
        return {id(leaf): time_facts([leaf]) for leaf in self.leaves if isinstance(leaf, ListTest)}

    def time_facts(self, leaf: ListTest) -> tuple[str, ...]:
        """The time facts that a test of a list counts to."""
        return self._times[id(leaf)]

    @cached_property
    def wire(self) -> str:
        """The rulesets as JSON."""
        return json.dumps(self.stages)

    @cached_property
    def key(self) -> str:
        """A name for the rulesets, the same for the same rules."""
        return hashlib.sha256(self.wire.encode()).hexdigest()[:24]

    @property
    def rulesets(self) -> int:
        """How many rulesets."""
        return sum(len(stage) for stage in self.stages)

    @property
    def rules(self) -> int:
        """How many rules."""
        return sum(len(rules) for stage in self.stages for rules in stage)


def plan(regime: Regime) -> Plan:
    """The rulesets of a regime, every limit checked.

    Raises:
        LimitPassed: a ruleset that durable_rules cannot be trusted with.
    """
    translator = Translator(regime)
    chain = _Chain()
    outputs: dict[str, str | bool] = {}
    for rule in (*regime.law.norms, *regime.law.preemptions):
        formula = translator.applies(rule)
        outputs[rule.id] = formula if isinstance(formula, bool) else chain.derived(formula)
    stages = tuple(tuple(_split(rules)) for rules in chain.stages())
    where = f"the rules of {regime.law.path.place.path} as rulesets"
    for stage in stages:
        for rules in stage:
            check_ruleset(rules, where)
    return Plan(tuple(translator.leaves), tuple(translator.free), stages, outputs)


class _Chain:
    """Derived facts: each with the conjunctions that bring it about."""

    def __init__(self) -> None:
        self._names: dict[Formula, str] = {}
        self._rules: dict[str, Conjuncts] = {}
        self._depths: dict[str, int] = {}
        self._memo: dict[Formula, Conjuncts] = {}

    def derived(self, formula: Formula) -> str:
        """The field that is true where the formula is."""
        found = self._names.get(formula)
        if found is None:
            conjuncts = self.expand(formula)
            found = self._names[formula] = f"d{len(self._names)}"
            self._rules[found] = conjuncts
            self._depths[found] = 1 + max((self._depths.get(field, 0) for part in conjuncts for field in part), default=0)
        return found

    def expand(self, formula: Formula) -> Conjuncts:
        """The formula as alternatives of conjunctions; parts that would multiply too far are chained."""
        if isinstance(formula, bool):
            return frozenset([frozenset()]) if formula else frozenset()
        if isinstance(formula, str):
            return frozenset([frozenset([formula])])
        found = self._memo.get(formula)
        if found is None:
            found = self._both(formula) if isinstance(formula, Both) else _smallest(part for item in formula.parts for part in self.expand(item))
            self._memo[formula] = found
        return found

    def _both(self, formula: Both) -> Conjuncts:
        parts = sorted(((self.expand(item), item) for item in formula.parts), key=lambda found: len(found[0]))
        result: Conjuncts = frozenset([frozenset()])
        for conjuncts, item in parts:
            grown = _smallest(left | right for left in result for right in conjuncts)
            if len(conjuncts) > 1 and (len(grown) > MAX_BRANCHES or _longest(grown) > MAX_PATTERNS):
                grown = _smallest(left | {self.derived(item)} for left in result)
            result = grown
        return frozenset(self._short(part) for part in result)

    def _short(self, part: frozenset[str]) -> frozenset[str]:
        """The conjunction within the limit of patterns, its first fields chained where it is longer."""
        while len(part) > MAX_PATTERNS:
            first = sorted(part)[:MAX_PATTERNS]
            part = part - set(first) | {self.derived(Both(tuple(first)))}
        return part

    def stages(self) -> Iterable[list[Rule]]:
        """The rules by depth: those of one depth test only what is given or was derived before."""
        for depth in range(1, max(self._depths.values(), default=0) + 1):
            made: list[Rule] = []
            names = [name for name, found in self._depths.items() if found == depth]
            common = Counter(field for name in names for part in self._rules[name] for field in part)
            for name in names:
                made += [(name, tuple(sorted(part, key=lambda field: (-common[field], field))) or (ALWAYS,)) for part in self._rules[name]]
            yield sorted(made, key=lambda rule: (rule[1], rule[0]))


def _smallest(parts: Iterable[frozenset[str]]) -> Conjuncts:
    """Without the conjunctions that another one makes needless."""
    kept: list[frozenset[str]] = []
    for part in sorted(set(parts), key=len):
        if not any(other <= part for other in kept):
            kept.append(part)
    return frozenset(kept)


def _longest(conjuncts: Conjuncts) -> int:
    return max((len(part) for part in conjuncts), default=0)


def _split(rules: Sequence[Rule]) -> Iterable[tuple[Rule, ...]]:
    """Rules in as few rulesets as the limits allow."""
    group: list[Rule] = []
    fields: set[str] = set()
    for rule in rules:
        more = fields | set(rule[1])
        if group and (len(group) == MAX_RULES or len(more) > MAX_FIELDS or pending([*group, rule]) > MAX_PENDING):
            yield tuple(group)
            group, more = [], set(rule[1])
        group.append(rule)
        fields = more
    if group:
        yield tuple(group)
