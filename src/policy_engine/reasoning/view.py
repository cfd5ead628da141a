"""A scenario's facts as reasoning sees them: each value with where it came from, and conditions judged on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from policy_engine.language.facts import UNKNOWN, FactValue, FieldValue, shown
from policy_engine.language.rules import HoldingRule
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment
from policy_engine.language.tree import AllOf, AnyOf, CompareTest, ConceptTest, HasTest, ListTest, Negation, QuestionTest, Tree, ValueTest
from policy_engine.reasoning.records import Today, TooManyCompletions, answers, counted_from, local_days, matches, with_presumptions
from policy_engine.reasoning.regime import Regime
from policy_engine.reasoning.truth import FALSE, OPEN, TRUE, Judges, Truth, truth


@dataclass(frozen=True, slots=True)
class Known:
    """A value and its origin: given, registry, presumed, derived, assumed, settled or unknown."""

    value: str
    origin: str


class Step(NamedTuple):
    """One step of an explanation: the test in words, its truth, and what it rests on."""

    test: str
    truth: str
    value: str
    origin: str
    parts: tuple[Step, ...] = ()
    rule: str | None = None

    def leaves(self) -> tuple[Step, ...]:
        """The steps at the bottom."""
        return tuple(leaf for part in self.parts for leaf in part.leaves()) if self.parts else (self,)


class View:
    """The facts of one scenario under one regime."""

    def __init__(self, scenario: Scenario, regime: Regime) -> None:
        self.scenario, self.regime = scenario, regime
        self.lexicon = regime.lexicon
        self._values: dict[str, FactValue] = dict(scenario.facts)
        self._values[regime.resolution.agency_fact] = scenario.kinds
        self._truths: dict[int, Truth] = {}
        self._known: dict[str, Known] = {}
        self._days: dict[int, Today] = {}
        self._steps: dict[int, Step] = {}
        self._records: dict[str, list[dict[str, FieldValue]]] = {}
        self._marks: dict[int, list[Truth]] = {}
        self._concepts: dict[str, Step] = {}
        self._leaves: dict[Tree, Step] = {}
        self._open_questions: list[str] = []

    def find(self, fact: str) -> FactValue:
        """The value of a fact: given, presumed, or unknown."""
        value = self._values.get(fact)
        if value is None:
            value = self._values[fact] = self.regime.presumptions.value(fact, self.scenario.facts)
        return value

    @cached_property
    def judges(self) -> Judges:
        """How clocks, lists and questions are judged here."""
        return Judges(self.scenario.as_of, self.regime.clockwork, self.on_list, self.on_question)

    def truth(self, tree: Tree) -> Truth:
        """May be true, may be false."""
        # by identity: trees live as long as their rules, and hashing a deep one costs more than judging it
        found = self._truths.get(id(tree))
        if found is None:
            found = self._truths[id(tree)] = truth(tree, self.find, self.judges)
        return found

    def text(self, tree: Tree) -> str:
        """The condition in words."""
        found = self.regime.texts.get(id(tree))
        if found is None:
            found = self.regime.texts[id(tree)] = str(tree)
        return found

    def day_of(self, test: ListTest) -> Today:
        """The local day of the decision, and of the time facts that a list test counts to."""
        known = self._days.get(id(test))
        if known is not None:
            return known
        names = self.regime.counted_from.get(id(test))
        if names is None:
            names = self.regime.counted_from[id(test)] = counted_from(test.where)
        zone = self.regime.clockwork.zone
        found = self._days[id(test)] = Today(self.scenario.as_of.astimezone(zone).date(), local_days(self._values, names, zone))
        return found

    def on_list(self, test: ListTest) -> Truth:
        """Whether a test of a list may hold and may fail."""
        if self.find(test.fact) is UNKNOWN:
            return OPEN
        marks = self.marks(test)
        if OPEN not in marks and test.distinct is None:
            return TRUE if marks.count(TRUE) >= test.least else FALSE
        try:
            found = {holds for (holds,) in answers(self.records(test.fact), [test], self.day_of(test))}
        except TooManyCompletions:
            return OPEN
        return True in found, False in found

    def records(self, fact: str) -> list[dict[str, FieldValue]]:
        """The records of a known list, with their presumed fields."""
        found = self._records.get(fact)
        if found is None:
            value = self.find(fact)
            assert isinstance(value, tuple)
            found = self._records[fact] = [with_presumptions(record, self.lexicon.facts[fact]) for record in value]
        return found

    def marks(self, test: ListTest) -> list[Truth]:
        """For each record of a known list, whether it may match and may not."""
        found = self._marks.get(id(test))
        if found is None:
            today = self.day_of(test)
            found = self._marks[id(test)] = [matches(test.where, record, today) for record in self.records(test.fact)]
        return found

    def on_question(self, question: str) -> Truth:
        """Whether a question of law may be answered yes and may be answered no."""
        pinned = self.scenario.assume.get(question)
        if pinned is not None:
            return TRUE if pinned else FALSE
        if question in self._open_questions:
            return OPEN
        self._open_questions.append(question)
        yes, no = (self._settles(question, answer) for answer in (True, False))
        self._open_questions.pop()
        if yes == TRUE and no == FALSE:
            return TRUE
        return FALSE if no == TRUE and yes == FALSE else OPEN

    def _settles(self, question: str, answer: bool) -> Truth:
        results = [self.holding(item) for item in self.regime.resolution.holdings(question) if item.answer is answer]
        return any(may for may, _ in results), all(may_not for _, may_not in results)

    def holding(self, item: HoldingRule, trail: tuple[str, ...] = ()) -> Truth:
        """Whether a holding may apply, not overruled, and may not."""
        if item.id in trail:
            return FALSE
        may, may_not = self.applies(item)
        for other in self.regime.law.holdings:
            if item.id in other.overrules:
                over, not_over = self.holding(other, (*trail, item.id))
                may, may_not = may and not_over, may_not or over
        return may, may_not

    def applies(self, rule: object) -> Truth:
        """Whether a rule in force may apply and may not."""
        when, unless = self.truth(rule.when), self.truth(rule.unless)  # type: ignore[attr-defined]
        return when[0] and unless[1], when[1] or unless[0]

    # -- explanations -----------------------------------------------------------------------------
    def known(self, fact: str) -> Known:
        """A fact's value and origin."""
        found = self._known.get(fact)
        if found is None:
            found = self._known[fact] = self._look_up(fact)
        return found

    def _look_up(self, fact: str) -> Known:
        if fact in self.scenario.facts:
            value = self.scenario.facts[fact]
            given = "registry" if fact in self.scenario.registry else "unknown" if value is UNKNOWN else "given"
            return Known(shown(value), given)
        if fact == self.regime.resolution.agency_fact:
            return Known(shown(self.scenario.kinds), "given")
        value = self.find(fact)
        return Known("unknown", "unknown") if value is UNKNOWN else Known(shown(value), "presumed")

    def explain(self, tree: Tree) -> Step:
        """The condition as a step, with the steps below it."""
        found = self._steps.get(id(tree))
        if found is None:
            found = self._steps[id(tree)] = self._explain(tree)
        return found

    def _explain(self, tree: Tree) -> Step:
        """A composed condition takes its truth from its parts, so each leaf is judged once."""
        if isinstance(tree, (ValueTest, HasTest)):
            leaf = self._leaves.get(tree)
            if leaf is None:
                known = self.known(tree.fact)
                leaf = self._leaves[tree] = Step(self.text(tree), _word(self.truth(tree)), known.value, known.origin)
            return leaf
        match tree:
            case AllOf(parts):
                steps = tuple([self.explain(part) for part in parts])
                words = {step.truth for step in steps}
                return Step(self.text(tree), "false" if "false" in words else "open" if "open" in words else "true", "", "", steps)
            case AnyOf(parts):
                steps = tuple([self.explain(part) for part in parts])
                words = {step.truth for step in steps}
                return Step(self.text(tree), "true" if "true" in words else "open" if "open" in words else "false", "", "", steps)
            case Negation(part):
                step = self.explain(part)
                return Step(self.text(tree), OPPOSITE[step.truth], "", "", (step,))
            case ConceptTest(name, body):
                # by name, which is one concept on a path: layers read apart hold copies of its body
                told = self._concepts.get(name)
                if told is None:
                    step = self.explain(body)
                    told = self._concepts[name] = Step(name, step.truth, "", "concept", (step,))
                return told
        word = _word(self.truth(tree))
        match tree:
            case QuestionTest(question):
                return self._explain_question(question, word)
            case ListTest():
                return self._explain_list(tree, word)
            case CompareTest(fact):
                return self._explain_compare(tree, fact, word)
        raise TypeError(f"{tree!r} stands only under `where`")

    def _explain_compare(self, tree: CompareTest, fact: str, word: str) -> Step:
        known = self.known(fact)
        value = self.find(fact)
        if isinstance(value, Moment) and value.exact and tree.quantity not in ("is_past", "day"):
            quantity = self.regime.clockwork.quantity(tree.quantity, value.first, self.scenario.as_of)
            return Step(self.text(tree), word, f"{quantity:.4g} ({fact} {known.value})", "derived")
        return Step(self.text(tree), word, known.value, known.origin)

    def _explain_list(self, test: ListTest, word: str) -> Step:
        known = self.known(test.fact)
        value = self.find(test.fact)
        if value is UNKNOWN or not isinstance(value, tuple):
            return Step(self.text(test), word, known.value, known.origin)
        marks = {TRUE: "matches", FALSE: "does not match", OPEN: "may match"}
        parts = tuple(Step(shown((record,)).strip("[]"), _word(found), marks[found], known.origin) for record, found in zip(value, self.marks(test), strict=True))
        return Step(self.text(test), word, known.value if not parts else "", known.origin, parts if parts else ())

    def _explain_question(self, question: str, word: str) -> Step:
        if question in self.scenario.assume:
            return Step(question, word, word, "assumed")
        steps = []
        for item in self.regime.law.holdings:
            if item.settles == question:
                found = self.holding(item)
                answer = "yes" if item.answer else "no"
                told = f"answers {answer}" if item.weight == "binding" else f"leans to {answer} ({item.weight})"
                steps.append(Step(f"{item.citation}", _word(found), told, "holding", rule=item.id))
        origin = "settled" if word != "open" else "unsettled"
        return Step(question, word, word if word != "open" else "unsettled", origin, tuple(steps))


OPPOSITE = {"true": "false", "false": "true", "open": "open"}


def _word(found: Truth) -> str:
    return "open" if found == OPEN else "true" if found[0] else "false"


def blame(step: Step, tree: Tree) -> list[Step]:
    """The leaves that make a condition come out as it does (for an open one: the open leaves)."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            decisive = [(s, t) for s, t in zip(step.parts, parts, strict=True) if s.truth == step.truth]
            return [leaf for s, t in decisive for leaf in blame(s, t)]
        case Negation(part):
            return blame(step.parts[0], part)
        case ConceptTest(body=body):
            return blame(step.parts[0], body)
    return [step]
