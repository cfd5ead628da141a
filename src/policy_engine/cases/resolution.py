"""Section 3 of the design once more, rule by rule, on what another derivation says applies: no circuit is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from policy_engine.language.rules import NormRule
from policy_engine.reasoning.law import Law
from policy_engine.reasoning.status import CONFLICT, PERMITTED, PROHIBITED, REQUIRED
from policy_engine.reasoning.truth import Truth

CONTRARY = {"require": "forbid", "forbid": "require"}


@dataclass(slots=True)
class Resolved:
    """One action resolved.

    Attributes:
        bits: the statuses that can follow; all that do where `certain`, at least those otherwise.
        survives: for each norm whether it may survive and may not.
        certain: nothing on the action was open.
    """

    bits: int
    certain: bool
    survives: dict[str, Truth] = field(default_factory=dict)


def resolve(law: Law, action: str, applies: Callable[[str], Truth]) -> Resolved:
    """The statuses of an action, from whether each norm and preemption may apply and may not."""
    norms = [norm for norm in law.norms if action in norm.actions]
    shields = [(item, applies(item.id)) for item in law.preemptions if action in item.actions]
    survives: dict[str, Truth] = {}

    def survival(norm: NormRule) -> Truth:
        found = survives.get(norm.id)
        if found is None:
            may, may_not = applies(norm.id)
            falls = [truth for item, truth in shields if item.selects(norm, action)]
            for other in norms:
                outranks = other.rank < norm.rank and CONTRARY.get(norm.effect) == other.effect
                if norm.id in other.overrides or outranks:
                    falls.append(survival(other))
            may = may and all(stands for _, stands in falls)
            may_not = may_not or any(fall for fall, _ in falls)
            found = survives[norm.id] = (may, may_not)
        return found

    for norm in norms:
        survival(norm)
    require, forbid = (_any([survives[norm.id] for norm in norms if norm.effect == effect]) for effect in ("require", "forbid"))
    grant = _any([survives[norm.id] for norm in norms if norm.grants])
    if law.lexicon.actions[action].default != "prohibited":
        grant = (True, False)
    bits = 0
    for code, possible in (
        (CONFLICT, require[0] and forbid[0]),
        (PROHIBITED, (forbid[0] and require[1]) or (forbid[1] and grant[1])),
        (REQUIRED, require[0] and forbid[1] and grant[0]),
        (PERMITTED, require[1] and forbid[1] and grant[0]),
    ):
        bits |= possible << code
    certain = not any(may and may_not for may, may_not in (*survives.values(), *(truth for _, truth in shields)))
    return Resolved(bits, certain, survives)


def _any(found: list[Truth]) -> Truth:
    return any(may for may, _ in found), all(may_not for _, may_not in found)
