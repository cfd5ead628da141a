"""What a set of scenarios tries of a rulebook: which norms applied, fell or failed and on which tests, which exceptions mattered, which holdings settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from policy_engine.engine import Engine
from policy_engine.language.rules import HoldingRule, Layer, NormRule, PreemptionRule, RuleBase
from policy_engine.language.scenario import Scenario
from policy_engine.language.tree import FALSE, AllOf, AnyOf, ConceptTest, Negation, Tree
from policy_engine.reasoning.decision import Decision, Outcome
from policy_engine.reasoning.truth import OPEN, Truth
from policy_engine.reasoning.truth import TRUE as YES
from policy_engine.reasoning.view import View
from policy_engine.testing.landscape import decide, matches
from policy_engine.testing.mutation import Suite

WHEN, UNLESS, IS = "when", "unless", "is"
APPLIED, DISPLACED, FAILED = "applied", "displaced", "not_applicable"


@dataclass(slots=True)
class LeafCount:
    """How often one test was true, false and open, and how often a norm did not apply because of it alone."""

    tree: Tree
    side: str
    true: int = 0
    false: int = 0
    open: int = 0
    decided: int = 0

    def note(self, found: Truth) -> None:
        """Count one judgement."""
        if found == OPEN:
            self.open += 1
        elif found == YES:
            self.true += 1
        else:
            self.false += 1

    @property
    def both(self) -> bool:
        """Whether it was certainly true once and certainly false once."""
        return self.true > 0 and self.false > 0


@dataclass(slots=True)
class Subject:
    """What was seen of one rule or concept.

    Attributes:
        kind: norm, preemption, holding or concept.
        states: for a norm how often it was applied, displaced, not_applicable and open; for others how often they applied.
        fell_to: for a norm what displaced it, with the reason.
        exceptions: for each exception how often the rule failed because of it.
    """

    id: str
    kind: str
    jurisdiction: str
    file: str
    line: int
    leaves: list[LeafCount]
    states: Counter[str] = field(default_factory=Counter)
    fell_to: Counter[str] = field(default_factory=Counter)
    exceptions: dict[str, int] = field(default_factory=dict)

    @property
    def covered(self) -> bool:
        """Whether it applied at least once, be it displaced or not; a concept: whether it was both true and false."""
        return self.states[APPLIED] + self.states[DISPLACED] > 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What scenarios tried, for every norm, preemption, holding and concept of some jurisdictions."""

    scenarios: int
    checks: int
    subjects: tuple[Subject, ...]

    def of_kind(self, kind: str) -> list[Subject]:
        """The subjects of a kind."""
        return [item for item in self.subjects if item.kind == kind]

    @property
    def norms(self) -> tuple[int, int]:
        """How many norms applied, and of how many."""
        found = self.of_kind("norm")
        return sum(item.covered for item in found), len(found)

    @property
    def leaves(self) -> tuple[int, int]:
        """How many tests came out both ways, and of how many."""
        found = [leaf for item in self.subjects for leaf in item.leaves]
        return sum(leaf.both for leaf in found), len(found)

    @property
    def exceptions(self) -> tuple[int, int]:
        """How many exceptions kept a rule from applying, and of how many."""
        found = [count for item in self.subjects for count in item.exceptions.values()]
        return sum(count > 0 for count in found), len(found)


def measure(engine: Engine, scenarios: Sequence[Scenario], only: Sequence[str] = ()) -> Coverage:
    """What the expectations of some scenarios try; `only`: patterns of the jurisdictions whose rules are counted.

    An action that a scenario expects nothing of is not counted: what is decided and not checked is not tested.

    Raises:
        BadInput: faults in a rule file.
    """
    return _Collector(engine, only).collect(scenarios)


def leaves(tree: Tree) -> Iterator[Tree]:
    """The tests of a condition; a concept is one test where it is used, and its own tests are counted where it is declared."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Negation(part):
            yield from leaves(part)
        case _:
            yield tree


def exceptions_of(rule: RuleBase) -> tuple[Tree, ...]:
    """The exceptions of a rule."""
    if rule.unless == FALSE:
        return ()
    return rule.unless.parts if isinstance(rule.unless, AnyOf) else (rule.unless,)


class _Collector:
    def __init__(self, engine: Engine, only: Sequence[str]) -> None:
        self.engine, self.only = engine, only
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.layers: dict[int, Layer] = {}
        self.questions: dict[tuple[int, str], set[str]] = {}
        for path in engine.rulebook.all_paths():
            for layer in path.layers:
                if id(layer) not in self.layers:
                    self.layers[id(layer)] = layer
                    self._declare(layer)

    def _declare(self, layer: Layer) -> None:
        for kind, rules in (("norm", layer.norms), ("preemption", layer.preemptions), ("holding", layer.holdings)):
            for rule in rules:
                if not rule.pending:
                    self._add(kind, rule.id, layer, rule.file, rule.line, [(WHEN, rule.when), (UNLESS, rule.unless)])
                    self.subjects[layer.jurisdiction, rule.id].exceptions = {str(part): 0 for part in exceptions_of(rule)}
        for name, tree in layer.concepts.items():
            self._add("concept", name, layer, layer.files[0], 1, [(IS, tree)])

    def _add(self, kind: str, id: str, layer: Layer, file: str, line: int, trees: list[tuple[str, Tree]]) -> None:
        counts = [LeafCount(leaf, side) for side, tree in trees for leaf in leaves(tree)]
        self.subjects[layer.jurisdiction, id] = Subject(id, kind, layer.jurisdiction, file, line, counts)

    def collect(self, scenarios: Sequence[Scenario]) -> Coverage:
        suite = Suite(self.engine, scenarios)
        checks = 0
        for action, found in suite.checks.items():
            for check in found:
                checks += 1
                self._note(decide(self.engine, check.scenario, action), action)
        kept = [item for item in self.subjects.values() if matches(item.jurisdiction, self.only)]
        return Coverage(len(scenarios), checks, tuple(kept))

    def _note(self, decision: Decision, action: str) -> None:
        outcome = decision.outcomes.get(action)
        if outcome is None:
            return
        view = decision.view
        concepts: dict[int, ConceptTest] = {}
        for norm, state in self._norms(outcome):
            subject = self._rule(norm, view, concepts)
            subject.states[state] += 1
        law = decision.regime.law
        for item in law.preemptions:
            if action in item.actions:
                self._whether(item, view, concepts)
        asked = self._asked(decision, action)
        for holding in law.holdings:
            if holding.settles in asked:
                self._whether(holding, view, concepts)
        self._falls(decision, action)
        for concept in concepts.values():
            self._concept(concept, view)

    def _asked(self, decision: Decision, action: str) -> set[str]:
        key = (id(decision.regime), action)
        found = self.questions.get(key)
        if found is None:
            found = self.questions[key] = decision.regime.questions(action)
        return found

    def _norms(self, outcome: Outcome) -> Iterator[tuple[NormRule, str]]:
        for node, state in outcome.norms():
            yield node.norm, state

    def _rule(self, rule: RuleBase, view: View, concepts: dict[int, ConceptTest]) -> Subject:
        """Count the tests of a rule, and what alone kept it from applying."""
        subject = self.subjects[rule.jurisdiction, rule.id]
        for leaf in subject.leaves:
            leaf.note(view.truth(leaf.tree))
            collect_concepts(leaf.tree, concepts)
        when, unless = view.truth(rule.when), view.truth(rule.unless)
        if when == YES and unless == YES:
            holding = [part for part in exceptions_of(rule) if view.truth(part)[0]]
            if len(holding) == 1:
                subject.exceptions[str(holding[0])] += 1
        elif not when[0]:
            failed = [leaf for leaf in subject.leaves if leaf.side == WHEN and not view.truth(leaf.tree)[0]]
            if len(failed) == 1:
                failed[0].decided += 1
        return subject

    def _whether(self, rule: PreemptionRule | HoldingRule, view: View, concepts: dict[int, ConceptTest]) -> None:
        subject = self._rule(rule, view, concepts)
        may, may_not = view.holding(rule) if isinstance(rule, HoldingRule) else view.applies(rule)
        subject.states["open" if may and may_not else APPLIED if may else FAILED] += 1

    def _falls(self, decision: Decision, action: str) -> None:
        regime, patterns = decision.regime, decision.encoding.patterns
        for node, state in decision.outcomes[action].norms():
            if state == DISPLACED:
                for fall in node.displaced:
                    if any(regime.literal_truth(action, pattern, fall.literal)[0] for pattern in patterns):
                        self.subjects[node.norm.jurisdiction, node.norm.id].fell_to[f"{fall.reason} by {fall.by.id}"] += 1

    def _concept(self, concept: ConceptTest, view: View) -> None:
        for layer in view.regime.law.layers:
            if layer.concepts.get(concept.name) is concept.body:
                subject = self.subjects[layer.jurisdiction, concept.name]
                found = view.truth(concept.body)
                subject.states["open" if found == OPEN else APPLIED if found == YES else FAILED] += 1
                for leaf in subject.leaves:
                    leaf.note(view.truth(leaf.tree))


def collect_concepts(tree: Tree, into: dict[int, ConceptTest]) -> None:
    """Note the concepts in a condition, also those in concepts, each once."""
    for leaf in leaves(tree):
        if isinstance(leaf, ConceptTest) and id(leaf.body) not in into:
            into[id(leaf.body)] = leaf
            collect_concepts(leaf.body, into)


def gaps(found: Coverage) -> Iterator[str]:
    """One line for each norm that never applied and each test that came out one way only."""
    for item in found.subjects:
        place = f"{item.file}:{item.line}: {item.kind} {item.id}"
        if not item.covered and item.kind == "norm":
            yield f"{place}: never applied"
        for leaf in item.leaves:
            if not leaf.both:
                missing = " or ".join(word for word, count in (("true", leaf.true), ("false", leaf.false)) if not count)
                yield f"{place}: {leaf.side}: `{leaf.tree}` never {missing}"


def as_json(found: Coverage) -> dict[str, object]:
    """The coverage in a shape for JSON."""
    return {
        "schema": "policy-engine.coverage/1",
        "scenarios": found.scenarios,
        "expectations": found.checks,
        "norms": _share(found.norms),
        "leaves": _share(found.leaves),
        "exceptions": _share(found.exceptions),
        "rules": [
            {
                "id": item.id,
                "kind": item.kind,
                "jurisdiction": item.jurisdiction,
                "file": item.file,
                "line": item.line,
                "states": dict(item.states),
                "fell_to": dict(item.fell_to),
                "exceptions": item.exceptions,
                "leaves": [{"side": leaf.side, "test": str(leaf.tree), "true": leaf.true, "false": leaf.false, "open": leaf.open, "decided": leaf.decided} for leaf in item.leaves],
            }
            for item in found.subjects
        ],
    }


def _share(found: tuple[int, int]) -> dict[str, float]:
    return {"covered": found[0], "of": found[1], "percent": round(percent(found), 2)}


def percent(found: tuple[int, int]) -> float:
    """A share in percent; 100 of nothing."""
    return 100 * found[0] / found[1] if found[1] else 100.0


def by_jurisdiction(subjects: Iterable[Subject]) -> dict[str, list[Subject]]:
    """The subjects of each jurisdiction."""
    found: dict[str, list[Subject]] = {}
    for item in subjects:
        found.setdefault(item.jurisdiction, []).append(item)
    return dict(sorted(found.items()))
