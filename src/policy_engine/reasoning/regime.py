"""A regime: the law for a place, a kind of agency and a day, compiled to circuits and diagrams when asked."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock

from policy_engine.language.lexicon import Lexicon
from policy_engine.language.rules import RuleBase
from policy_engine.language.tree import ConceptTest, QuestionTest, Tree, walk
from policy_engine.reasoning.cells import CellBuilder, Variable
from policy_engine.reasoning.circuit import Circuit
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.diagram import Diagrams, TooLarge
from policy_engine.reasoning.encode import Encoder, Encoding, Pattern, Presumptions
from policy_engine.reasoning.law import Kinds, Law
from policy_engine.reasoning.resolution import ActionNode, NormNode, Resolution
from policy_engine.reasoning.status import CONFLICT, IMPOSSIBLE, PERMITTED, POSSIBLE, PROHIBITED, REQUIRED
from policy_engine.reasoning.tables import TooManyRows, by_table

MAX_NODES = 50_000
TRIES = 8


@dataclass(slots=True)
class Diagram:
    """An action's diagram: its store, and its root with statuses at the ends."""

    store: Diagrams
    root: int


class Regime:
    """The law in force, ready to rule on patterns."""

    def __init__(
        self,
        law: Law,
        presumptions: Presumptions,
        clockwork: Clockwork,
        agency_fact: str,
        pins: Mapping[str, bool] | None = None,
        events: Mapping[str, tuple[Tree, str | None]] | None = None,
        max_nodes: int = MAX_NODES,
        span: Sequence[Law] = (),
        conditions: Sequence[Tree] = (),
    ) -> None:
        """`span`: the laws whose tests make the variables, where regimes are to be compared; `conditions`: further tests that need cells."""
        self.law, self.clockwork, self.pins, self.max_nodes = law, clockwork, dict(pins or {}), max_nodes
        self.events = events or {}
        self._lock = RLock()
        self.texts: dict[int, str] = {}
        self.counted_from: dict[int, list[str]] = {}
        self._last_planes: tuple[Pattern, bool, dict[int, tuple[int, int]]] = ((), False, {})
        self.actions = tuple(name for name, action in law.lexicon.actions.items() if set(action.by) & law.kinds)
        builder = CellBuilder(law.lexicon)
        laws = span or (law,)
        for one in laws:
            for rule in (*one.norms, *one.preemptions):
                builder.collect(tests_of(rule))
        for tree in conditions:
            builder.collect(tests_in(tree))
        self._add_questions(builder, laws)
        for question in self.pins:
            builder.questions.pop(question, None)
        builder.order.pop(agency_fact, None)
        builder.elements.pop(agency_fact, None)
        self.variables: list[Variable] = builder.variables()
        self.resolution = Resolution(law, self.variables, self.pins, agency_fact)
        self.encoder = Encoder(law.lexicon, self.variables, presumptions, clockwork)
        self.presumptions = presumptions
        self._quick: dict[tuple[str, ...], Callable[[Sequence[int]], tuple[int, ...]]] = {}
        self._supports: dict[str, tuple[int, ...]] = {}
        self._status_supports: dict[str, tuple[int, ...]] = {}
        self._constraints: dict[str, int] = {}
        self._literal_supports: dict[int, tuple[int, ...]] = {}
        self._literal_roots: dict[tuple[str, int], int] = {}
        self._diagrams: dict[str, Diagram | None] = {}
        self._memo: dict[tuple[tuple[str, ...], Pattern], tuple[int, ...]] = {}

    def _add_questions(self, builder: CellBuilder, laws: Sequence[Law]) -> None:
        """Questions bring the tests of the holdings that settle them, and those may ask further questions."""
        done: set[str] = set()
        while True:
            new = [name for name in builder.questions if name not in done and name not in self.pins]
            if not new:
                return
            for name in new:
                done.add(name)
                for item in (holding for law in laws for holding in law.holdings):
                    if item.settles == name:
                        builder.collect(tests_of(item))

    @property
    def lexicon(self) -> Lexicon:
        """The vocabulary."""
        return self.law.lexicon

    @property
    def circuit(self) -> Circuit:
        """The shared circuit."""
        return self.resolution.circuit

    @property
    def kinds(self) -> Kinds:
        """The agency's kinds."""
        return self.law.kinds

    def encode(self, facts: Mapping[str, object], as_of: dt.datetime) -> Encoding:
        """The patterns of a scenario's facts."""
        return self.encoder.encode(facts, as_of)  # type: ignore[arg-type]

    def action(self, name: str) -> ActionNode:
        """The circuit of one action."""
        with self._lock:
            return self.resolution.action(name)

    def support(self, action: str) -> tuple[int, ...]:
        """The variables that an action's norms and status can depend on."""
        found = self._supports.get(action)
        if found is None:
            node = self.action(action)
            outputs = [*node.conditions(), *(literal for item in node.norms for literal in (item.applies, item.survives))]
            found = self._supports[action] = tuple(self.circuit.support(outputs))
        return found

    def status_support(self, action: str) -> tuple[int, ...]:
        """The variables that an action's status can depend on."""
        found = self._status_supports.get(action)
        if found is None:
            found = self._status_supports[action] = tuple(self.circuit.support(self.action(action).conditions()))
        return found

    def questions(self, action: str) -> set[str]:
        """The questions of law that an action's norms and preemptions ask, also through the holdings that settle them."""
        rules: list[RuleBase] = [norm for norm in self.law.norms if action in norm.actions]
        rules += [item for item in self.law.preemptions if action in item.actions]
        found = {test.question for rule in rules for test in tests_of(rule) if isinstance(test, QuestionTest)}
        left = list(found)
        while left:
            name = left.pop()
            more = {test.question for item in self.law.holdings if item.settles == name for test in tests_of(item) if isinstance(test, QuestionTest)} - found
            found |= more
            left += more
        return found

    # -- ruling -----------------------------------------------------------------------------------
    def rule(self, encoding: Encoding, actions: tuple[str, ...]) -> tuple[int, ...]:
        """For each action the set of statuses over all completions, as bits; 0 where the search was cut off."""
        if len(encoding.patterns) == 1:
            return self.rule_pattern(encoding.patterns[0], actions)
        results = [self.rule_pattern(pattern, actions) for pattern in encoding.patterns]
        return tuple(0 if 0 in bits else _union(bits) for bits in zip(*results, strict=True))

    def rule_pattern(self, pattern: Pattern, actions: tuple[str, ...]) -> tuple[int, ...]:
        """The same for one pattern; remembered."""
        key = (actions, pattern)
        found = self._memo.get(key)
        if found is None:
            if all(mask & (mask - 1) == 0 for mask in pattern):
                found = self._run(actions)(pattern)
            else:
                found = tuple(self._rule_one(pattern, action) for action in actions)
            if len(self._memo) > 200_000:
                self._memo.clear()
            self._memo[key] = found
        return found

    def _rule_one(self, pattern: Pattern, action: str) -> int:
        if all(pattern[index] & (pattern[index] - 1) == 0 for index in self.status_support(action)):
            return self._run((action,))(pattern)[0]
        diagram = self.diagram(action)
        if diagram is not None:
            return diagram.store.reach(diagram.root, pattern, {}) & POSSIBLE
        return self._by_table(pattern, action)

    def _by_table(self, pattern: Pattern, action: str) -> int:
        node = self.action(action)
        try:
            return by_table(self.circuit, pattern, (*node.conditions(), self.constraint(action)), node.default_prohibited)
        except TooManyRows:
            return 0

    def _run(self, actions: tuple[str, ...]) -> Callable[[Sequence[int]], tuple[int, ...]]:
        found = self._quick.get(actions)
        if found is not None:
            return found
        with self._lock:
            nodes = [self.action(name) for name in actions]
            outputs = [literal for node in nodes for literal in node.conditions()]
            found = self._quick[actions] = self.circuit.compile(outputs, lambda words: ", ".join(_status_code(words, nodes)))
        return found

    # -- diagrams ---------------------------------------------------------------------------------
    def constraint(self, action: str) -> int:
        """What must hold between the tests of lists that the action depends on."""
        found = self._constraints.get(action)
        if found is None:
            found = self._constraints[action] = self.resolution.constraint(self.support(action))
        return found

    def diagram(self, action: str) -> Diagram | None:
        """The action's diagram, built once; None if it would pass the bound under every order tried."""
        if action not in self._diagrams:
            with self._lock:
                if action not in self._diagrams:
                    self._diagrams[action] = self._build(action)
        return self._diagrams[action]

    def _build(self, action: str) -> Diagram | None:
        for order in orders(self.order(action)):
            try:
                return self.grow(action, order)
            except TooLarge:
                continue
        return None

    def order(self, action: str) -> list[int]:
        """The variables of an action in the order in which its diagram is first tried."""
        node = self.action(action)
        order = self.circuit.support([*node.conditions(), self.constraint(action)])
        falls = self.circuit.support([fall.literal for item in node.norms for fall in item.displaced])
        return list(dict.fromkeys([*order, *self.support(action), *falls]))

    def rule_once(self, encoding: Encoding, action: str) -> int:
        """The same as `rule` for one action, for a regime that decides little: the diagram is made for what is open in this one case."""
        try:
            found = [self.grow(action, self.order(action), pattern) for pattern in encoding.patterns]
        except TooLarge:
            return self.rule(encoding, (action,))[0]
        return _union([diagram.store.reach(diagram.root, pattern, {}) & POSSIBLE for diagram, pattern in zip(found, encoding.patterns, strict=True)])

    def grow(self, action: str, order: Sequence[int], known: Sequence[int] | None = None) -> Diagram:
        """The action's diagram under one order of the variables; `known`: the cells that they are confined to.

        Raises:
            TooLarge: it would pass the bound.
        """
        node = self.action(action)
        store = Diagrams(self.circuit, order, self.max_nodes, known)
        require, forbid, grant = (store.build(literal) for literal in node.conditions())
        want = store.negate(grant) if node.default_prohibited else 0
        possible = store.build(self.constraint(action))
        cases = [(store.negate(possible), IMPOSSIBLE), (store.and_(require, forbid), CONFLICT), (forbid, PROHIBITED), (want, PROHIBITED), (require, REQUIRED)]
        return Diagram(store, store.choose(cases, PERMITTED))

    def norm_truth(self, action: str, pattern: Pattern, node: NormNode) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
        """Exactly whether a norm may apply and may not, may survive and may not."""
        return self.literal_truth(action, pattern, node.applies), self.literal_truth(action, pattern, node.survives)

    def literal_truth(self, action: str, pattern: Pattern, literal: int) -> tuple[bool, bool]:
        """Whether a literal of an action's circuit may be true and may be false: exact by the diagram, else by planes."""
        planes = self._last_planes
        if planes[0] != pattern:
            planes = self._last_planes = (pattern, any(mask & (mask - 1) for mask in pattern), {})
        _, has_open, known = planes
        if has_open and any(pattern[index] & (pattern[index] - 1) for index in self.literal_support(literal)):
            diagram = self.diagram(action)
            root = None if diagram is None else self.literal_root(action, diagram.store, literal)
            if diagram is not None and root is not None:
                bits = diagram.store.reach(root, pattern, {})
                return bool(bits & 2), bool(bits & 1)
        node = literal >> 1
        if node not in known:
            self.circuit.extend_planes(node, known, lambda index, mask: (int(pattern[index] & mask != 0), int(pattern[index] & ~mask != 0)))
        may, may_not = known[node]
        return (bool(may_not), bool(may)) if literal & 1 else (bool(may), bool(may_not))

    def literal_support(self, literal: int) -> tuple[int, ...]:
        """The variables that a literal can depend on."""
        node = literal >> 1
        found = self._literal_supports.get(node)
        if found is None:
            found = self._literal_supports[node] = tuple(self.circuit.support([literal]))
        return found

    def literal_root(self, action: str, store: Diagrams, literal: int) -> int | None:
        """The literal's diagram, with end 2 for what the constraint rules out; None past the bound."""
        key = (action, literal)
        if key in self._literal_roots:
            root = self._literal_roots[key]
            return None if root < 0 else root
        with self._lock:
            try:
                root = store.build(literal)
                # what displaces a norm may test lists that no status of the action hangs on
                outside = set(self.literal_support(literal)).difference(self.support(action))
                constraint = self.resolution.constraint(self.order(action)) if outside else self.constraint(action)
                if constraint != 1:
                    root = store.choose([(store.negate(store.build(constraint)), 2), (root, 1)], 0)
                self._literal_roots[key] = root
            except TooLarge:
                self._literal_roots[key] = -1
        root = self._literal_roots[key]
        return None if root < 0 else root


def orders(first: Sequence[int]) -> Iterator[list[int]]:
    """The orders of variables under which a diagram is tried: the first, then some that move one variable each."""
    order = list(first)
    shuffle = random.Random(len(order))
    for _ in range(TRIES):
        yield list(order)
        if order:
            moved = order.pop(shuffle.randrange(len(order)))
            order.insert(shuffle.randrange(len(order) + 1), moved)


def _union(bits: Sequence[int]) -> int:
    result = 0
    for item in bits:
        result |= item
    return result


def _status_code(words: Sequence[str], nodes: Sequence[ActionNode]) -> Iterator[str]:
    for index, node in enumerate(nodes):
        require, forbid, grant = words[3 * index : 3 * index + 3]
        wanting = f"{1 << PROHIBITED} if not {grant} else " if node.default_prohibited else ""
        yield f"({1 << CONFLICT} if {require} else {1 << PROHIBITED}) if {forbid} else {wanting}{1 << REQUIRED} if {require} else {1 << PERMITTED}"


def tests_of(rule: RuleBase) -> Iterator[Tree]:
    """Every test of a fact or question in a rule's conditions."""
    for tree in (rule.when, rule.unless):
        yield from tests_in(tree)


def tests_in(tree: Tree) -> Iterator[Tree]:
    """Every test of a fact or question in a condition."""
    for node in walk(tree):
        if not isinstance(node, ConceptTest):
            yield node
