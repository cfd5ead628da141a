"""A decision: the ruling told for one scenario, with everything else worked out when it is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from policy_engine.language.facts import UNKNOWN, shown
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.rules import NormRule
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.consequences import Deadline, Duty, Exposure, Note, deadlines, duties, exposures, notes
from policy_engine.reasoning.encode import Encoding
from policy_engine.reasoning.headline import Headlines
from policy_engine.reasoning.inquiry import Dispositive, dispositive, merged
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.resolution import NormNode
from policy_engine.reasoning.status import CODES, POSSIBLE, Basis, Status, statuses
from policy_engine.reasoning.trace import NormTrace, RuleRef, norm_truth, state_of, trace_action
from policy_engine.reasoning.view import View
from policy_engine.reasoning.whatif import WhatIf, what_if


@dataclass(frozen=True, slots=True)
class Taken:
    """A value taken for an absent fact: presumed, or found in the registry."""

    fact: str
    value: str


class Outcome:
    """What law says of one action.

    Attributes:
        action: the action.
        status: its status; `undetermined` where several are possible.
        candidates: the possible statuses (one where it is certain).
        cut_off: the search for candidates ended early, so they may be too many.
    """

    __slots__ = ("_decision", "_dispositive", "_nodes", "action", "bits", "cut_off", "status")

    def __init__(self, decision: Decision, action: str, bits: int, cut_off: bool) -> None:
        self._decision, self.action, self.bits, self.cut_off = decision, action, bits, cut_off
        single = bits and bits & (bits - 1) == 0
        self.status = CODES[bits.bit_length() - 1] if single else Status.UNDETERMINED
        self._dispositive: list[Dispositive] | None = None
        self._nodes: list[tuple[NormNode, str]] | None = None

    def __repr__(self) -> str:
        return f"<{self.action}: {self.status}>"

    @property
    def candidates(self) -> tuple[Status, ...]:
        """The statuses over all completions of what is unknown."""
        return statuses(self.bits or POSSIBLE)

    @property
    def dispositive(self) -> list[Dispositive]:
        """The facts to find out and questions to settle, best first; empty where the status is certain."""
        if self._dispositive is None:
            certain = self.status is not Status.UNDETERMINED
            self._dispositive = [] if certain else dispositive(self._decision.regime, self._decision.encoding, self.action)
        return self._dispositive

    @property
    def because(self) -> str | None:
        """For an undetermined status: `facts`, `law` or `both`."""
        if self.status is not Status.UNDETERMINED:
            return None
        kinds = {item.kind for item in self.dispositive}
        return "both" if len(kinds) > 1 else "law" if kinds == {"law"} else "facts"

    @property
    def if_(self) -> Mapping[str, tuple[Status, ...]]:
        """The candidates under each answer to the best question; empty where the status is certain."""
        return dict(self.dispositive[0].answers) if self.dispositive else {}

    @property
    def leaning(self) -> Status | None:
        """The status when every open question of law takes its agreed persuasive or advisory answer."""
        return self._decision.leaning(self) if self.status is Status.UNDETERMINED else None

    def norms(self) -> list[tuple[NormNode, str]]:
        """Every norm on the action with its state: applied, displaced, not_applicable or open."""
        if self._nodes is None:
            decision = self._decision
            self._nodes = [(node, state_of(*norm_truth(decision.regime, decision.encoding, self.action, node))) for node in decision.regime.action(self.action).norms]
        return self._nodes

    @property
    def basis(self) -> Basis | None:
        """What a certain status rests on: a norm, the default, or want of authority."""
        if self.status in (Status.REQUIRED, Status.CONFLICT):
            return Basis.NORM
        effects = {node.norm.effect for node, state in self.norms() if state == "applied"}
        if self.status is Status.PROHIBITED:
            return Basis.NORM if "forbid" in effects else Basis.WANT_OF_AUTHORITY
        if self.status is Status.PERMITTED:
            return Basis.NORM if "permit" in effects else Basis.DEFAULT
        return None

    def governing_norms(self) -> tuple[NormRule, ...]:
        """The norms from which the status follows, highest rank first; for an undetermined one, those that may survive."""
        if self.status is Status.UNDETERMINED:
            return tuple(node.norm for node, state in self.norms() if state in ("applied", "open"))
        wanted = {
            Status.REQUIRED: ("require",),
            Status.PROHIBITED: ("forbid",),
            Status.CONFLICT: ("require", "forbid"),
            Status.PERMITTED: ("permit",),
        }[self.status]
        found = [node.norm for node, state in self.norms() if state == "applied" and node.norm.effect in wanted]
        if self.status is Status.PERMITTED and self._decision.regime.action(self.action).default_prohibited:
            found.sort(key=lambda norm: not norm.grants)
        return tuple(found)

    @property
    def governing(self) -> tuple[RuleRef, ...]:
        """The governing norms, or the authority of the default where none governs."""
        norms = self.governing_norms()
        if norms:
            return tuple(RuleRef.of(norm) for norm in norms)
        return (self._decision.default_of(self.action),)

    @property
    def displaced(self) -> tuple[RuleRef, ...]:
        """The norms that apply but fall."""
        return tuple(RuleRef.of(node.norm) for node, state in self.norms() if state == "displaced")

    @property
    def confidence(self) -> str:
        """The lowest confidence among the governing norms."""
        order = ("low", "medium", "high")
        return min((item.confidence for item in self.governing), key=order.index)

    @property
    def due(self) -> dt.date | None:
        """For a requirement: the first day by which it is to be met."""
        days = [norm.due for norm in self.governing_norms() if norm.due is not None] if self.status is Status.REQUIRED else []
        return min(days, default=None)


class Decision:
    """The answer to one scenario. Outcomes are ready; the rest is worked out on demand."""

    def __init__(
        self,
        scenario: Scenario,
        regime: Regime,
        encoding: Encoding,
        bits: tuple[int, ...],
        actions: tuple[str, ...],
        asked: tuple[str, ...],
        headlines: Headlines,
        rulebook: Rulebook,
    ) -> None:
        self.scenario, self.regime, self.encoding = scenario, regime, encoding
        self.headlines, self.rulebook = headlines, rulebook
        cut = bool(encoding.cut_off)
        self.outcomes: dict[str, Outcome] = {action: Outcome(self, action, found, cut or found == 0) for action, found in zip(actions, bits, strict=True)}
        self.asked = asked

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}: {item.status}" for name, item in self.outcomes.items())
        return f"<Decision {self.scenario.id} {{{inside}}}>"

    @cached_property
    def view(self) -> View:
        """The facts as they were taken."""
        return View(self.scenario, self.regime)

    @property
    def not_its_act(self) -> tuple[str, ...]:
        """The actions asked about that are not this kind of agency's to do."""
        return tuple(name for name in self.asked if name not in self.outcomes)

    def default_of(self, action: str) -> RuleRef:
        """The authority of an action's default."""
        declared = self.regime.lexicon.actions[action]
        source = next(layer.sources[declared.default_authority] for layer in self.regime.law.layers if declared.default_authority in layer.sources)
        return RuleRef(f"default.{action}", source.cite, source.name, source.rank, source.confidence, source.url, declared.default_why, "", 0)

    @cached_property
    def trace(self) -> dict[str, tuple[NormTrace, ...]]:
        """For each action every norm of the regime, accounted for."""
        return {action: trace_action(self.regime, self.encoding, self.view, action) for action in self.outcomes}

    @cached_property
    def _governing(self) -> dict[str, tuple[NormRule, ...]]:
        return {action: outcome.governing_norms() for action, outcome in self.outcomes.items()}

    @cached_property
    def duties(self) -> tuple[Duty, ...]:
        """What must accompany or follow."""
        return duties(self.regime, self.view, tuple(self.outcomes))

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        """Clocks and days by which requirements are to be met."""
        return deadlines(self.regime, self.view, self._governing)

    @cached_property
    def exposures(self) -> tuple[Exposure, ...]:
        """Liability of doing and of refraining."""
        return exposures(self.regime, self.view, tuple(self.outcomes), self._governing)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What sources say about the actions without effect on them."""
        return notes(self.regime, self.view, tuple(self.outcomes))

    @cached_property
    def presumptions(self) -> tuple[Taken, ...]:
        """The values taken for absent facts on which some outcome can depend."""
        regime = self.regime
        facts = {regime.variables[index].fact for action in self.outcomes for index in regime.support(action)}
        found = []
        for name in regime.lexicon.facts:
            if name in facts and name not in self.scenario.facts:
                value = self.view.find(name)
                if value is not UNKNOWN:
                    found.append(Taken(name, shown(value)))
        return tuple(found)

    @cached_property
    def registry(self) -> tuple[Taken, ...]:
        """The facts found in the rulebook's registry, with their values."""
        return tuple(Taken(name, shown(self.scenario.facts[name])) for name in sorted(self.scenario.registry))

    @cached_property
    def disposition(self) -> str:
        """The headline for a person."""
        return self.headlines.of(self)

    def leaning(self, outcome: Outcome) -> Status | None:
        """See `Outcome.leaning`."""
        regime, masks = self.regime, list(merged(self.encoding))
        by_name = {variable.fact: variable for variable in regime.variables if variable.kind == "question"}
        questions = [item.fact for item in outcome.dispositive if item.kind == "law"]
        if not questions:
            return None
        for question in questions:
            answers = {item.answer for weight in ("persuasive", "advisory") for item in regime.resolution.holdings(question, weight) if self.view.holding(item) == (True, False)}
            if len(answers) != 1:
                return None
            masks[by_name[question].index] = 2 if answers.pop() else 1
        (bits,) = regime.rule_pattern(tuple(masks), (outcome.action,))
        return CODES[bits.bit_length() - 1] if bits and bits & (bits - 1) == 0 else None

    def why(self, action: str) -> tuple[NormTrace, ...]:
        """What governs: the norms that survive, or may."""
        return tuple(item for item in self.trace[action] if item.state in ("applied", "open"))

    def why_not(self, action: str, status: Status | str) -> tuple[NormTrace, ...]:
        """What stands in the way of another status: contrary norms that survive, and those for it that fail or fall."""
        wanted = Status(status)
        contrary = {
            Status.REQUIRED: ("forbid",),
            Status.PERMITTED: ("forbid", "require"),
            Status.PROHIBITED: ("permit", "require"),
            Status.CONFLICT: (),
        }.get(wanted, ())
        helpful = {
            Status.REQUIRED: ("require",),
            Status.PERMITTED: ("permit", "require"),
            Status.PROHIBITED: ("forbid",),
            Status.CONFLICT: ("require", "forbid"),
        }.get(wanted, ())
        against = [item for item in self.trace[action] if item.effect in contrary and item.state in ("applied", "open")]
        failed = [item for item in self.trace[action] if item.effect in helpful and item.state in ("not_applicable", "displaced", "open") and item not in against]
        return (*sorted(against, key=lambda item: item.state != "applied"), *failed)

    def what_if(self, action: str, status: Status | str) -> WhatIf | None:
        """The shortest change of facts that makes `status` certain for `action`; None if no facts can."""
        return what_if(self.regime, self.encoding, self.view, action, Status(status))

    def explain(self, format: str = "text") -> str:
        """The decision told as `text`, `markdown`, `html` or `mermaid`."""
        from policy_engine.report import render

        return render(self, format)

    def to_dict(self, *, trace: bool = True) -> dict[str, Any]:
        """The decision in the documented JSON shape."""
        from policy_engine.report.shape import to_dict

        return to_dict(self, trace=trace)
