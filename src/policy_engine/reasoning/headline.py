"""The headline of a decision, from first-match tables over statuses, candidates and facts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policy_engine.language.conditions import ConditionError
from policy_engine.language.facts import FactValue
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.tree import Tree
from policy_engine.language.vocabulary import Fact
from policy_engine.reasoning.status import Status
from policy_engine.reasoning.truth import TRUE, truth

if TYPE_CHECKING:
    from policy_engine.reasoning.decision import Decision

NOT_ITS_ACT = "not_its_act"


@dataclass(frozen=True, slots=True)
class HeadlinePart:
    """One part of the headline: rows of condition and words."""

    name: str
    rows: tuple[tuple[Tree, str], ...]


class Headlines:
    """The disposition tables of a vocabulary, resolved.

    Raises:
        BadInput: a row that tests what does not exist.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        words = (*(status.value for status in Status), NOT_ITS_ACT)
        extra = {f"status.{name}": Fact(type="enum", ask="", values=words) for name in lexicon.actions}
        extra |= {f"candidates.{name}": Fact(type="set", ask="", values=words) for name in lexicon.actions}
        scope = Scope(replace(lexicon, facts={**lexicon.facts, **extra}))
        problems: list[Problem] = []
        self.parts: list[HeadlinePart] = []
        document = lexicon.documents.get("dispositions")
        for at, table in enumerate(lexicon.dispositions):
            rows = []
            for index, row in enumerate(table.rows):
                loc = ("dispositions", at, "rows", index, "when")
                try:
                    rows.append((resolve(row.when, scope, loc), row.say))
                except ConditionError as error:
                    assert document is not None
                    problems.append(document.problem(error.loc or loc, error.message, offset=error.offset))
            self.parts.append(HeadlinePart(table.part, tuple(rows)))
        if problems:
            raise BadInput(problems)

    def of(self, decision: Decision) -> str:
        """The headline: the words of each part's first row that surely holds, joined."""

        def find(fact: str) -> FactValue:
            kind, _, action = fact.partition(".")
            if kind == "status":
                outcome = decision.outcomes.get(action)
                return outcome.status.value if outcome else NOT_ITS_ACT
            if kind == "candidates":
                outcome = decision.outcomes.get(action)
                return frozenset(item.value for item in outcome.candidates) if outcome else frozenset()
            return decision.view.find(fact)

        said = []
        for part in self.parts:
            for tree, words in part.rows:
                if truth(tree, find, decision.view.judges) == TRUE:
                    said.append(words)
                    break
        return "; ".join(word for word in said if word)
