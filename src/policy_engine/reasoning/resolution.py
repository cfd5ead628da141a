"""Section 3 of the design as a circuit: which norms apply, which are displaced by what, and the statuses that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policy_engine.language.rules import HoldingRule, NormRule, PreemptionRule, RuleBase
from policy_engine.language.tree import AllOf, AnyOf, CompareTest, ConceptTest, HasTest, ListTest, Negation, QuestionTest, Tree, ValueTest
from policy_engine.reasoning.cells import Variable, normal
from policy_engine.reasoning.circuit import FALSE, TRUE, Circuit
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.records import implies

CONTRARY = {"require": "forbid", "forbid": "require", "permit": ""}


@dataclass(slots=True)
class Displacement:
    """One way in which a norm falls: by what rule, for which reason, and where."""

    by: RuleBase
    reason: str
    literal: int


@dataclass(slots=True)
class NormNode:
    """A norm on one action in the circuit."""

    norm: NormRule
    applies: int
    survives: int
    displaced: list[Displacement] = field(default_factory=list)


@dataclass(slots=True)
class ActionNode:
    """An action in the circuit: its norms from the highest rank down, and what survives of them."""

    action: str
    norms: list[NormNode]
    require: int
    forbid: int
    grant: int
    default_prohibited: bool

    def conditions(self) -> tuple[int, int, int]:
        """The three literals from which the status follows."""
        return self.require, self.forbid, self.grant


class Resolution:
    """Builds the circuit of a law, action by action."""

    def __init__(self, law: Law, variables: Sequence[Variable], pins: Mapping[str, bool], agency_fact: str) -> None:
        self.law, self.variables, self.pins, self.agency_fact = law, variables, pins, agency_fact
        self.circuit = Circuit([variable.size for variable in variables])
        self._by_key: dict[object, Variable] = {}
        for variable in variables:
            key: object = variable.fact
            if variable.kind == "has":
                key = (variable.fact, variable.element)
            elif variable.kind == "list":
                key = variable.test
            self._by_key[key] = variable
        self._trees: dict[int, int] = {}
        self._questions: dict[str, int] = {}
        self._open_questions: list[str] = []
        self._actions: dict[str, ActionNode] = {}
        self._preempt: dict[str, int] = {}
        self._holdings: dict[str, int] = {}

    # -- conditions -------------------------------------------------------------------------------
    def literal(self, tree: Tree) -> int:
        """The literal of a condition."""
        found = self._trees.get(id(tree))
        if found is None:
            found = self._literal(tree)
            self._trees[id(tree)] = found
        return found

    def _literal(self, tree: Tree) -> int:
        circuit = self.circuit
        match tree:
            case ValueTest(fact, values):
                variable = self._by_key[fact]
                return circuit.test(variable.index, sum(1 << variable.table[value] for value in values))
            case HasTest(fact, element):
                if fact == self.agency_fact:
                    return TRUE if element in self.law.kinds else FALSE
                return circuit.test(self._by_key[fact, element].index, 2)
            case CompareTest(fact):
                variable = self._by_key[fact]
                threshold, opposite = normal(tree)
                at = variable.thresholds.index(threshold)
                mask = sum(1 << cell for signature, cell in variable.signatures.items() if signature[at])
                return circuit.test(variable.index, mask) ^ int(opposite)
            case ListTest():
                return circuit.test(self._by_key[tree].index, 2)
            case QuestionTest(question):
                return self.question(question)
            case ConceptTest(body=body):
                return self.literal(body)
            case AllOf(parts):
                return circuit.all(self.literal(part) for part in parts)
            case AnyOf(parts):
                return circuit.any(self.literal(part) for part in parts)
            case Negation(part):
                return self.literal(part) ^ 1
        raise TypeError(f"{tree!r} stands only under `where`")

    def applies(self, rule: RuleBase) -> int:
        """Where a rule in force applies: `when` holds and `unless` does not."""
        return self.circuit.and_(self.literal(rule.when), self.literal(rule.unless) ^ 1)

    # -- questions of law -------------------------------------------------------------------------
    def question(self, name: str) -> int:
        """Where a question of law is answered yes: as settled by holdings, else free."""
        if name in self.pins:
            return TRUE if self.pins[name] else FALSE
        found = self._questions.get(name)
        if found is not None:
            return found
        free = self.circuit.test(self._by_key[name].index, 2)
        if name in self._open_questions:
            return free
        self._open_questions.append(name)
        circuit = self.circuit
        yes = circuit.any(self.holding(item) for item in self.holdings(name) if item.answer)
        no = circuit.any(self.holding(item) for item in self.holdings(name) if not item.answer)
        self._open_questions.pop()
        settled_yes, settled_no = circuit.and_(yes, no ^ 1), circuit.and_(no, yes ^ 1)
        unsettled = circuit.and_(settled_yes ^ 1, settled_no ^ 1)
        found = circuit.or_(settled_yes, circuit.and_(unsettled, free))
        self._questions[name] = found
        return found

    def holdings(self, question: str, weight: str = "binding") -> list[HoldingRule]:
        """The holdings on a question of one weight."""
        return [item for item in self.law.holdings if item.settles == question and item.weight == weight]

    def holding(self, item: HoldingRule, trail: tuple[str, ...] = ()) -> int:
        """Where a holding applies and no applying one overrules it."""
        if item.id in trail:
            return FALSE
        found = self._holdings.get(item.id)
        if found is None:
            over = [self.holding(other, (*trail, item.id)) for other in self.law.holdings if item.id in other.overrules]
            found = self.circuit.and_(self.applies(item), self.circuit.any(over) ^ 1)
            if not trail:
                self._holdings[item.id] = found
        return found

    # -- norms ------------------------------------------------------------------------------------
    def preemption(self, item: PreemptionRule) -> int:
        """Where a preemption applies."""
        found = self._preempt.get(item.id)
        if found is None:
            found = self._preempt[item.id] = self.applies(item)
        return found

    def action(self, name: str) -> ActionNode:
        """The circuit of one action."""
        found = self._actions.get(name)
        if found is None:
            found = self._actions[name] = self._action(name)
        return found

    def _action(self, name: str) -> ActionNode:
        circuit = self.circuit
        norms = order([norm for norm in self.law.norms if name in norm.actions])
        made: list[NormNode] = []
        for norm in norms:
            node = NormNode(norm, self.applies(norm), FALSE)
            for item in self.law.preemptions:
                if item.selects(norm, name):
                    node.displaced.append(Displacement(item, "preempted", self.preemption(item)))
            for other in made:
                if norm.id in other.norm.overrides:
                    node.displaced.append(Displacement(other.norm, "overridden", other.survives))
                elif other.norm.rank < norm.rank and CONTRARY[norm.effect] == other.norm.effect:
                    node.displaced.append(Displacement(other.norm, "outranked", other.survives))
            node.survives = circuit.and_(node.applies, circuit.any(item.literal for item in node.displaced) ^ 1)
            made.append(node)
        by_effect = {effect: circuit.any(node.survives for node in made if node.norm.effect == effect) for effect in ("require", "forbid")}
        grant = circuit.any(node.survives for node in made if node.norm.grants)
        prohibited = self.law.lexicon.actions[name].default == "prohibited"
        return ActionNode(name, made, by_effect["require"], by_effect["forbid"], grant, prohibited)

    def constraint(self, support: Iterable[int]) -> int:
        """What must hold between tests of one list among the variables: the stronger test brings the weaker."""
        lists = [self.variables[index] for index in support if self.variables[index].kind == "list"]
        parts = []
        for strong in lists:
            for weak in lists:
                if strong is not weak and strong.test and weak.test and implies(strong.test, weak.test):
                    parts.append(self.circuit.or_(self.circuit.test(strong.index, 1), self.circuit.test(weak.index, 2)))
        return self.circuit.all(parts)


def order(norms: Iterable[NormRule]) -> list[NormRule]:
    """Norms from the highest rank down; within a rank, one that overrides another comes before it."""
    by_id = {norm.id: norm for norm in norms}
    made: dict[str, NormRule] = {}
    overriders: dict[str, list[NormRule]] = {}
    for norm in by_id.values():
        for other in norm.overrides:
            overriders.setdefault(other, []).append(norm)

    def visit(norm: NormRule) -> None:
        if norm.id in made:
            return
        for other in overriders.get(norm.id, ()):
            if other.rank == norm.rank:
                visit(other)
        made[norm.id] = norm

    for norm in sorted(by_id.values(), key=lambda item: item.rank):
        visit(norm)
    return list(made.values())
