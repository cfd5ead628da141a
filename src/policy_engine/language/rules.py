"""Rules as reasoning uses them: resolved conditions, spans of days, ranks as numbers, and where each was written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from policy_engine.language.times import Spans, covers
from policy_engine.language.tree import FALSE, TRUE, Tree


@dataclass(frozen=True, slots=True)
class Source:
    """A legal source, with the jurisdiction whose file states it."""

    id: str
    cite: str
    name: str
    kind: str
    rank: str
    status: str
    in_force: Spans
    url: str | None
    confidence: str
    jurisdiction: str
    history: str | None = None


@dataclass(frozen=True, slots=True)
class RuleBase:
    """What every rule has."""

    id: str
    source: Source
    pinpoint: str | None
    binds: frozenset[str] | None
    when: Tree
    unless: Tree
    in_force: Spans
    confidence: str
    says: str
    rank: int
    jurisdiction: str
    file: str
    line: int
    pending: bool
    covers: tuple[str, ...]

    @property
    def citation(self) -> str:
        """Citation with pinpoint."""
        cite = self.source.cite
        if not self.pinpoint or self.pinpoint in cite or self.pinpoint in ("whole", "holding"):
            return cite
        return f"{cite}{self.pinpoint}" if self.pinpoint.startswith("(") and cite[-1].isalnum() else f"{cite}, {self.pinpoint}"

    @property
    def unconditional(self) -> bool:
        """Whether it applies on all facts."""
        return self.when == TRUE and self.unless == FALSE

    def stands(self, day: dt.date, kinds: frozenset[str] | None) -> bool:
        """Whether it is law on `day` and binds one of `kinds`."""
        return not self.pending and covers(self.in_force, day) and self.reaches(kinds)

    def reaches(self, kinds: frozenset[str] | None) -> bool:
        """Whether it binds one of `kinds`; None stands for any agency."""
        return self.binds is None or kinds is None or bool(self.binds & kinds)


@dataclass(frozen=True, slots=True)
class NormRule(RuleBase):
    """A norm. `grants` tells whether it is power where an action is prohibited by default."""

    effect: str
    actions: tuple[str, ...]
    overrides: tuple[str, ...]
    grants: bool
    due: dt.date | None
    within_hours: float | None
    consequence: str | None


@dataclass(frozen=True, slots=True)
class PreemptionRule(RuleBase):
    """A preemption with its selector; `ranks` None stands for every rank that need not be named."""

    actions: frozenset[str]
    effects: frozenset[str]
    ranks: frozenset[int]

    def selects(self, norm: NormRule, action: str) -> bool:
        """Whether it displaces the norm on the action where it applies."""
        return action in self.actions and norm.effect in self.effects and norm.rank in self.ranks and norm.rank > self.rank


@dataclass(frozen=True, slots=True)
class HoldingRule(RuleBase):
    """An answer to a question of law."""

    settles: str
    answer: bool
    territory: str
    overrules: tuple[str, ...]
    weight: str


@dataclass(frozen=True, slots=True)
class DutyRule(RuleBase):
    """A duty that follows an event or accompanies an action."""

    event: str | None
    action: str | None
    must: str
    within_hours: float | None
    excluding: tuple[str, ...]
    starts: str | None


@dataclass(frozen=True, slots=True)
class ClockRule(RuleBase):
    """A limit in time on an action."""

    action: str
    starts: str
    hours: float
    excluding: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExposureRule(RuleBase):
    """Liability attached to a choice about an action."""

    action: str
    choice: str
    actor: str
    kind: str
    amount: str | None
    status: str


@dataclass(frozen=True, slots=True)
class NoteRule(RuleBase):
    """What a source says about an action without effect on it."""

    action: str


@dataclass(frozen=True, slots=True)
class Layer:
    """The rules of one jurisdiction on a path. `meanings`: concepts and classes in plain words."""

    jurisdiction: str
    name: str
    files: tuple[str, ...]
    digests: tuple[str, ...]
    sources: dict[str, Source]
    concepts: dict[str, Tree]
    classes: dict[str, Tree]
    norms: tuple[NormRule, ...]
    preemptions: tuple[PreemptionRule, ...]
    holdings: tuple[HoldingRule, ...]
    duties: tuple[DutyRule, ...]
    clocks: tuple[ClockRule, ...]
    exposures: tuple[ExposureRule, ...]
    notes: tuple[NoteRule, ...]
    meanings: dict[str, str] = field(default_factory=dict)
    says: str = ""

    @property
    def rules(self) -> tuple[RuleBase, ...]:
        """Every rule of the layer."""
        return (*self.norms, *self.preemptions, *self.holdings, *self.duties, *self.clocks, *self.exposures, *self.notes)
