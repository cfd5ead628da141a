"""Every distinct law of an action: over all places, kinds of agency and days, each law once with the spots where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from policy_engine.engine import Engine
from policy_engine.language.rulebook import LawPath
from policy_engine.language.rules import HoldingRule, RuleBase
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import LAST, cut_days
from policy_engine.language.tree import HasTest, QuestionTest, Tree
from policy_engine.language.yamlfile import as_date
from policy_engine.reasoning.decision import Decision
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.regime import Regime, tests_of

DAY = dt.timedelta(days=1)
USUAL = dt.date(2026, 3, 2)
Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a law stands: a place, a kind of agency, and the first and last day."""

    place: str
    kind: str
    first: dt.date
    last: dt.date

    def day(self, usual: dt.date) -> dt.date:
        """A day of the spot: the usual one if it lies inside, else its first, else its last."""
        if self.first <= usual <= self.last:
            return usual
        return self.first if self.first > usual else self.last


@dataclass(slots=True)
class ActionLaw:
    """The law of one action where it is the same rules (by identity), with every spot where it stands."""

    action: str
    law: Law
    rules: frozenset[int]
    spots: list[Spot] = field(default_factory=list)

    @property
    def spot(self) -> Spot:
        """The first spot."""
        return self.spots[0]


class Landscape:
    """The laws of the actions of a rulebook.

    Raises (when asked):
        BadInput: faults in a rule file.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.usual = usual_day(engine)
        self._marks: dict[int, tuple[RuleBase, bool, frozenset[str]]] = {}
        self._laws: dict[str, list[ActionLaw]] = {}
        self._paths: list[LawPath] | None = None

    @property
    def paths(self) -> list[LawPath]:
        """The paths of every jurisdiction with rules."""
        if self._paths is None:
            self._paths = list(self.engine.rulebook.all_paths())
        return self._paths

    def laws(self, action: str) -> list[ActionLaw]:
        """The distinct laws of an action."""
        found = self._laws.get(action)
        if found is None:
            by_signature: dict[Signature, ActionLaw] = {}
            for path in self.paths:
                for law, spot in self.of_path(path, action):
                    signature = self.signature(law)
                    if signature not in by_signature:
                        by_signature[signature] = ActionLaw(action, law, frozenset(item for item in signature if isinstance(item, int)))
                    by_signature[signature].spots.append(spot)
            found = self._laws[action] = list(by_signature.values())
        return found

    def of_path(self, path: LawPath, action: str, kinds: Iterable[str] = ()) -> Iterator[tuple[Law, Spot]]:
        """The laws of an action in one place: for each kind of agency whose act it is, one for each stretch of days."""
        lexicon = self.engine.rulebook.lexicon
        for first, last in segments(path, action):
            for kind in kinds or lexicon.actions[action].by:
                yield Law(lexicon, path, frozenset([kind]), first, frozenset([action])), Spot(path.place.path, kind, first, last)

    def signature(self, law: Law) -> Signature:
        """What tells laws of one action apart: the rules that stand, and the kind of agency where one of them asks for it."""
        rules: list[RuleBase] = [*law.norms, *law.preemptions]
        questions = {name for rule in rules for name in self._mark(rule)[2]}
        open_ = list(questions)
        while open_:
            name = open_.pop()
            for holding in law.holdings:
                if holding.settles == name and holding not in rules:
                    rules.append(holding)
                    more = self._mark(holding)[2] - questions
                    questions |= more
                    open_ += more
        asks = any(self._mark(rule)[1] for rule in rules)
        return (*(id(rule) for rule in rules), law.kinds if asks else None, tuple(sorted(questions)))

    def _mark(self, rule: RuleBase) -> tuple[RuleBase, bool, frozenset[str]]:
        """Whether a rule tests the kind of agency, and the questions of law that it asks."""
        found = self._marks.get(id(rule))
        if found is None:
            agency = self.engine.rulebook.card.agency_fact
            tests = list(tests_of(rule))
            asks = any(isinstance(test, HasTest) and test.fact == agency for test in tests)
            found = self._marks[id(rule)] = (rule, asks, frozenset(test.question for test in tests if isinstance(test, QuestionTest)))
        return found

    def regime(self, law: Law, *, span: Sequence[Law] = (), conditions: Sequence[Tree] = (), pins: dict[str, bool] | None = None) -> Regime:
        """A law compiled. See `Regime`."""
        engine = self.engine
        return Regime(law, engine.presumptions, engine.clockwork(law.path), engine.rulebook.card.agency_fact, pins, engine.events, span=span, conditions=conditions)


def decide(engine: Engine, scenario: Scenario, action: str, path: LawPath | None = None) -> Decision:
    """The decision on one action, from a regime of the rules that speak of it alone: the same outcome as `Engine.evaluate`, made faster where it is wanted once.

    `path` is another version of the law of the place, if given.
    """
    found = engine.registry_facts(scenario.jurisdiction, scenario.facts, scenario.as_of)
    case = scenario.with_registry(found) if found else scenario
    path = path or engine.rulebook.path(case.jurisdiction)
    clockwork = engine.clockwork(path)
    law = Law(engine.rulebook.lexicon, path, case.kinds, clockwork.local(case.as_of).date(), frozenset([action]))
    regime = Regime(law, engine.presumptions, clockwork, engine.rulebook.card.agency_fact, case.assume, engine.events)
    encoding = regime.encode(case.facts, case.as_of)
    judged = (action,) if action in regime.actions else ()
    return Decision(case, regime, encoding, tuple(regime.rule_once(encoding, name) for name in judged), judged, (action,), engine.headlines, engine.rulebook)


def usual_day(engine: Engine) -> dt.date:
    """The day on which cases are set where the law does not ask for another: the day the rulebook was checked."""
    return as_date(engine.rulebook.card.checked) or USUAL


def segments(path: LawPath, action: str) -> Iterator[tuple[dt.date, dt.date]]:
    """The stretches of days on which the law of an action does not change in a place."""
    days = {dt.date.min}
    for layer in path.layers:
        for rule in (*layer.norms, *layer.preemptions, *layer.holdings):
            if isinstance(rule, HoldingRule) or action in rule.actions:  # type: ignore[attr-defined]
                days |= cut_days(rule.in_force)
    ordered = sorted(days)
    for index, first in enumerate(ordered):
        yield first, ordered[index + 1] - DAY if index + 1 < len(ordered) else LAST


def matches(place: str, patterns: Sequence[str]) -> bool:
    """Whether a place fits one of the patterns (`us/ca`, `us/ca/*`); none fits all."""
    return not patterns or any(fnmatchcase(place, pattern) for pattern in patterns)
