"""What one pattern of facts means for one action, worked out once and remembered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.decision import Decision
from policy_engine.reasoning.encode import Encoding, Pattern
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.trace import norm_truth

if TYPE_CHECKING:
    from policy_engine.engine import Engine

OPEN = 4
CUT_OFF = 0x80


@dataclass(frozen=True, slots=True)
class Verdict:
    """One action on one pattern: the status code, the candidates as bits, the citation's place, and for each norm whether it applies (0, 1 or 4, open)."""

    status: int
    candidates: int
    citation: int
    applies: tuple[int, ...]


class Verdicts:
    """Verdicts by regime, action and pattern. The table of citations grows as they are met."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.citations: dict[str, int] = {}
        self._known: dict[tuple[int, str, Pattern], Verdict] = {}

    def of(self, regime: Regime, action: str, pattern: Pattern, cited: bool, applies: bool = False) -> Verdict:
        """The verdict on a pattern. Only the cells that the action can depend on may differ between patterns."""
        key = (id(regime), action, pattern)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > 1_000_000:
                self._known.clear()
            found = self._known[key] = self.of_encoding(regime, action, Encoding((pattern,)), cited, applies)
        return found

    def of_scenario(self, regime: Regime, action: str, encoding: Encoding, cited: bool) -> Verdict:
        """The verdict on one scenario, remembered by the cells that the action can depend on."""
        if len(encoding.patterns) > 1 or encoding.cut_off:
            return self.of_encoding(regime, action, encoding, cited)
        pattern = [1] * len(regime.variables)
        for index in regime.support(action):
            pattern[index] = encoding.patterns[0][index]
        return self.of(regime, action, tuple(pattern), cited)

    def of_encoding(self, regime: Regime, action: str, encoding: Encoding, cited: bool, applies: bool = False) -> Verdict:
        """The verdict on a scenario in cells."""
        bits = regime.rule(encoding, (action,))
        blank = Scenario("", dt.datetime.now(dt.UTC), regime.law.path.place.path, regime.kinds, {})
        outcome = Decision(blank, regime, encoding, bits, (action,), (), self.engine.headlines, self.engine.rulebook).outcomes[action]
        candidates = outcome.bits | (CUT_OFF if outcome.cut_off else 0)
        single = outcome.bits and outcome.bits & (outcome.bits - 1) == 0
        status = outcome.bits.bit_length() - 1 if single else OPEN
        citation = 0
        if cited:
            citation = self.citations.setdefault(outcome.governing[0].citation, len(self.citations))
        norms = regime.action(action).norms if applies else ()
        return Verdict(status, candidates, citation, tuple(_truth(norm_truth(regime, encoding, action, node)[0]) for node in norms))


def _truth(applies: Sequence[bool]) -> int:
    may, may_not = applies
    return OPEN if may and may_not else int(may)
