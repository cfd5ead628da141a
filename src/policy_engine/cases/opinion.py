"""The second opinion: every decision held, norm by norm, against a derivation by durable_rules that shares no circuit.

Tests of facts are judged one by one (`reasoning.truth`), conditions by the rulesets of the child process, and the
statuses by `cases.resolution`. A difference is an error, never a choice between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from policy_engine.cases.resolution import resolve
from policy_engine.cases.rete.plan import ALWAYS, Plan, plan
from policy_engine.cases.rete.process import Derivations
from policy_engine.language.tree import ListTest, Tree
from policy_engine.reasoning.records import implies, local_days
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.status import statuses
from policy_engine.reasoning.truth import FALSE, OPEN, TRUE, Truth

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision

MAX_COMPLETIONS = 512
MAX_ANSWERS = 20_000
_WORDS = {TRUE: "applies", FALSE: "does not apply", OPEN: "may apply"}


class Disagreement(RuntimeError):
    """The circuit and the Rete derivation differ: one of them is wrong, so neither is reported as the decision.

    Attributes:
        scenario, action, rule: what they differ on; `rule` is None where only the statuses differ.
        circuit, derived: what each of them says.
    """

    def __init__(self, scenario: str, action: str, rule: str | None, circuit: str, derived: str) -> None:
        self.scenario, self.action, self.rule, self.circuit, self.derived = scenario, action, rule, circuit, derived
        super().__init__(f"{scenario}: {action}{f', {rule}' if rule else ''}: by the circuit: {circuit}; by durable_rules: {derived}")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a decision was confirmed.

    Attributes:
        rules: how many norms and preemptions agree, counted on each action.
        completed: how many of them only completion by completion, since unknowns taken one by one do not tell.
        unconfirmed: rules with more completions than are tried; the derivation leaves them open and contradicts nothing.
    """

    rules: int
    completed: int
    unconfirmed: tuple[str, ...]


class SecondOpinion:
    """Checks decisions in one child process. Safe to share between threads."""

    def __init__(self, derivations: Derivations | None = None) -> None:
        self.derivations = derivations or Derivations()
        self._lock = RLock()
        self._plans: WeakKeyDictionary[Regime, Plan] = WeakKeyDictionary()

    def plan(self, regime: Regime) -> Plan:
        """The rulesets of a regime, compiled once.

        Raises:
            LimitPassed: a ruleset that durable_rules cannot be trusted with.
        """
        with self._lock:
            found = self._plans.get(regime)
            if found is None:
                found = self._plans[regime] = plan(regime)
            return found

    def check(self, decision: Decision) -> Agreement:
        """Hold a decision against the derivation.

        Raises:
            Disagreement: they differ.
            DerivationFailed: the child process crashed or hung, or durable_rules is missing.
        """
        made = self.plan(decision.regime)
        return _Check(decision, made, self.derivations).run()


class _Check:
    def __init__(self, decision: Decision, made: Plan, derivations: Derivations) -> None:
        self.decision, self.plan, self.derivations = decision, made, derivations
        self.completed = 0
        self.unconfirmed: dict[str, None] = {}
        definite, possible = self._fields()
        asked = [definite] if definite == possible else [definite, possible]
        found = derivations.derive(made, asked)
        self.truths = {rule: _truth(output, found[0], found[-1]) for rule, output in made.outputs.items()}

    def _fields(self) -> tuple[set[str], set[str]]:
        """The fields that surely hold, and those that may."""
        definite, possible = {ALWAYS}, {ALWAYS}
        for index, leaf in enumerate(self.plan.leaves):
            may, may_not = self._leaf(leaf)
            if may and may_not:
                possible |= {f"a{index}p", f"a{index}n"}
            else:
                name = f"a{index}{'p' if may else 'n'}"
                definite.add(name)
                possible.add(name)
        for index in range(len(self.plan.free)):
            possible |= {f"q{index}p", f"q{index}n"}
        return definite, possible

    def _leaf(self, leaf: Tree) -> Truth:
        """The truth of a test. Tests of lists are the dear ones: they are remembered for the same records on the same days."""
        view = self.decision.view
        if not isinstance(leaf, ListTest):
            return view.truth(leaf)
        today = local_days(view.scenario.facts, self.plan.time_facts(leaf), view.regime.clockwork.zone)
        day = view.regime.clockwork.local(view.scenario.as_of).date()
        key = (id(leaf), view.find(leaf.fact), day, *today.values())
        found = self.plan.answers.get(key)
        if found is None:
            if len(self.plan.answers) > MAX_ANSWERS:
                self.plan.answers.clear()
            found = self.plan.answers[key] = view.truth(leaf)
        return found

    def run(self) -> Agreement:
        decision, regime = self.decision, self.decision.regime
        checked = 0
        for action, outcome in decision.outcomes.items():
            nodes = regime.action(action).norms
            rules = {node.norm.id: node.applies for node in nodes}
            rules |= {fall.by.id: fall.literal for node in nodes for fall in node.displaced if fall.reason == "preempted"}
            circuit = {literal: self._circuit(action, literal) for literal in set(rules.values())}
            for rule, literal in rules.items():
                self._rule(action, rule, literal, circuit[literal])
            checked += len(rules)
            self._status(action, outcome.bits)
        return Agreement(checked, self.completed, tuple(self.unconfirmed))

    def _circuit(self, action: str, literal: int) -> Truth:
        """What the circuit says of a literal, over every branch."""
        found = [self.decision.regime.literal_truth(action, pattern, literal) for pattern in self.decision.encoding.patterns]
        return any(may for may, _ in found), any(may_not for _, may_not in found)

    def _rule(self, action: str, rule: str, literal: int, circuit: Truth) -> None:
        derived = self.truths[rule]
        if derived == circuit:
            return
        if derived == OPEN and rule not in self.unconfirmed:
            exact = self._complete(rule, literal)
            if exact is None:
                self.unconfirmed[rule] = None
                return
            self.completed += 1
            derived = self.truths[rule] = exact
        if derived != circuit and rule not in self.unconfirmed:
            raise Disagreement(self.decision.scenario.id, action, rule, _WORDS[circuit], _WORDS[derived])

    def _status(self, action: str, bits: int) -> None:
        resolved = resolve(self.decision.regime.law, action, self.truths.__getitem__)
        agree = bits == resolved.bits if resolved.certain else not bits & ~resolved.bits
        if bits and not agree:
            circuit, derived = (" or ".join(statuses(found)) or "nothing" for found in (bits, resolved.bits))
            raise Disagreement(self.decision.scenario.id, action, None, circuit, derived)

    # -- completions ------------------------------------------------------------------------------
    def _complete(self, rule: str, literal: int) -> Truth | None:
        """Exactly whether a rule may apply and may not: derived for each completion of what it hangs on."""
        output = self.plan.outputs[rule]
        facts: list[set[str]] = []
        for pattern in self.decision.encoding.patterns:
            for completion in self._completions(pattern, literal):
                if len(facts) == MAX_COMPLETIONS:
                    return None
                facts.append(self._completed_fields(completion))
        if not facts:
            return None
        found = [output in derived for derived in self.derivations.derive(self.plan, facts)]
        return True in found, False in found

    def _completions(self, pattern: tuple[int, ...], literal: int) -> Iterator[tuple[int, ...]]:
        regime = self.decision.regime
        indexes = [index for index in regime.literal_support(literal) if pattern[index] & (pattern[index] - 1)]
        cells = [[cell for cell in range(pattern[index].bit_length()) if pattern[index] >> cell & 1] for index in indexes]
        lists = [index for index in regime.literal_support(literal) if regime.variables[index].test is not None]
        pairs = [(a, b) for a in lists for b in lists if a != b and implies(regime.variables[a].test, regime.variables[b].test)]  # type: ignore[arg-type]
        for chosen in product(*cells):
            full = list(pattern)
            for index, cell in zip(indexes, chosen, strict=True):
                full[index] = 1 << cell
            if not any(full[a] == 2 and full[b] == 1 for a, b in pairs):
                yield tuple(full)

    def _completed_fields(self, masks: tuple[int, ...]) -> set[str]:
        regime = self.decision.regime
        circuit = regime.circuit
        fields = {ALWAYS}
        for index, leaf in enumerate(self.plan.leaves):
            literal = regime.resolution.literal(leaf)
            atom = circuit.atom[literal >> 1]
            inside, outside = (True, False) if atom is None else (bool(masks[atom[0]] & atom[1]), bool(masks[atom[0]] & ~atom[1]))
            if inside != outside:
                fields.add(f"a{index}{'p' if inside is not bool(literal & 1) else 'n'}")
        questions = {variable.fact: masks[variable.index] for variable in regime.variables if variable.kind == "question"}
        for index, question in enumerate(self.plan.free):
            mask = questions[question]
            if mask & (mask - 1) == 0:
                fields.add(f"q{index}{'p' if mask == 2 else 'n'}")
        return fields


def _truth(output: str | bool, definite: frozenset[str], possible: frozenset[str]) -> Truth:
    if isinstance(output, bool):
        return output, not output
    return output in possible, output not in definite
