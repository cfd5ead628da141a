"""The sections of a rule file turned into rules: names checked, conditions resolved, dates cut to the authority's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from policy_engine.language.conditions import ConditionError
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.models import Clock, Duty, Exposure, Holding, Norm, Note, Preemption, Rule, RuleFile, spans_of
from policy_engine.language.problems import Problem, unknown_name
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rules import ClockRule, DutyRule, ExposureRule, HoldingRule, NormRule, NoteRule, PreemptionRule, RuleBase, Source
from policy_engine.language.times import ALWAYS_IN_FORCE, Spans, intersect
from policy_engine.language.tree import FALSE, TRUE, Tree
from policy_engine.language.yamlfile import Document, Loc

WEEKENDS = "weekends"
EFFECTS = ("require", "forbid", "permit")


class Converter:
    """Collects the rules of one layer."""

    def __init__(
        self,
        jurisdiction: str,
        lexicon: Lexicon,
        calendars: frozenset[str],
        sources: dict[str, Source],
        scope: Scope,
        paths: tuple[str, ...],
        problems: list[Problem],
        below: Callable[[str], bool],
    ) -> None:
        self.jurisdiction, self.lexicon, self.sources, self.scope = jurisdiction, lexicon, sources, scope
        self.calendars = calendars | {WEEKENDS}
        self.paths, self.problems, self.below = (*paths, jurisdiction), problems, below
        self.norms: list[NormRule] = []
        self.preemptions: list[PreemptionRule] = []
        self.holdings: list[HoldingRule] = []
        self.duties: list[DutyRule] = []
        self.clocks: list[ClockRule] = []
        self.exposures: list[ExposureRule] = []
        self.notes: list[NoteRule] = []
        self.placed: list[tuple[RuleBase, Document, Loc]] = []
        self.document: Document
        self.loc: Loc = ()

    def convert(self, document: Document, model: RuleFile) -> None:
        """Add every rule of one file."""
        self.document = document
        sections: tuple[tuple[str, Iterable[Rule], list[Any], Any], ...] = (
            ("norms", model.norms, self.norms, self._norm),
            ("preemptions", model.preemptions, self.preemptions, self._preemption),
            ("holdings", model.holdings, self.holdings, self._holding),
            ("duties", model.duties, self.duties, self._duty),
            ("clocks", model.clocks, self.clocks, self._clock),
            ("exposures", model.exposures, self.exposures, self._exposure),
            ("notes", model.notes, self.notes, self._note),
        )
        for section, items, collected, build in sections:
            for index, item in enumerate(items):
                self.loc = (section, index)
                rule = self._rule(item, build)
                if rule is not None:
                    collected.append(rule)
                    self.placed.append((rule, document, self.loc))

    # -- parts that every rule has ----------------------------------------------------------------
    def _fail(self, loc: Loc, message: str) -> None:
        self.problems.append(self.document.problem((*self.loc, *loc), message))

    def _known(self, key: Loc, what: str, names: Iterable[str], valid: Iterable[str]) -> None:
        names, valid = list(names), list(valid)
        for index, name in enumerate(names):
            if name not in valid:
                self._fail(key if len(names) == 1 else (*key, index), unknown_name(what, name, valid))

    def _rule(self, item: Rule, build: Any) -> RuleBase | None:
        source = self.sources.get(item.authority)
        if source is None:
            self._fail(("authority",), unknown_name("authority", item.authority, self.sources))
            return None
        self._known(("binds",), "agency kind", item.binds or (), [*self.lexicon.agency_kinds, "any"])
        rank = getattr(item, "rank", None) or source.rank
        if rank not in self.lexicon.rank_order:
            self._known(("rank",), "rank", [rank], self.lexicon.rank_order)
            return None
        binds = None if item.binds is None or "any" in item.binds else frozenset(item.binds)
        pending = item.status == "pending" or source.status == "pending"
        line, _ = self.document.position(self.loc)
        base = {
            "id": item.id,
            "source": source,
            "pinpoint": item.pinpoint,
            "binds": binds,
            "when": self._condition(item.when, ("when",), "all", TRUE),
            "unless": self._condition(item.unless, ("unless",), "any", FALSE),
            "in_force": self._in_force(item, source),
            "confidence": item.confidence or source.confidence,
            "says": item.says,
            "rank": self.lexicon.rank_order[rank],
            "jurisdiction": self.jurisdiction,
            "file": self.document.file,
            "line": line,
            "pending": pending,
            "covers": item.covers,
        }
        rule: RuleBase | None = build(item, base, rank)
        return rule

    def _condition(self, raw: Any, key: Loc, bare_list: str, default: Tree) -> Tree:
        try:
            return resolve(raw, self.scope, (*self.loc, *key), bare_list=bare_list)
        except ConditionError as error:
            self.problems.append(self.document.problem(error.loc or (*self.loc, *key), error.message, offset=error.offset))
            return default

    def _in_force(self, item: Rule, source: Source) -> Spans:
        own = spans_of(item.in_force)
        if own is None:
            return source.in_force
        check_spans(self.document, (*self.loc, "in_force"), own, self.problems)
        both = intersect(own, source.in_force)
        if not both and source.in_force != ALWAYS_IN_FORCE:
            self._fail(("in_force",), f"never in force: its days lie outside those of authority `{source.id}` ({', '.join(map(str, source.in_force))})")
        return both

    # -- the kinds of rule ------------------------------------------------------------------------
    def _norm(self, item: Norm, base: dict[str, Any], rank: str) -> NormRule:
        self._known((item.effect,), "action", item.actions, self.lexicon.actions)
        gives = item.grants if item.grants is not None else self.lexicon.ranks[rank].grants
        if item.grants is not None and item.effect == "forbid":
            self._fail(("grants",), "a `forbid` grants nothing; `grants` belongs to a require or permit")
        within = item.within.total_hours if item.within else None
        return NormRule(
            **base,
            effect=item.effect,
            actions=item.actions,
            overrides=item.overrides,
            grants=gives and item.effect != "forbid",
            due=item.due,
            within_hours=within,
            consequence=item.consequence,
        )

    def _preemption(self, item: Preemption, base: dict[str, Any], rank: str) -> PreemptionRule:
        selector = item.displaces
        self._known(("displaces", "actions"), "action", selector.actions, self.lexicon.actions)
        order = self.lexicon.rank_order
        if selector.ranks is None:
            ranks = frozenset(index for name, index in order.items() if not self.lexicon.ranks[name].named_only)
        else:
            self._known(("displaces", "ranks"), "rank", selector.ranks, order)
            ranks = frozenset(order[name] for name in selector.ranks if name in order)
            high = [name for name in selector.ranks if name in order and order[name] <= order[rank]]
            if high:
                self._fail(("displaces", "ranks"), f"`{high[0]}` is not below the preemption's own rank {rank}, so it can never be reached")
        return PreemptionRule(**base, actions=frozenset(selector.actions), effects=frozenset(selector.effects), ranks=ranks)

    def _holding(self, item: Holding, base: dict[str, Any], rank: str) -> HoldingRule | None:
        question = self.lexicon.questions.get(item.settles)
        if question is None:
            self._known(("settles",), "question of law", [item.settles], self.lexicon.questions)
            return None
        if item.weight == "binding" and question.settled_by and rank not in question.settled_by:
            self._fail(
                ("weight",),
                f"rank {rank} cannot settle `{item.settles}` (settled by {', '.join(question.settled_by)}); say `weight: persuasive` or `advisory`",
            )
        territory = item.territory or self.jurisdiction
        if territory not in self.paths and not self.below(territory):
            self._fail(("territory",), f"`{territory}` is neither on this path nor below it")
        return HoldingRule(**base, settles=item.settles, answer=item.as_, territory=territory, overrules=item.overrules, weight=item.weight)

    def _duty(self, item: Duty, base: dict[str, Any], _rank: str) -> DutyRule:
        if item.on.action:
            self._known(("on", "action"), "action", [item.on.action], self.lexicon.actions)
        if item.on.event:
            self._known(("on", "event"), "event", [item.on.event], self.lexicon.events)
        if item.starts:
            self._time(("starts",), item.starts)
        excluding = item.within.excluding if item.within else ()
        self._known(("within", "excluding"), "calendar", excluding, self.calendars)
        within = item.within.total_hours if item.within else None
        return DutyRule(**base, event=item.on.event, action=item.on.action, must=item.must, within_hours=within, excluding=excluding, starts=item.starts)

    def _clock(self, item: Clock, base: dict[str, Any], _rank: str) -> ClockRule:
        self._known(("action",), "action", [item.action], self.lexicon.actions)
        self._known(("excluding",), "calendar", item.excluding, self.calendars)
        self._time(("starts",), item.starts)
        return ClockRule(**base, action=item.action, starts=item.starts, hours=item.hours, excluding=item.excluding)

    def _exposure(self, item: Exposure, base: dict[str, Any], _rank: str) -> ExposureRule:
        self._known(("on", "action"), "action", [item.on.action], self.lexicon.actions)
        amount = None if item.amount is None else str(item.amount)
        return ExposureRule(**base, action=item.on.action, choice=item.on.choice, actor=item.actor, kind=item.kind, amount=amount, status=item.status)

    def _note(self, item: Note, base: dict[str, Any], _rank: str) -> NoteRule:
        self._known(("action",), "action", [item.action], self.lexicon.actions)
        return NoteRule(**base, action=item.action)

    def _time(self, key: Loc, name: str) -> None:
        times = [fact for fact, item in self.lexicon.facts.items() if item.type == "time"]
        self._known(key, "time fact", [name], times)


def check_spans(document: Document, loc: Loc, spans: Spans, problems: list[Problem]) -> None:
    """Report spans of one list that share days."""
    ordered = sorted(spans, key=lambda span: span.start)
    for left, right in pairwise(ordered):
        if left.meets(right):
            problems.append(document.problem(loc, f"the spans {left} and {right} overlap"))
