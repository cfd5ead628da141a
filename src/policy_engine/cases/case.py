"""A live case: events go in, changed decisions, duties and deadlines come out; what was told is never told otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from policy_engine.cases.events import Event, effective, fold, plain
from policy_engine.cases.horizon import TICK
from policy_engine.cases.ledger import Past
from policy_engine.cases.log import CaseLog
from policy_engine.cases.opinion import SecondOpinion
from policy_engine.cases.rete.process import RulesEngineMissing
from policy_engine.cases.revision import Reviser, decided_at
from policy_engine.cases.step import Act, ClockState, DutyState, Step, step_of
from policy_engine.cases.stepper import Facts, Standing, judge, make_step
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.scenario import Scenario
from policy_engine.language.written import scenario_as_written
from policy_engine.language.yamlfile import Document
from policy_engine.reasoning.decision import Decision

if TYPE_CHECKING:
    from policy_engine.engine import Engine

SCHEMA = "policy-engine.case/1"


class Case:
    """One live case. Made by `Engine.open_case`; used by one thread at a time.

    Attributes:
        scenario: the case at its opening.
        timeline: every step so far, in the order in which it was told.
        events: every event so far, in the order in which it became known.
        rulebook: name, version and digest of the rulebook by which it is decided.
        second_opinion: whether its decisions are checked by durable_rules: `agreed` (perhaps with norms that have too many completions to confirm), `off`,
            or `not had: ...` with the reason.
        torn: what was said of a torn last line when the log was opened; None if there was none.
    """

    def __init__(self, engine: Engine, scenario: Scenario, opinion: SecondOpinion | None, strict: bool = False) -> None:
        self.engine, self.scenario = engine, scenario.at(scenario.as_of)
        self._opinion, self._strict = opinion, strict
        self.second_opinion = "agreed" if opinion else "off"
        self._unconfirmed: dict[str, None] = {}
        self.torn: str | None = None
        self._log: CaseLog | None = None
        path = engine.rulebook.path(scenario.jurisdiction)
        card = engine.rulebook.card
        self.rulebook = {"name": card.name, "version": card.version, "digest": path.digest}
        clockwork = engine.clockwork(path)
        self._cuts = engine.cut_days(path)
        self._reader = engine.event_reader(clockwork.zone)
        self._reviser = Reviser(scenario.facts, self._decide, self._turns)
        self._local = clockwork.local
        self.events: tuple[Event, ...] = ()
        self.timeline: tuple[Step, ...] = ()
        self._standing: Standing

    # -- opening ----------------------------------------------------------------------------------
    def start(self, log: CaseLog | None) -> None:
        """Decide the opening, or take up a log where it ends.

        Raises:
            BadInput: the log cannot be written.
        """
        self._log = log
        self.torn = log.torn if log else None
        if log is not None and log.entries:
            self.take_up(log.entries, str(log.path))
            return
        scenario = self.scenario
        step, self._standing = self._step("opened", scenario.as_of, scenario.as_of, scenario.facts, (), None)
        self._write({"schema": SCHEMA, "case": plain(scenario_as_written(self.scenario, self._reader.zone)), "rulebook": self.rulebook}, [step])
        self.timeline = (step,)

    def take_up(self, entries: Iterable[Mapping[str, Any]], file: str) -> None:
        """Stand where the entries of a log end: what was told stays as it was told.

        If the rulebook's files have changed since, the case is decided anew as it stands, and the log says so.
        """
        events: list[Event] = []
        steps: list[Step] = []
        now = self.scenario.as_of
        rulebook: Any = None
        for entry in entries:
            steps += [step_of(item, self._local) for item in entry["steps"]]
            rulebook = entry.get("rulebook", rulebook)
            if "event" in entry:
                events.append(self._reader.read(Document(file, entry["event"], None), None))
                now = max(now, events[-1].known)
            elif "until" in entry:
                now = dt.datetime.fromisoformat(entry["until"])
        self.events, self.timeline = tuple(events), tuple(steps)
        counting = effective(events)
        scenario = self.scenario
        regime = self.engine.regime(scenario.jurisdiction, scenario.kinds, now, scenario.assume)
        duties = dict(sorted({item.id: item for step in steps for item in step.duties}.items()))
        clocks = dict(sorted({item.id: item for step in steps for item in step.clocks}.items()))
        facts = fold(scenario.facts, counting)
        self._standing = Standing(now, facts, Past.of(counting), regime, steps[-1].outcomes, duties, clocks)
        if rulebook != self.rulebook:
            step, self._standing = self._step("rulebook", now, now, facts, counting, self._standing)
            self._write({"rulebook": self.rulebook}, [step])
            self.timeline += (step,)

    # -- what stands ------------------------------------------------------------------------------
    @property
    def now(self) -> dt.datetime:
        """The moment up to which the case has been told."""
        return self._local(self._standing.now)

    @property
    def decision(self) -> Decision:
        """The decision as things stand, with its trace, duties, deadlines and exposures."""
        return self._stood(self._standing)

    @property
    def facts(self) -> Facts:
        """The facts as the opening and the events state them; what the registry gives beside them stands in `decision.scenario.facts`."""
        return self._standing.facts

    @property
    def duties(self) -> tuple[DutyState, ...]:
        """The duties of the case: open, met, overdue and dropped."""
        return tuple(self._standing.duties.values())

    @property
    def clocks(self) -> tuple[ClockState, ...]:
        """The clocks of the case: running, expired and stopped."""
        return tuple(self._standing.clocks.values())

    @property
    def head(self) -> str | None:
        """The hash of the log's last line. Kept elsewhere, it shows that nothing was cut off or written anew."""
        return self._log.head if self._log else None

    # -- deciding ---------------------------------------------------------------------------------
    def _decide(self, facts: Facts, at: dt.datetime) -> Decision:
        decision = self.engine.decide(replace(self.scenario, facts=facts, as_of=at))
        if self._opinion is not None:
            try:
                open_ = self._opinion.check(decision).unconfirmed
                if open_:
                    self._unconfirmed |= dict.fromkeys(open_)
                    self.second_opinion = f"agreed, but not confirmed for {', '.join(self._unconfirmed)}"
            except RulesEngineMissing as error:
                if self._strict:
                    raise
                self._opinion, self.second_opinion = None, f"not had: {error}"
        return decision

    def _stood(self, standing: Standing) -> Decision:
        return self.engine.decide(replace(self.scenario, facts=standing.facts, as_of=standing.now))

    def _step(
        self,
        kind: str,
        at: dt.datetime,
        decided: dt.datetime,
        facts: Facts,
        events: Iterable[Event],
        before: Standing | None,
        event: Event | None = None,
        acts: tuple[Act, ...] = (),
    ) -> tuple[Step, Standing]:
        return make_step(self._decide(facts, decided), kind, at, events, before, self._stood, event, acts)

    def _turns(self, facts: Facts, start: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
        """The turns from one moment and before another. Each is sought under the law and with the registry of the moment that the one before it brought."""
        scenario, engine = self.scenario, self.engine
        days = engine.registry_days(scenario.jurisdiction, facts).union(self._cuts)
        turn: dt.datetime | None = start
        while turn is not None:
            regime = engine.regime(scenario.jurisdiction, scenario.kinds, start, scenario.assume)
            stated = {**engine.registry_facts(scenario.jurisdiction, facts, start), **facts}
            turn = engine.horizon.next_turn(regime, stated, days, start, end)
            if turn is not None:
                yield turn
                start = turn + TICK

    # -- events -----------------------------------------------------------------------------------
    def apply(self, event: Mapping[str, Any] | Event, *, document: Document | None = None) -> Step:
        """Take in an event: the step that it makes. Steps that time alone made before and after it stand in `timeline`.

        An event given again word for word is not doubled: the step that it made is returned.

        Args:
            event: `{id, event, at, known, source, facts, corrects, withdraws, meets, note}`; see docs/live-cases.md.
            document: where the event was read, for messages.

        Raises:
            BadInput: one problem for each fault; nothing is recorded.
            Disagreement: the second opinion differs; nothing is recorded.
            DerivationFailed: durable_rules crashed or hung; nothing is recorded, and the event can be applied again.
        """
        where = document or Document("event", dict(event.written if isinstance(event, Event) else event), None)
        known = self._known(str(where.data.get("id"))) if isinstance(where.data, Mapping) else None
        read = self._reader.read(where, None if known else self.now)
        if known is not None:
            if known.written == read.written or {**read.written, "known": 0} == {**known.written, "known": 0}:
                return next(step for step in self.timeline if step.event == known.id)
            raise BadInput([where.problem(("id",), f"an event `{read.id}` stands in this case already and says something else; correct it with `corrects: {read.id}`")])
        self._check(read, where)
        steps, standing = self._take(read)
        self._write({"event": dict(read.written)}, steps)
        self.events += (read,)
        self.timeline += tuple(steps)
        self._standing = standing
        return next(step for step in steps if step.event == read.id)

    def _known(self, name: str) -> Event | None:
        return next((item for item in self.events if item.id == name), None)

    def _check(self, event: Event, where: Document) -> None:
        if event.replaces:
            valid = [item.id for item in effective(self.events)]
            if event.replaces not in valid:
                key = "corrects" if event.corrects else "withdraws"
                raise BadInput([where.problem((key,), unknown_name("event of this case", event.replaces, valid))])
        duties = [name for name, duty in self._standing.duties.items() if duty.state in ("open", "overdue")]
        for index, name in enumerate(event.meets):
            if name not in duties:
                raise BadInput([where.problem(("meets", index), unknown_name("open duty", name, duties))])

    def _take(self, event: Event) -> tuple[list[Step], Standing]:
        """The steps of an event, and what stands after it. Nothing of the case is changed."""
        touched = [event.at, *(item.at for item in self.events if item.id == event.replaces)]
        late = event.replaces is not None or min(touched) < self._standing.now
        return self._take_late(event, min(touched)) if late else self._take_next(event)

    def _take_next(self, event: Event) -> tuple[list[Step], Standing]:
        events = effective(self.events)
        steps, standing = self._roll(self._standing, event.at, events)
        facts = fold(standing.facts, [event])
        acts = judge(event, standing.outcomes)
        step, standing = self._step("event", event.at, event.at, facts, [*events, event], standing, event, acts)
        more, standing = self._roll(standing, event.known, [*events, event])
        return [*steps, step, *more], standing

    def _take_late(self, event: Event, since: dt.datetime) -> tuple[list[Step], Standing]:
        """Time runs on to the moment at which the event became known; then the past is gone through again."""
        steps, standing = self._roll(self._standing, event.known, effective(self.events))
        events = effective([*self.events, event])
        facts = fold(self.scenario.facts, events)
        told = [*self.timeline, *steps]
        acts = judge(event, decided_at(told, event.at))
        revision = self._reviser.revise(events, told, acts, max(since, self.scenario.as_of), event.known)
        step, standing = self._step("event", event.at, event.known, facts, events, standing, event, acts)
        return [*steps, replace(step, revision=revision)], standing

    # -- time -------------------------------------------------------------------------------------
    def advance(self, until: dt.datetime) -> list[Step]:
        """Let time run to a moment: the steps that time alone makes (limits that run out, look-backs that lapse, new law).

        Time that brings nothing leaves no trace: `now` stays, and what is known later of it is not late.

        Raises:
            BadInput: the moment lies before `now` or has no offset; or the log cannot be written.
        """
        if until.tzinfo is None:
            raise BadInput.one(f"found `{until}`; a moment has an offset", "advance")
        if until < self._standing.now:
            raise BadInput.one(f"the case has been told up to {self.now.isoformat()}; time does not run back to {until.isoformat()}", "advance")
        steps, standing = self._roll(self._standing, until, effective(self.events))
        if steps:
            self._write({"until": self._local(until).isoformat()}, steps)
            self.timeline += tuple(steps)
            self._standing = standing
        return steps

    def next_turn(self, before: dt.datetime) -> dt.datetime | None:
        """The next moment before another at which time alone may change something."""
        return next(self._turns(self._standing.facts, self._standing.now, before), None)

    def _roll(self, standing: Standing, until: dt.datetime, events: list[Event]) -> tuple[list[Step], Standing]:
        steps: list[Step] = []
        while standing.now < until:
            turn = next(self._turns(standing.facts, standing.now, until), None)
            if turn is None:
                break
            step, standing = self._step("turn", turn, turn + TICK, standing.facts, events, standing)
            if not step.empty:
                steps.append(step)
        return steps, replace(standing, now=max(until, standing.now))

    # -- the log ----------------------------------------------------------------------------------
    def _write(self, body: dict[str, Any], steps: list[Step]) -> None:
        if self._log is not None:
            self._log.append({**body, "second_opinion": self.second_opinion, "steps": [step.to_dict() for step in steps]})

    def close(self) -> None:
        """Close the log, if there is one; the case can be read on, and its log opened again."""
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Case:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
