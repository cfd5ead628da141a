"""Invariants proved over every completion of the facts, in every place, for every kind of agency and on every day; or a counterexample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policy_engine.language.rulebook import LawPath
from policy_engine.language.scenario import Scenario
from policy_engine.language.tree import HasTest
from policy_engine.reasoning.diagram import Diagrams, TooLarge
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.regime import Diagram, Regime, orders, tests_in
from policy_engine.reasoning.status import CODES, IMPOSSIBLE
from policy_engine.testing.invariants import Invariant
from policy_engine.testing.landscape import ActionLaw, Landscape, Spot
from policy_engine.testing.realize import Situation
from policy_engine.testing.search import Undecided, reached

KEPT, BROKEN = 0, 1


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Where an invariant is broken. `scenario` is None where no values were found for the cells that break it; `told` says how."""

    invariant: Invariant
    spot: Spot
    action: str
    told: str
    scenario: Scenario | None


class Prover:
    """Proves the invariants of a rulebook.

    Raises (when asked):
        Undecided: a diagram would pass its bound.
    """

    def __init__(self, landscape: Landscape, invariants: Sequence[Invariant]) -> None:
        self.landscape, self.invariants = landscape, invariants
        self._found: dict[str, dict[str, Counterexample]] = {}

    def counterexample(self, invariant: Invariant) -> Counterexample | None:
        """The first counterexample; None is a proof that there is none."""
        for action in invariant.actions:
            found = self.results(action).get(invariant.id)
            if found is not None:
                return found
        return None

    def results(self, action: str) -> dict[str, Counterexample]:
        """The counterexample to each broken invariant on an action, all found in one walk over its laws."""
        found = self._found.get(action)
        if found is None:
            found = self._found[action] = {}
            for item in self.landscape.laws(action):
                for spot in self._spots(item):
                    law = self._law_at(item, spot)
                    for broken in self.violations(law, action, spot):
                        kept = found.get(broken.invariant.id)
                        if kept is None or (kept.scenario is None and broken.scenario is not None):
                            found[broken.invariant.id] = broken
        return found

    def _spots(self, item: ActionLaw) -> Iterator[Spot]:
        """Enough spots of one law that every invariant on it meets each law above it, and each kind of agency where one asks for it."""
        seen: set[object] = set()
        for spot in item.spots:
            about = tuple(one.id for one in self.invariants if item.action in one.actions and one.speaks_of(spot))
            asks = any(one.id in about and self._asks_kind(one) for one in self.invariants)
            key = (about, spot.kind if asks else "")
            if about and key not in seen:
                seen.add(key)
                yield spot

    def _asks_kind(self, invariant: Invariant) -> bool:
        agency = self.landscape.engine.rulebook.card.agency_fact
        return any(isinstance(test, HasTest) and test.fact == agency for test in tests_in(invariant.when))

    def _law_at(self, item: ActionLaw, spot: Spot) -> Law:
        path = self.landscape.engine.rulebook.path(spot.place)
        return replace(item.law, path=path, kinds=frozenset([spot.kind]), day=spot.first)

    def violations(self, law: Law, action: str, spot: Spot) -> Iterator[Counterexample]:
        """The invariants that the law of an action breaks."""
        about = [item for item in self.invariants if action in item.actions and item.speaks_of(spot)]
        if not about:
            return
        above = _above(law) if any(item.kind == "refines" for item in about) else None
        proof = _Proof(self.landscape, law, above, action, spot, about)
        for item in about:
            broken = proof.broken(item)
            if broken is not None:
                yield broken


def _above(law: Law) -> Law | None:
    """The law of the same day without the innermost layer that has rules; None where there is one layer only."""
    layers = law.path.layers
    return Law(law.lexicon, LawPath(law.path.place, layers[:-1], law.path.digest), law.kinds, law.day, law.actions) if len(layers) > 1 else None


class _Proof:
    """The diagrams of one law, against which invariants are held."""

    def __init__(self, landscape: Landscape, law: Law, above: Law | None, action: str, spot: Spot, about: Sequence[Invariant]) -> None:
        self.landscape, self.action, self.spot = landscape, action, spot
        conditions = [item.when for item in about]
        laws = (law,) if above is None else (law, above)
        self.regime = landscape.regime(law, span=laws, conditions=conditions)
        regimes = [self.regime] + [landscape.regime(other, span=laws, conditions=conditions) for other in laws[1:]]
        self.diagrams = self._grown(regimes, about)
        self.store: Diagrams = self.diagrams[0].store
        self.root = self.diagrams[0].root

    def _grown(self, regimes: list[Regime], about: Sequence[Invariant]) -> list[Diagram]:
        regime = self.regime
        literals = [regime.resolution.literal(item.when) for item in about]
        order = list(dict.fromkeys([*(index for one in regimes for index in one.order(self.action)), *regime.circuit.support(literals)]))
        changed = {name for item in about for facts in (item.change, item.other) for name in facts or ()}
        order += [variable.index for variable in regime.variables if variable.index not in order and variable.fact in changed]
        for tried in orders(order):
            try:
                home, *others = [one.grow(self.action, tried) for one in regimes]
                full = [variable.full for variable in regime.variables]
                self.possible = home.store.build(regime.resolution.constraint(tried))
                self.regions = {item.id: home.store.and_(home.store.build(literal), self.possible) for item, literal in zip(about, literals, strict=True)}
                return [home, *(Diagram(home.store, other.store.restrict(other.root, full, into=home.store)) for other in others)]
            except TooLarge:
                continue
        raise Undecided(self.action)

    def broken(self, invariant: Invariant) -> Counterexample | None:
        """How an invariant is broken; None where it is kept."""
        store, region = self.store, self.regions[invariant.id]
        for bad, told in self._bad(invariant):
            inside = store.pair(bad, region, lambda a, b: BROKEN if a == BROKEN and b == 1 else KEPT)
            if inside == KEPT:
                continue
            day = min(max(self.spot.day(self.landscape.usual), invariant.first), invariant.last)
            situation = Situation.at(self.landscape.engine, self.regime, self.spot, day)
            tried = False
            for _, _, scenario in reached(situation, store, inside, [BROKEN]):
                tried = True
                if scenario is not None:
                    return Counterexample(invariant, self.spot, self.action, told, replace(scenario, id=f"counterexample-{invariant.id}", title=invariant.says))
            if tried:
                return Counterexample(invariant, self.spot, self.action, told, None)
        return None

    def _bad(self, invariant: Invariant) -> Iterator[tuple[int, str]]:
        """Diagrams whose end 1 is where the invariant is broken, each with the words for it."""
        store, root = self.store, self.root
        match invariant.kind:
            case "always" | "never":
                for code in range(len(CODES)):
                    if (code in invariant.statuses) != (invariant.kind == "always"):
                        yield store.pair(root, 1, lambda a, _, code=code: int(a == code)), f"{self.action} is {CODES[code]}"  # type: ignore[misc]
            case "monotone":
                after = self._with(root, invariant.change or {})
                for one, other in sorted(invariant.steps):
                    yield store.pair(root, after, lambda a, b, one=one, other=other: int((a, b) == (one, other))), f"{self.action} goes from {CODES[one]} to {CODES[other]}"  # type: ignore[misc]
            case "same-as":
                yield self._apart(self._with(root, invariant.change or {}), self._with(root, invariant.other or {})), f"{self.action} comes out differently"
            case "irrelevant":
                for index in store.variables([root]):
                    variable = self.regime.variables[index]
                    if invariant.is_about(variable.fact):
                        cofactors = [self._cell(root, index, cell) for cell in range(variable.size)]
                        for other in dict.fromkeys(cofactors[1:]):
                            yield self._apart(cofactors[0], other), f"{self.action} hangs on {variable.name}"
            case "refines":
                if len(self.diagrams) > 1:
                    kept = invariant.statuses
                    bad = store.pair(root, self.diagrams[1].root, lambda own, above: int(above in kept and own not in kept and own != IMPOSSIBLE))
                    yield bad, f"{self.action} is no longer what the law above makes it"

    def _apart(self, one: int, other: int) -> int:
        return self.store.pair(one, other, lambda a, b: int(a != b and IMPOSSIBLE not in (a, b)))

    def _cell(self, root: int, index: int, cell: int) -> int:
        masks = [variable.full for variable in self.regime.variables]
        masks[index] = 1 << cell
        return self.store.restrict(root, masks)

    def _with(self, root: int, facts: object) -> int:
        """The diagram with some facts known."""
        assert isinstance(facts, dict)
        situation = Situation.at(self.landscape.engine, self.regime, self.spot, self.spot.day(self.landscape.usual))
        pattern = self.regime.encode(facts, situation.as_of).patterns[0]
        masks = [pattern[variable.index] if variable.fact in facts else variable.full for variable in self.regime.variables]
        return self.store.restrict(root, masks)
