"""The rationale: every norm of the regime on an action accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from policy_engine.language.rules import NormRule, RuleBase
from policy_engine.language.tree import Tree
from policy_engine.reasoning.encode import Encoding
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.resolution import NormNode
from policy_engine.reasoning.view import Step, View, blame

REASONS = {"preempted": "preempted by", "overridden": "overridden by", "outranked": "outranked by the contrary"}


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule named with its authority, so that a reader can check it."""

    id: str
    citation: str
    name: str
    rank: str
    confidence: str
    url: str | None
    says: str
    file: str
    line: int

    @classmethod
    def of(cls, rule: RuleBase) -> RuleRef:
        """The reference to a rule; made once for each."""
        known = _REFERENCES.get(id(rule))
        if known is not None:
            return known[1]
        source = rule.source
        made = cls(rule.id, rule.citation, source.name, source.rank, rule.confidence, source.url, rule.says, rule.file, rule.line)
        _REFERENCES[id(rule)] = (rule, made)
        return made


_REFERENCES: dict[int, tuple[RuleBase, RuleRef]] = {}


@dataclass(frozen=True, slots=True)
class Fall:
    """A displacement: preempted, overridden or outranked, by which rule; `certain` unless it hangs on an unknown."""

    reason: str
    by: RuleRef
    certain: bool


class NormTrace(NamedTuple):
    """What became of one norm on one action.

    Attributes:
        state: applied, displaced, not_applicable or open.
        because: the leaves of `when` and `unless` that decide it (for an open norm: the open ones).
        steps: the whole of both conditions, with concepts and holdings as steps.
    """

    norm: RuleRef
    effect: str
    state: str
    because: tuple[Step, ...]
    displaced_by: tuple[Fall, ...]
    when: Step
    unless: Step


def trace_action(regime: Regime, encoding: Encoding, view: View, action: str) -> tuple[NormTrace, ...]:
    """Every norm of the regime on the action, from the highest rank down."""
    return tuple(_trace(regime, encoding, view, action, node) for node in regime.action(action).norms)


def state_of(applies: tuple[bool, bool], survives: tuple[bool, bool]) -> str:
    """A norm's state from whether it may apply and may not, may survive and may not."""
    if not applies[0]:
        return "not_applicable"
    if not survives[1]:
        return "applied"
    if not applies[1] and not survives[0]:
        return "displaced"
    return "open"


def norm_truth(regime: Regime, encoding: Encoding, action: str, node: NormNode) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Whether a norm may apply and may not, may survive and may not, over every branch."""
    if len(encoding.patterns) == 1:
        return regime.norm_truth(action, encoding.patterns[0], node)
    may = [regime.norm_truth(action, pattern, node) for pattern in encoding.patterns]
    applies = (any(a[0] for a, _ in may), any(a[1] for a, _ in may))
    survives = (any(s[0] for _, s in may), any(s[1] for _, s in may))
    return applies, survives


def _trace(regime: Regime, encoding: Encoding, view: View, action: str, node: NormNode) -> NormTrace:
    norm: NormRule = node.norm
    applies, survives = norm_truth(regime, encoding, action, node)
    when, unless = view.explain(norm.when), view.explain(norm.unless)
    falls = []
    if applies[0]:
        for item in node.displaced:
            found = [regime.literal_truth(action, pattern, item.literal) for pattern in encoding.patterns]
            if any(may for may, _ in found):
                falls.append(Fall(item.reason, RuleRef.of(item.by), not any(may_not for _, may_not in found)))
    state = state_of(applies, survives)
    return NormTrace(RuleRef.of(norm), norm.effect, state, _because(state, norm.when, when, norm.unless, unless, view), tuple(falls), when, unless)


def _because(state: str, when_tree: Tree, when: Step, unless_tree: Tree, unless: Step, view: View) -> tuple[Step, ...]:
    wanted: list[Step] = []
    if state == "not_applicable":
        if when.truth == "false":
            wanted = blame(when, when_tree)
        elif unless.truth == "true":
            wanted = blame(unless, unless_tree)
        else:
            wanted = [*blame(when, when_tree), *blame(unless, unless_tree)]
    elif state == "open":
        wanted = [leaf for step, tree in ((when, when_tree), (unless, unless_tree)) if step.truth == "open" for leaf in blame(step, tree)]
    else:
        wanted = blame(when, when_tree)
    return tuple(dict.fromkeys(wanted))
