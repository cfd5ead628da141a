"""Whether scenarios and invariants notice a planted fault; where they do not, a proof that it changes nothing, or facts under which it shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from policy_engine.engine import Engine
from policy_engine.language.rulebook import LawPath
from policy_engine.language.rules import Layer, RuleBase
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.headline import NOT_ITS_ACT
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.status import CODES, POSSIBLE, Status
from policy_engine.reasoning.truth import FALSE, OPEN, Truth, truth
from policy_engine.reasoning.view import View
from policy_engine.testing.landscape import Landscape, Spot, decide
from policy_engine.testing.mutants import EFFECT, RANK, Mutant
from policy_engine.testing.search import Parting, Undecided, parting

KILLED, EQUIVALENT, SURVIVED, UNPROVED = "killed", "equivalent", "survived", "unproved"


@dataclass(frozen=True)
class Check:
    """One expectation of one scenario: the status of an action, or the candidates that must stay open."""

    engine: Engine
    scenario: Scenario
    action: str
    status: str | None
    candidates: tuple[str, ...] = ()

    @cached_property
    def path(self) -> LawPath:
        """The path of the scenario's place."""
        return self.engine.rulebook.path(self.scenario.jurisdiction)

    @cached_property
    def layers(self) -> frozenset[str]:
        """The jurisdictions on the path."""
        return frozenset(layer.jurisdiction for layer in self.path.layers)

    @cached_property
    def day(self) -> dt.date:
        """The local day."""
        return self.engine.clockwork(self.path).local(self.scenario.as_of).date()

    @cached_property
    def view(self) -> View:
        """The facts as the rulebook takes them."""
        return decide(self.engine, self.scenario, self.action).view

    @cached_property
    def law(self) -> Law:
        """The law of the action."""
        return self.law_on(self.path)

    def law_on(self, path: LawPath) -> Law:
        """The law of the action on another version of the path."""
        return Law(self.engine.rulebook.lexicon, path, self.scenario.kinds, self.day, frozenset([self.action]))

    def applies(self, rule: RuleBase, *, kept: bool) -> Truth:
        """Whether a rule may apply here and may not; `kept` where its conditions live as long as this check, so that judgements may be remembered."""
        kinds = self.law.reach(rule.jurisdiction)
        if not kinds or not rule.stands(self.day, kinds):
            return FALSE
        if kept:
            return self.view.applies(rule)
        when, unless = (truth(tree, self.view.find, self.view.judges) for tree in (rule.when, rule.unless))
        return when[0] and unless[1], when[1] or unless[0]

    def met(self, regime: Regime) -> bool:
        """Whether the expectation is met under a regime."""
        scenario = self.scenario
        return self.met_by(regime.rule_once(regime.encode(scenario.facts, scenario.as_of), self.action))

    def met_by(self, bits: int) -> bool:
        """Whether a set of statuses meets the expectation."""
        if self.status is not None:
            found = CODES[bits.bit_length() - 1] if bits and bits & (bits - 1) == 0 else Status.UNDETERMINED
            return found.value == self.status
        open_ = {status.value for code, status in enumerate(CODES) if (bits or POSSIBLE) >> code & 1}
        return open_.issuperset(self.candidates)


class Suite:
    """The expectations of many scenarios, by action."""

    def __init__(self, engine: Engine, scenarios: Iterable[Scenario]) -> None:
        self.engine = engine
        self.checks: dict[str, list[Check]] = {}
        for scenario in scenarios:
            self.add(scenario)

    def add(self, scenario: Scenario) -> None:
        """Take in a scenario's expectations."""
        found = self.engine.registry_facts(scenario.jurisdiction, scenario.facts, scenario.as_of)
        whole = scenario.with_registry(found) if found else scenario
        for action, status in scenario.expect.items():
            if status != NOT_ITS_ACT:
                self.checks.setdefault(action, []).append(Check(self.engine, whole, action, status))
        for action, candidates in scenario.expect_candidates.items():
            self.checks.setdefault(action, []).append(Check(self.engine, whole, action, None, candidates))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: killed by what, equivalent, survived (with facts under which it shows), or unproved."""

    mutant: Mutant
    outcome: str
    by: str = ""
    parting: Parting | None = None
    action: str = ""


Notices = Callable[[Law, str, Spot], str | None]


@dataclass
class Judge:
    """Judges mutants of one rulebook.

    `notices` tells for the law of an action which invariant it breaks, if any.
    """

    landscape: Landscape
    suite: Suite
    notices: Notices | None = None
    _kept: list[Mutant] = field(default_factory=list)

    def judge(self, mutant: Mutant) -> Verdict:
        """What becomes of a mutant."""
        self._kept.append(mutant)  # judgements are remembered by the identity of conditions, so these must live on
        for action in mutant.actions:
            found = self.killer(mutant, action)
            if found is not None:
                return Verdict(mutant, KILLED, f"{found.scenario.file}: {found.scenario.id}", action=action)
        best: Verdict | None = None
        unproved = ""
        for action in mutant.actions:
            for left, right, spot in self.changed(mutant, action):
                try:
                    found_apart = parting(self.landscape, left, right, action, spot)
                except Undecided as error:
                    unproved = unproved or str(error)
                    continue
                if found_apart is None:
                    continue
                broken = self.notices(right, action, spot) if self.notices else None
                if broken:
                    return Verdict(mutant, KILLED, f"invariant {broken}", action=action)
                if best is None or (best.parting is not None and best.parting.scenario is None):
                    best = Verdict(mutant, SURVIVED, parting=found_apart, action=action)
                if best.parting is not None and best.parting.scenario is not None and self.notices is None:
                    return best
        if best is not None:
            return best
        return Verdict(mutant, UNPROVED, unproved) if unproved else Verdict(mutant, EQUIVALENT)

    def killer(self, mutant: Mutant, action: str) -> Check | None:
        """The first expectation on an action that the mutant fails."""
        regimes: dict[tuple[object, ...], Regime] = {}
        for check in self._suspects(mutant, action):
            scenario = check.scenario
            key = (check.path.place.path, scenario.kinds, check.day, tuple(scenario.assume.items()))
            regime = regimes.get(key)
            if regime is None:
                regime = regimes[key] = self.landscape.regime(check.law_on(mutant.path(check.path)), pins=dict(scenario.assume))
            if not check.met(regime):
                return check
        return None

    def _suspects(self, mutant: Mutant, action: str) -> Iterator[Check]:
        """The expectations that the fault can touch: those where a changed rule certainly applies first."""
        later = []
        for check in self.suite.checks.get(action, ()):
            if mutant.jurisdiction not in check.layers or (mutant.kinds and not check.scenario.kinds.intersection(mutant.kinds)):
                continue
            if mutant.days and check.day not in mutant.days:
                continue
            touch = self._touch(mutant, check)
            if touch == 1:
                yield check
            elif touch == 2:
                later.append(check)
        yield from later

    def _touch(self, mutant: Mutant, check: Check) -> int:
        """0: the fault cannot show here; 1: a changed rule's truth certainly changes; 2: it may."""
        if mutant.rule is None:
            assert mutant.concept is not None
            return self._concept_touch(mutant, check)
        before, after = (check.applies(rule, kept=kept) for rule, kept in zip(mutant.rule, (True, False), strict=True))
        if mutant.operator in (EFFECT, RANK):
            return 0 if before == FALSE else 2 if before == OPEN else 1
        if OPEN in (before, after):
            return 2
        return int(before != after)

    def _concept_touch(self, mutant: Mutant, check: Check) -> int:
        assert mutant.concept is not None
        name, body = mutant.concept
        original = next(layer.concepts[name] for layer in check.path.layers if layer.jurisdiction == mutant.jurisdiction)
        before, after = check.view.truth(original), truth(body, check.view.find, check.view.judges)
        if OPEN in (before, after):
            return 2
        return int(before != after)

    def changed(self, mutant: Mutant, action: str) -> Iterator[tuple[Law, Law, Spot]]:
        """Every distinct law of an action that the fault changes: before, after, and a spot where it stands."""
        lexicon = self.landscape.engine.rulebook.lexicon
        if mutant.days:
            yield from self._changed_on_days(mutant, action)
            return
        for found in self.landscape.laws(action):
            path = found.law.path
            if not any(layer.jurisdiction == mutant.jurisdiction for layer in path.layers):
                continue
            if not any(id(before) in found.rules for layer in mutant_layers(mutant, path) for before, _ in mutant.touched(layer)):
                continue
            spots = [spot for spot in found.spots if not mutant.kinds or spot.kind in mutant.kinds]
            if spots:
                spot = next((item for item in spots if item.first <= self.landscape.usual <= item.last), spots[0])
                own = self.landscape.engine.rulebook.path(spot.place)
                left = Law(lexicon, own, frozenset([spot.kind]), spot.first, found.law.actions)
                yield left, Law(lexicon, mutant.path(own), left.kinds, left.day, left.actions), spot

    def _changed_on_days(self, mutant: Mutant, action: str) -> Iterator[tuple[Law, Law, Spot]]:
        lexicon = self.landscape.engine.rulebook.lexicon
        seen: set[object] = set()
        for path in self.landscape.paths:
            if not any(layer.jurisdiction == mutant.jurisdiction for layer in path.layers):
                continue
            for kind in lexicon.actions[action].by:
                for day in mutant.days:
                    left = Law(lexicon, path, frozenset([kind]), day, frozenset([action]))
                    right = Law(lexicon, mutant.path(path), left.kinds, day, left.actions)
                    signatures = (self.landscape.signature(left), self.landscape.signature(right))
                    if signatures[0] != signatures[1] and signatures not in seen:
                        seen.add(signatures)
                        yield left, right, Spot(path.place.path, kind, day, day)


def mutant_layers(mutant: Mutant, path: LawPath) -> Sequence[Layer]:
    """The layers of a path that a mutant may change."""
    names = [layer.jurisdiction for layer in path.layers]
    first = names.index(mutant.jurisdiction)
    return path.layers[first : first + 1] if mutant.rule is not None else path.layers[first:]
