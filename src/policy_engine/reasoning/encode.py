"""From a scenario's facts to patterns: one mask of cells for each variable of a regime."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import product

from policy_engine.language.facts import UNKNOWN, Facts, FactValue
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.times import moment, parse_time
from policy_engine.language.tree import ListTest, Tree
from policy_engine.reasoning.cells import Variable
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.records import Today, TooManyCompletions, answers, local_days, record_tests, with_presumptions
from policy_engine.reasoning.truth import truth

Pattern = tuple[int, ...]
MAX_BRANCHES = 1024


@dataclass(frozen=True, slots=True)
class Encoding:
    """A scenario in the cells of a regime.

    Usually one pattern; several where tests of one list hang together through an unknown field.
    `cut_off` names the lists with too many completions, whose tests were taken as free.
    """

    patterns: tuple[Pattern, ...]
    cut_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Presumption:
    """One declared presumption with its condition resolved."""

    value: FactValue
    when: Tree
    when_given: tuple[str, ...]


class Presumptions:
    """The presumed values of absent facts."""

    def __init__(self, lexicon: Lexicon, rules: dict[str, tuple[Presumption, ...]]) -> None:
        self.lexicon, self.rules = lexicon, rules
        self.fixed = {name: items[0].value for name, items in rules.items() if not items[0].when_given and _always(items[0].when)}
        self.conditional = {name: items for name, items in rules.items() if name not in self.fixed}
        self._given = lru_cache(maxsize=4096)(self._is_given)

    def value(self, name: str, facts: Facts) -> FactValue:
        """The value presumed for an absent fact; unknown if nothing is presumed, or the condition is itself unknown."""
        if name in self.fixed:
            return self.fixed[name]
        for item in self.conditional.get(name, ()):
            if item.when_given and not self._given(item.when_given, name, frozenset(facts)):
                continue
            may, may_not = truth(item.when, lambda fact: facts.get(fact, self._next(fact, name, facts)))
            if may and may_not:
                return UNKNOWN
            if may:
                return item.value
        return UNKNOWN

    def _next(self, fact: str, asking: str, facts: Facts) -> FactValue:
        return UNKNOWN if fact == asking else self.value(fact, facts)

    def _is_given(self, globs: tuple[str, ...], name: str, given: frozenset[str]) -> bool:
        return any(fnmatchcase(fact, glob) for fact in given if fact != name for glob in globs)


def _always(tree: Tree) -> bool:
    return not getattr(tree, "parts", (1,))


class Encoder:
    """Turns facts into patterns for one list of variables."""

    def __init__(self, lexicon: Lexicon, variables: Sequence[Variable], presumptions: Presumptions, clockwork: Clockwork) -> None:
        self.lexicon, self.variables, self.presumptions, self.clockwork = lexicon, variables, presumptions, clockwork
        self.base = [variable.full for variable in variables]
        self.quick: dict[str, tuple[int, dict[object, int]]] = {}
        self.slow: dict[str, list[Variable]] = {}
        self.lists: dict[str, list[Variable]] = {}
        self.times: list[Variable] = []
        for variable in variables:
            self._place(variable)
        self.conditional = [name for name in presumptions.conditional if name in self.quick or name in self.slow or name in self.lists]
        self.list_facts = {fact: time_facts([v.test for v in found if v.test]) for fact, found in self.lists.items()}
        self._list_answers: dict[tuple[object, ...], tuple[tuple[bool, ...], ...] | None] = {}

    def _place(self, variable: Variable) -> None:
        fact = variable.fact
        if variable.kind == "list":
            self.lists.setdefault(fact, []).append(variable)
        elif variable.kind == "value":
            table: dict[object, int] = {value: 1 << cell for value, cell in variable.table.items()}
            for value in self.lexicon.facts[fact].values:
                table.setdefault(value, 1 << (variable.size - 1))
            table[UNKNOWN] = variable.full
            self.quick[fact] = (variable.index, table)
        elif variable.kind != "question":
            self.slow.setdefault(fact, []).append(variable)
            if variable.kind == "time":
                self.times.append(variable)
        presumed = self.presumptions.fixed.get(fact)
        if presumed is not None and variable.kind in ("value", "has", "number"):
            self.base[variable.index] = variable.mask(presumed, dt.datetime.min, self.clockwork)

    def encode(self, facts: Facts, as_of: dt.datetime) -> Encoding:
        """The patterns of a scenario's facts at a moment."""
        as_of = as_of.astimezone(dt.UTC)  # hours are counted back from it, which on a local clock goes wrong where that is changed
        masks = self.base.copy()
        for variable in self.times:
            if variable.fact not in facts:
                presumed = self.presumptions.fixed.get(variable.fact, UNKNOWN)
                masks[variable.index] = variable.mask(presumed, as_of, self.clockwork)
        branches: list[tuple[list[Variable], tuple[tuple[bool, ...], ...]]] = []
        cut_off: list[str] = []
        for fact, value in facts.items():
            quick = self.quick.get(fact)
            if quick is not None:
                index, table = quick
                mask = table.get(value)
                masks[index] = 1 << (self.variables[index].size - 1) if mask is None else mask
            elif fact in self.slow:
                self._slow(fact, value, as_of, masks)
            elif fact in self.lists:
                self._list(fact, value, facts, as_of, masks, branches, cut_off)
        for fact in self.conditional:
            if fact not in facts:
                self._presume(fact, facts, as_of, masks)
        if not branches:
            return Encoding((tuple(masks),), tuple(cut_off)) if cut_off else Encoding((tuple(masks),))
        return _branch(masks, branches, cut_off)

    def _slow(self, fact: str, value: FactValue, as_of: dt.datetime, masks: list[int]) -> None:
        for variable in self.slow[fact]:
            masks[variable.index] = variable.mask(value, as_of, self.clockwork)

    def _presume(self, fact: str, facts: Facts, as_of: dt.datetime, masks: list[int]) -> None:
        value = self.presumptions.value(fact, facts)
        if value is UNKNOWN:
            return
        if fact in self.quick:
            index, table = self.quick[fact]
            masks[index] = table.get(value, 1 << (self.variables[index].size - 1))
        elif fact in self.slow:
            self._slow(fact, value, as_of, masks)

    def _list(
        self,
        fact: str,
        value: FactValue,
        facts: Facts,
        as_of: dt.datetime,
        masks: list[int],
        branches: list[tuple[list[Variable], tuple[tuple[bool, ...], ...]]],
        cut_off: list[str],
    ) -> None:
        if value is UNKNOWN:
            return
        assert isinstance(value, tuple)
        variables = self.lists[fact]
        day = self.clockwork.local(as_of).date()
        others = local_days(facts, self.list_facts[fact], self.clockwork.zone) if self.list_facts[fact] else {}
        key = (fact, value, day, *others.values())
        if key not in self._list_answers:
            self._list_answers[key] = self._judge(fact, value, variables, Today(day, others))
        found = self._list_answers[key]
        if found is None:
            cut_off.append(fact)
        elif len(found) == 1:
            for variable, holds in zip(variables, found[0], strict=True):
                masks[variable.index] = 2 if holds else 1
        else:
            branches.append((variables, found))

    def _judge(self, fact: str, value: tuple[object, ...], variables: list[Variable], today: Today) -> tuple[tuple[bool, ...], ...] | None:
        declared = self.lexicon.facts[fact]
        records = [with_presumptions(record, declared) for record in value]  # type: ignore[arg-type]
        tests = [variable.test for variable in variables if variable.test is not None]
        if len(self._list_answers) > 100_000:
            self._list_answers.clear()
        try:
            return tuple(sorted(answers(records, tests, today)))
        except TooManyCompletions:
            return None


def _branch(masks: list[int], branches: list[tuple[list[Variable], tuple[tuple[bool, ...], ...]]], cut_off: list[str]) -> Encoding:
    count = 1
    for _, found in branches:
        count *= len(found)
    if count > MAX_BRANCHES:
        return Encoding((tuple(masks),), (*cut_off, *(variables[0].fact for variables, _ in branches)))
    patterns: dict[Pattern, None] = {}
    for chosen in product(*(found for _, found in branches)):
        filled = masks.copy()
        for (variables, _), holds in zip(branches, chosen, strict=True):
            for variable, value in zip(variables, holds, strict=True):
                filled[variable.index] = 2 if value else 1
        patterns[tuple(filled)] = None
    return Encoding(tuple(patterns), tuple(cut_off))


def time_facts(tests: Sequence[ListTest]) -> tuple[str, ...]:
    """The time facts that tests of lists count to."""
    names = {test.quantity[13:] for item in tests for test in record_tests(item.where) if getattr(test, "quantity", "").startswith("years_before:")}  # type: ignore[union-attr]
    return tuple(sorted(names))


def typed_presumption(value: object, kind: str, zone: dt.tzinfo) -> FactValue:
    """A presumed value as the vocabulary's file writes it, typed."""
    if kind == "set":
        return frozenset(map(str, value)) if isinstance(value, (list, tuple)) else frozenset([str(value)])
    if kind == "number":
        return float(value)  # type: ignore[arg-type]
    if kind == "time":
        when = parse_time(value)
        if when is not None:
            return moment(when, zone)
    if kind == "list":
        return ()
    return value if isinstance(value, bool) else str(value)
