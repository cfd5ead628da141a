"""The law in force for a kind of agency in a place on a day: which rules stand, before any fact is known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from policy_engine.language.lexicon import Lexicon
from policy_engine.language.rulebook import LawPath
from policy_engine.language.rules import ClockRule, DutyRule, ExposureRule, HoldingRule, Layer, NormRule, NoteRule, PreemptionRule, RuleBase
from policy_engine.language.times import cut_days

Kinds = frozenset[str]


@dataclass(frozen=True)
class Law:
    """The rules in force on a path for `kinds` of agency on `day`; with `actions`, only the norms and preemptions that speak of one of them."""

    lexicon: Lexicon
    path: LawPath
    kinds: Kinds
    day: dt.date
    actions: frozenset[str] | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the path, outermost first."""
        return self.path.layers

    def _stands(self, rule: RuleBase) -> bool:
        kinds = self.reach(rule.jurisdiction)
        return bool(kinds) and rule.stands(self.day, kinds)

    def _speaks(self, rule: NormRule | PreemptionRule) -> bool:
        return self.actions is None or not self.actions.isdisjoint(rule.actions)

    def reach(self, jurisdiction: str) -> Kinds:
        """The agency's kinds that rules of a jurisdiction can bind: those of a place never bind a kind above it."""
        if jurisdiction != self.path.place.path or jurisdiction.count("/") < 2:
            return self.kinds
        return frozenset(kind for kind in self.kinds if self.lexicon.agency_kinds[kind].local_rules)

    @cached_property
    def norms(self) -> tuple[NormRule, ...]:
        """The norms, outermost layer first."""
        return tuple(rule for layer in self.layers for rule in layer.norms if self._speaks(rule) and self._stands(rule))

    @cached_property
    def preemptions(self) -> tuple[PreemptionRule, ...]:
        """The preemptions."""
        return tuple(rule for layer in self.layers for rule in layer.preemptions if self._speaks(rule) and self._stands(rule))

    @cached_property
    def holdings(self) -> tuple[HoldingRule, ...]:
        """The holdings whose territory takes in the place, of every weight."""
        names = {layer.jurisdiction for layer in self.layers}
        return tuple(rule for layer in self.layers for rule in layer.holdings if rule.territory in names and self._stands(rule))

    @cached_property
    def duties(self) -> tuple[DutyRule, ...]:
        """The duties."""
        return tuple(rule for layer in self.layers for rule in layer.duties if self._stands(rule))

    @cached_property
    def clocks(self) -> tuple[ClockRule, ...]:
        """The clocks."""
        return tuple(rule for layer in self.layers for rule in layer.clocks if self._stands(rule))

    @cached_property
    def notes(self) -> tuple[NoteRule, ...]:
        """The notes."""
        return tuple(rule for layer in self.layers for rule in layer.notes if self._stands(rule))

    @cached_property
    def exposures(self) -> tuple[ExposureRule, ...]:
        """The exposures; they bind whatever the kind of agency unless they say so."""
        return tuple(rule for layer in self.layers for rule in layer.exposures if self._stands(rule))


def cuts(path: LawPath) -> list[dt.date]:
    """The days on which the law of a path changes, in order."""
    days: set[dt.date] = set()
    for layer in path.layers:
        for rule in layer.rules:
            days |= cut_days(rule.in_force)
    return sorted(days)
