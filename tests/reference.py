"""The slow, obvious interpreter of docs/meaning.md: every completion of the unknowns, one by one.

It reads loaded rules (the language package) and shares no code with the circuit, the diagrams or the encoder.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from policy_engine.language.facts import UNKNOWN
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment
from policy_engine.language.tree import (
    AllOf,
    AnyOf,
    ClassTest,
    CompareTest,
    ConceptTest,
    FieldCompare,
    FieldTest,
    HasTest,
    ListTest,
    Negation,
    QuestionTest,
    ValueTest,
)

OPS = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
OTHER = "some other value"


class TooMany(Exception):
    """More completions than a test should try."""


@dataclass
class Found:
    """What the completions gave: statuses of each action, and what each norm on it did."""

    statuses: dict[str, set[str]] = field(default_factory=dict)
    applies: dict[tuple[str, str], set[bool]] = field(default_factory=dict)
    survives: dict[tuple[str, str], set[bool]] = field(default_factory=dict)
    completions: int = 0


@dataclass
class World:
    """One completion: a value for every fact, an answer for every test of an unknown list and every free question."""

    facts: dict[str, Any]
    lists: dict[ListTest, bool]
    questions: dict[str, bool]


class Reference:
    """The interpreter for one rulebook."""

    def __init__(self, rulebook: Rulebook, limit: int = 20_000) -> None:
        self.rulebook, self.limit = rulebook, limit
        self.lexicon = rulebook.lexicon
        calendar = rulebook.card.calendars.get("federal_holidays")
        self.holidays = holidays.country_holidays(calendar.country) if calendar else {}

    # -- the law in force -------------------------------------------------------------------------
    def rules(self, scenario: Scenario, section: str) -> list[Any]:
        path = self.rulebook.path(scenario.jurisdiction)
        day = scenario.as_of.astimezone(self.zone(scenario)).date()
        found = []
        for layer in path.layers:
            local = layer.jurisdiction == path.place.path and layer.jurisdiction.count("/") >= 2
            kinds = {kind for kind in scenario.kinds if self.lexicon.agency_kinds[kind].local_rules or not local}
            for rule in getattr(layer, section):
                days = any(span.start <= day <= span.end for span in rule.in_force)
                binds = kinds and (rule.binds is None or kinds & rule.binds)
                if days and binds and not rule.pending:
                    found.append(rule)
        return found

    def zone(self, scenario: Scenario) -> ZoneInfo:
        places = self.rulebook.places
        return places.zone(places.find(scenario.jurisdiction))

    # -- deciding ---------------------------------------------------------------------------------
    def decide(self, scenario: Scenario, actions: list[str] | None = None) -> Found:
        self.scenario, self.local = scenario, self.zone(scenario)
        self.norms = self.rules(scenario, "norms")
        self.preemptions = self.rules(scenario, "preemptions")
        names = {layer.jurisdiction for layer in self.rulebook.path(scenario.jurisdiction).layers}
        self.holdings = [item for item in self.rules(scenario, "holdings") if item.weight == "binding" and item.territory in names]
        found = Found()
        judged = [name for name, action in self.lexicon.actions.items() if set(action.by) & scenario.kinds and (actions is None or name in actions)]
        for world in self.worlds():
            found.completions += 1
            for action in judged:
                self.one(world, action, found)
        return found

    def one(self, world: World, action: str, found: Found) -> None:
        here = [norm for norm in self.norms if action in norm.actions]
        applying = {norm.id for norm in here if self.applies(norm, world)}
        shields = [item for item in self.preemptions if self.applies(item, world)]
        surviving: set[str] = set()

        def undisplaced(norm: Any) -> bool:
            if norm.id not in applying:
                return False
            for item in shields:
                if item.rank < norm.rank and action in item.actions and norm.effect in item.effects and norm.rank in item.ranks:
                    return False
            for other in here:
                if other.id == norm.id:
                    continue
                if norm.id in other.overrides and undisplaced(other):
                    return False
                if other.rank < norm.rank and {norm.effect, other.effect} == {"require", "forbid"} and undisplaced(other):
                    return False
            return True

        for norm in here:
            if undisplaced(norm):
                surviving.add(norm.id)
            found.applies.setdefault((action, norm.id), set()).add(norm.id in applying)
            found.survives.setdefault((action, norm.id), set()).add(norm.id in surviving)
        left = [norm for norm in here if norm.id in surviving]
        effects = {norm.effect for norm in left}
        if {"require", "forbid"} <= effects:
            status = "conflict"
        elif "forbid" in effects or (self.lexicon.actions[action].default == "prohibited" and not any(norm.grants for norm in left)):
            status = "prohibited"
        elif "require" in effects:
            status = "required"
        else:
            status = "permitted"
        found.statuses.setdefault(action, set()).add(status)

    def applies(self, rule: Any, world: World) -> bool:
        return self.true(rule.when, world) and not self.true(rule.unless, world)

    def question(self, name: str, world: World, asking: tuple[str, ...] = ()) -> bool:
        if name in self.scenario.assume:
            return self.scenario.assume[name]
        if name in asking:
            return world.questions[name]
        said = {item.answer for item in self.holdings if item.settles == name and self.stands(item, world, (*asking, name))}
        return said.pop() if len(said) == 1 else world.questions[name]

    def stands(self, holding: Any, world: World, asking: tuple[str, ...]) -> bool:
        if not (self.true(holding.when, world, asking) and not self.true(holding.unless, world, asking)):
            return False
        return not any(holding.id in other.overrules and self.stands(other, world, asking) for other in self.holdings)

    # -- truth in one world -----------------------------------------------------------------------
    def true(self, tree: Any, world: World, asking: tuple[str, ...] = ()) -> bool:
        if isinstance(tree, ValueTest):
            return world.facts[tree.fact] in tree.values
        if isinstance(tree, HasTest):
            held = self.scenario.kinds if tree.fact == self.rulebook.card.agency_fact else world.facts[tree.fact]
            return tree.element in held
        if isinstance(tree, AllOf):
            return all(self.true(part, world, asking) for part in tree.parts)
        if isinstance(tree, AnyOf):
            return any(self.true(part, world, asking) for part in tree.parts)
        if isinstance(tree, Negation):
            return not self.true(tree.part, world, asking)
        if isinstance(tree, ConceptTest):
            return self.true(tree.body, world, asking)
        if isinstance(tree, QuestionTest):
            return self.question(tree.question, world, asking)
        if isinstance(tree, CompareTest):
            value = world.facts[tree.fact]
            number = value if tree.quantity == "value" else self.quantity(tree.quantity, value)
            return OPS[tree.op](number, tree.number)
        assert isinstance(tree, ListTest)
        if tree in world.lists:
            return world.lists[tree]
        hits = [record for record in world.facts[tree.fact] if self.record(tree.where, record, world)]
        count = len({record[tree.distinct] for record in hits}) if tree.distinct else len(hits)
        return count >= tree.least

    def quantity(self, name: str, when: dt.datetime) -> float:
        now = self.scenario.as_of.astimezone(dt.UTC)
        if name == "is_past":
            return 1 if when <= now else 0
        if name == "day":
            return when.astimezone(self.local).date().toordinal()
        if when >= now:
            return 0
        if name == "hours_ago":
            return (now - when).total_seconds() / 3600
        if name == "days_ago":
            return (now.astimezone(self.local).date() - when.astimezone(self.local).date()).days
        total = dt.timedelta()
        at = when
        while at < now:
            day = at.astimezone(self.local).date()
            following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), self.local).astimezone(dt.UTC)
            until = min(following, now)
            if day.weekday() < 5 and day not in self.holidays:
                total += until - at
            at = until
        return total.total_seconds() / 3600

    def record(self, tree: Any, record: Mapping[str, Any], world: World) -> bool:
        if isinstance(tree, FieldTest):
            return record[tree.field] in tree.values
        if isinstance(tree, AllOf):
            return all(self.record(part, record, world) for part in tree.parts)
        if isinstance(tree, AnyOf):
            return any(self.record(part, record, world) for part in tree.parts)
        if isinstance(tree, Negation):
            return not self.record(tree.part, record, world)
        if isinstance(tree, ClassTest):
            return self.record(tree.body, record, world)
        assert isinstance(tree, FieldCompare)
        value = record[tree.field]
        if tree.quantity == "value":
            return OPS[tree.op](value, tree.number)
        if tree.quantity == "day":
            return OPS[tree.op](value.toordinal(), tree.number)
        today = self.counted_to(tree)
        try:
            turning = value.replace(year=value.year + int(tree.number))
        except ValueError:
            turning = dt.date(value.year + int(tree.number), 3, 1)
        # N full years are reached on the anniversary and passed the day after
        return {"<": today < turning, "<=": today <= turning, ">": today > turning, ">=": today >= turning}[tree.op]

    def counted_to(self, tree: FieldCompare) -> dt.date:
        """The local day to which years are counted: the scenario's, or that of another time fact, which must be known to the day."""
        _, _, fact = tree.quantity.partition(":")
        if not fact:
            return self.scenario.as_of.astimezone(self.local).date()
        other = self.given(fact)
        if not isinstance(other, Moment) or other.first.astimezone(self.local).date() != other.last.astimezone(self.local).date():
            raise TooMany  # open for each record by itself; tested by hand
        return other.first.astimezone(self.local).date()

    # -- completions ------------------------------------------------------------------------------
    def tests(self) -> list[Any]:
        found: list[Any] = []
        seen_questions: set[str] = set()

        def note(tree: Any) -> None:
            if isinstance(tree, (AllOf, AnyOf)):
                for part in tree.parts:
                    note(part)
            elif isinstance(tree, Negation):
                note(tree.part)
            elif isinstance(tree, ConceptTest):
                note(tree.body)
            else:
                found.append(tree)
                if isinstance(tree, QuestionTest) and tree.question not in seen_questions:
                    seen_questions.add(tree.question)
                    for item in self.holdings:
                        if item.settles == tree.question:
                            note(item.when)
                            note(item.unless)

        for rule in (*self.norms, *self.preemptions):
            note(rule.when)
            note(rule.unless)
        return found

    def worlds(self) -> Iterator[World]:
        tests = self.tests()
        questions = sorted({test.question for test in tests if isinstance(test, QuestionTest)} - set(self.scenario.assume))
        by_fact: dict[str, list[Any]] = {}
        for test in tests:
            if not isinstance(test, QuestionTest) and test.fact != self.rulebook.card.agency_fact:
                by_fact.setdefault(test.fact, []).append(test)
        choices: list[list[tuple[str, Any]]] = []
        for fact, uses in sorted(by_fact.items()):
            choices.append([(fact, value) for value in self.values(fact, uses)])
        choices += [[(f"?{name}", answer) for answer in (False, True)] for name in questions]
        count = 1
        for options in choices:
            count *= len(options)
            if count > self.limit:
                raise TooMany
        for chosen in product(*choices):
            facts: dict[str, Any] = {}
            lists: dict[ListTest, bool] = {}
            free: dict[str, bool] = {}
            for name, value in chosen:
                if name.startswith("?"):
                    free[name[1:]] = value
                elif isinstance(value, dict):
                    lists |= value
                else:
                    facts[name] = value
            yield World(facts, lists, free)

    def given(self, fact: str) -> Any:
        if fact in self.scenario.facts:
            return self.scenario.facts[fact]
        for item in self.lexicon.facts[fact].presume or ():
            if item.when is not True:
                raise TooMany  # conditional presumptions are tested by hand
            if item.when_given and not any(name.startswith(item.when_given[0].rstrip("*")) for name in self.scenario.facts if name != fact):
                continue
            kind = self.lexicon.facts[fact].type
            if kind == "time":
                return dt.datetime.combine(item.value, dt.time(), dt.UTC)
            return frozenset(item.value) if kind == "set" else float(item.value) if kind == "number" else item.value
        return UNKNOWN

    def values(self, fact: str, uses: list[Any]) -> list[Any]:
        value, declared = self.given(fact), self.lexicon.facts[fact]
        if declared.type == "list":
            return self.list_values(value, uses, declared)
        if value is not UNKNOWN and not (isinstance(value, Moment) and not value.exact):
            return [value.first if isinstance(value, Moment) else value]
        if declared.type == "bool":
            return [False, True]
        if declared.type in ("enum", "text"):
            tested = sorted({word for use in uses for word in use.values})
            return list(declared.values) or [*tested, OTHER]
        if declared.type == "set":
            tested = sorted({use.element for use in uses})
            if 1 << len(tested) > self.limit:
                raise TooMany
            return [frozenset(some) for size in range(len(tested) + 1) for some in combinations(tested, size)]
        if declared.type == "number":
            return sorted({use.number + step for use in uses for step in (-0.001, 0, 0.001)})
        return self.moments(value, uses)

    def moments(self, value: Any, uses: list[Any]) -> list[dt.datetime]:
        now = self.scenario.as_of.astimezone(dt.UTC)
        reach = int(max((use.number for use in uses if use.quantity.endswith("hours_ago")), default=0)) * 4 + 24 * 20
        days = [dt.date.fromordinal(int(use.number)) for use in uses if use.quantity == "day"]
        reach_days = max([(abs((now.date() - day).days) + 3) for day in days], default=0)
        start = now - dt.timedelta(hours=max(reach, reach_days * 24))
        samples = [start + dt.timedelta(minutes=30 * step) for step in range(int((now - start).total_seconds() / 1800) + max(reach_days, 3) * 48)]
        if isinstance(value, Moment):
            samples = [value.first, value.last, *(at for at in samples if value.first <= at <= value.last)]
        exact = [now - dt.timedelta(hours=use.number) for use in uses if use.quantity == "hours_ago"]
        samples += [at for at in (*exact, *(at - dt.timedelta(seconds=1) for at in exact)) if not isinstance(value, Moment) or value.first <= at <= value.last]
        kept: dict[tuple[bool, ...], dt.datetime] = {}
        for at in samples:
            kept.setdefault(tuple(OPS[use.op](self.quantity(use.quantity, at), use.number) for use in uses), at)
        return list(kept.values())

    def list_values(self, value: Any, uses: list[Any], declared: Any) -> list[Any]:
        tests = list(dict.fromkeys(uses))
        if value is UNKNOWN:
            if 1 << len(tests) > self.limit:
                raise TooMany
            pairs = [(i, j) for i, strong in enumerate(tests) for j, weak in enumerate(tests) if i != j and brings(strong, weak)]
            possible = [answers for answers in product((False, True), repeat=len(tests)) if all(answers[j] or not answers[i] for i, j in pairs)]
            return [dict(zip(tests, answers, strict=True)) for answers in possible]
        shared = {test.distinct: {record[test.distinct] for record in value if record.get(test.distinct, UNKNOWN) is not UNKNOWN} for test in tests if test.distinct}
        options = [self.record_values(record, tests, declared, index, shared) for index, record in enumerate(value)]
        count = 1
        for some in options:
            count *= len(some)
            if count > self.limit:
                raise TooMany
        kept: dict[tuple[bool, ...], tuple[Any, ...]] = {}
        for chosen in product(*options):
            kept.setdefault(tuple(self.true(test, World({tests[0].fact: chosen}, {}, {})) for test in tests), chosen)
        return list(kept.values())

    def record_values(self, record: Mapping[str, Any], tests: list[ListTest], declared: Any, index: int, shared: dict[str, set[Any]]) -> list[dict[str, Any]]:
        fields: dict[str, list[Any]] = {}
        for test in tests:
            for leaf in leaves(test.where):
                fields.setdefault(leaf.field, []).append(leaf)
            if test.distinct:
                fields.setdefault(test.distinct, [])
        choices = []
        for name, uses in fields.items():
            kind = declared.record[name]
            given = record.get(name, kind.presume if kind.presume is not None else UNKNOWN)
            choices.append([(name, item) for item in ([given] if given is not UNKNOWN else [*self.field_values(name, kind, uses, index), *sorted(shared.get(name, ()))])])
        count = 1
        for some in choices:
            count *= len(some)
            if count > self.limit:
                raise TooMany
        return [dict(chosen) for chosen in product(*choices)]

    def field_values(self, name: str, kind: Any, uses: list[Any], index: int) -> list[Any]:
        if kind.type == "bool":
            return [False, True]
        if kind.type == "date":
            found = set()
            for use in uses:
                today = self.counted_to(use)
                base = dt.date.fromordinal(int(use.number)) if use.quantity == "day" else today.replace(year=today.year - int(use.number), day=min(today.day, 28))
                found |= {base + dt.timedelta(days=step) for step in (-1, 0, 1)}
            return sorted(found)
        if kind.type == "number":
            return sorted({use.number + step for use in uses for step in (-0.001, 0, 0.001)})
        tested = sorted({word for use in uses for word in use.values})
        return [*tested, *(f"{OTHER} {number}" for number in range(index + 1))]


def leaves(tree: Any) -> Iterator[Any]:
    """The tests of fields in a `where`."""
    if isinstance(tree, (AllOf, AnyOf)):
        for part in tree.parts:
            yield from leaves(part)
    elif isinstance(tree, Negation):
        yield from leaves(tree.part)
    elif isinstance(tree, ClassTest):
        yield from leaves(tree.body)
    else:
        yield tree


def brings(strong: ListTest, weak: ListTest) -> bool:
    """The declared implications between tests of one unknown list: part by part, by the same test, fewer values, an included class, a tighter bound."""
    if strong.fact != weak.fact or strong.least < weak.least or (weak.least > 1 and strong.distinct != weak.distinct):
        return False
    return all(any(narrower(a, b) for a in conjuncts(strong.where)) for b in conjuncts(weak.where))


def conjuncts(tree: Any) -> list[Any]:
    return [inner for part in tree.parts for inner in conjuncts(part)] if isinstance(tree, AllOf) else [tree]


def narrower(a: Any, b: Any) -> bool:
    if a == b:
        return True
    if isinstance(b, AnyOf) and any(narrower(a, part) for part in b.parts):
        return True
    if isinstance(a, AnyOf):
        return all(narrower(part, b) for part in a.parts)
    if isinstance(a, FieldTest) and isinstance(b, FieldTest):
        return a.field == b.field and a.values <= b.values
    if isinstance(a, FieldCompare) and isinstance(b, FieldCompare):
        if (a.field, a.quantity, a.op[0]) != (b.field, b.quantity, b.op[0]):
            return False
        tighter = a.number < b.number if a.op[0] == "<" else a.number > b.number
        return tighter or (a.number == b.number and (a.op == b.op or b.op.endswith("=")))
    if isinstance(a, ClassTest) and isinstance(b, ClassTest):
        parts = b.body.parts if isinstance(b.body, AnyOf) else (b.body,)
        return any(narrower(a, part) for part in parts)
    if isinstance(b, ClassTest):
        return narrower(a, b.body)
    if isinstance(a, ClassTest):
        return narrower(a.body, b)
    if isinstance(a, AllOf):
        return any(narrower(part, b) for part in a.parts)
    return False
