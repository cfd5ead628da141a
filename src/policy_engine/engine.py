"""The engine: a rulebook made ready to decide scenarios."""

from __future__ import annotations

import bisect
import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from policy_engine.language.conditions import ConditionError
from policy_engine.language.facts import FactValue
from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rulebook import LawPath, Rulebook
from policy_engine.language.scenario import Scenario, scenario_of, scenarios_in
from policy_engine.language.times import parse_time
from policy_engine.language.tree import Tree
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.decision import Decision
from policy_engine.reasoning.encode import Presumption, Presumptions, typed_presumption
from policy_engine.reasoning.headline import Headlines
from policy_engine.reasoning.law import Law, cuts
from policy_engine.reasoning.regime import Regime

if TYPE_CHECKING:
    from policy_engine.batch.evaluate import Batch
    from policy_engine.batch.rejects import Reject
    from policy_engine.cases.case import Case
    from policy_engine.cases.events import EventReader
    from policy_engine.cases.horizon import Horizon
    from policy_engine.cases.opinion import SecondOpinion
    from policy_engine.language.tables import Table

MAX_REGIMES = 400  # compiled regimes kept; the one asked for longest ago is dropped first
MAX_MOMENTS = 50_000  # ways of asking for which the regime is remembered

ScenarioLike = Scenario | Mapping[str, Any] | str | Path


class Engine:
    """Decides scenarios under one rulebook. Safe to share between threads once made.

    Args:
        rules: the folder of a rulebook; the shipped one if left out.
        second_opinion: hold each decision against a derivation by durable_rules, in a child process; see `cases.opinion`.

    Raises:
        BadInput: faults in the rulebook's card, vocabulary or registry, one line each.
    """

    def __init__(self, rules: str | Path | Rulebook | None = None, *, second_opinion: bool = False) -> None:
        self.second_opinion = second_opinion
        self.rulebook = rules if isinstance(rules, Rulebook) else Rulebook(rules)
        lexicon = self.rulebook.lexicon
        self.headlines = Headlines(lexicon)
        self.presumptions = Presumptions(lexicon, self._presumption_rules())
        self.events = self._events()
        self._lock = RLock()
        self._regimes: OrderedDict[tuple[object, ...], Regime] = OrderedDict()
        self._by_moment: dict[tuple[object, ...], Regime] = {}
        self._cuts: dict[str, list[dt.date]] = {}
        self._clockworks: dict[str, Clockwork] = {}
        self._readers: dict[dt.tzinfo, EventReader] = {}
        self._batches: dict[tuple[object, ...], Batch] = {}

    def _presumption_rules(self) -> dict[str, tuple[Presumption, ...]]:
        lexicon, problems = self.rulebook.lexicon, list[Problem]()
        scope = Scope(lexicon)
        rules: dict[str, tuple[Presumption, ...]] = {}
        for name, fact in lexicon.facts.items():
            found = []
            for index, item in enumerate(fact.presume or ()):
                loc = ("facts", name, "presume", index, "when")
                try:
                    when = resolve(item.when, scope, loc)
                except ConditionError as error:
                    problems.append(lexicon.documents["facts"].problem(error.loc or loc, error.message))
                    continue
                if fact.values and fact.type == "enum" and str(item.value) not in fact.values:
                    problems.append(lexicon.documents["facts"].problem(loc[:3], unknown_name(f"value of `{name}`:", str(item.value), fact.values)))
                if fact.type == "bool" and not isinstance(item.value, bool):
                    problems.append(lexicon.documents["facts"].problem(loc[:3], f"`{name}` is true or false; found `{item.value}`"))
                found.append(Presumption(typed_presumption(item.value, fact.type, dt.UTC), when, item.when_given))
            if found:
                rules[name] = tuple(found)
        if problems:
            raise BadInput(problems)
        return rules

    def _events(self) -> dict[str, tuple[Tree, str | None]]:
        lexicon, problems = self.rulebook.lexicon, list[Problem]()
        found: dict[str, tuple[Tree, str | None]] = {}
        for name, event in lexicon.events.items():
            loc = ("events", name, "when")
            try:
                found[name] = (resolve(event.when, Scope(lexicon), loc), event.starts)
            except ConditionError as error:
                problems.append(lexicon.documents["events"].problem(error.loc or loc, error.message))
        if problems:
            raise BadInput(problems)
        return found

    def vocabulary_trees(self) -> Iterator[Tree]:
        """The conditions of the vocabulary: presumptions, events and dispositions."""
        yield from (item.when for rules in self.presumptions.rules.values() for item in rules)
        yield from (tree for tree, _ in self.events.values())
        yield from (tree for part in self.headlines.parts for tree, _ in part.rows)

    # -- scenarios --------------------------------------------------------------------------------
    def scenario(self, given: ScenarioLike) -> Scenario:
        """A scenario from a mapping or from a file that holds just one.

        Raises:
            BadInput: faults in the scenario, one line each.
        """
        if isinstance(given, Scenario):
            return given
        if isinstance(given, Mapping):
            return scenario_of(given, self.rulebook)
        found = self.scenarios(given)
        if len(found) != 1:
            raise BadInput.one(f"holds {len(found)} scenarios; use Engine.scenarios to read them all", str(given))
        return found[0]

    def scenarios(self, path: str | Path) -> list[Scenario]:
        """Every scenario of a file."""
        return scenarios_in(Path(path), self.rulebook)

    # -- regimes ----------------------------------------------------------------------------------
    def regime(self, jurisdiction: str, kinds: Iterable[str], as_of: dt.datetime | dt.date, assume: Mapping[str, bool] | None = None) -> Regime:
        """The law in force for a place, kinds of agency and day, compiled; the same object for the same law as long as it is among the last `MAX_REGIMES`."""
        path = self.rulebook.path(jurisdiction)
        wanted = frozenset(kinds)
        clockwork = self.clockwork(path)
        day = clockwork.local(as_of).date() if isinstance(as_of, dt.datetime) else as_of
        days = self.cut_days(path)
        segment = bisect.bisect_right(days, day)
        pins = tuple(sorted((assume or {}).items()))
        key = (path.place.path, wanted, segment, pins)
        with self._lock:
            found = self._regimes.get(key)
            if found is None:
                law = Law(self.rulebook.lexicon, path, wanted, days[segment - 1] if segment else dt.date.min)
                found = Regime(law, self.presumptions, clockwork, self.rulebook.card.agency_fact, dict(pins), self.events)
                self._regimes[key] = found
                if len(self._regimes) > MAX_REGIMES:
                    self._regimes.popitem(last=False)
                    self._by_moment.clear()  # it must not keep alive what was dropped
            else:
                self._regimes.move_to_end(key)
        return found

    def clockwork(self, path: LawPath) -> Clockwork:
        """The clock of a place."""
        zone = self.rulebook.places.zone(path.place)
        found = self._clockworks.get(zone.key)
        if found is None:
            card = self.rulebook.card
            found = self._clockworks[zone.key] = Clockwork(zone, self.rulebook.calendars, card.workdays.excluding)
        return found

    def cut_days(self, path: LawPath) -> list[dt.date]:
        """The days on which the law of a path changes, in order."""
        found = self._cuts.get(path.place.path)
        if found is None:
            found = self._cuts[path.place.path] = cuts(path)
        return found

    # -- decisions --------------------------------------------------------------------------------
    def evaluate(self, scenario: ScenarioLike, actions: Iterable[str] | None = None, as_of: dt.datetime | str | None = None) -> Decision:
        """The decision for a scenario.

        Args:
            scenario: a Scenario, a mapping, or the path of a file with one scenario.
            actions: the actions to judge; all of the agency's own if left out.
            as_of: another moment than the scenario's.

        Raises:
            BadInput: faults in the scenario or in a rule file on its path.
            Disagreement, DerivationFailed: with `second_opinion`, where it differs or cannot be had.
        """
        decision = self.decide(scenario, actions, as_of)
        if self.second_opinion:
            self.opinion.check(decision)
        return decision

    def decide(self, scenario: ScenarioLike, actions: Iterable[str] | None = None, as_of: dt.datetime | str | None = None) -> Decision:
        """The decision by the circuit alone. See `evaluate`."""
        case = scenario if isinstance(scenario, Scenario) else self.scenario(scenario)
        if as_of is not None:
            case = case.at(self._moment(as_of, case))
        found = self.registry_facts(case.jurisdiction, case.facts, case.as_of)
        if found:
            case = case.with_registry(found)
        key = (case.jurisdiction, case.kinds, case.as_of, tuple(case.assume.items()))
        regime = self._by_moment.get(key)
        if regime is None:
            with self._lock:
                regime = self.regime(case.jurisdiction, case.kinds, case.as_of, case.assume)
                if len(self._by_moment) >= MAX_MOMENTS:
                    self._by_moment.clear()
                self._by_moment[key] = regime
        asked = tuple(actions) if actions is not None else case.actions
        judged = regime.actions
        if asked:
            self._check_actions(asked)
            judged = tuple(name for name in asked if name in regime.actions)
        encoding = regime.encoder.encode(case.facts, case.as_of)
        return Decision(case, regime, encoding, regime.rule(encoding, judged), judged, asked or tuple(case.expect), self.headlines, self.rulebook)

    def registry_facts(self, jurisdiction: str, facts: Mapping[str, FactValue], as_of: dt.datetime) -> dict[str, FactValue]:
        """What the registry's tables say of a place, or of the agency that the facts name, at a moment; empty where they say nothing."""
        found: dict[str, FactValue] = {}
        for table in self._tables_for(facts):
            clockwork = self.clockwork(self.rulebook.path(jurisdiction))
            found |= table.facts(jurisdiction, facts, clockwork.local(as_of).date(), clockwork.zone)
        return found

    def registry_days(self, jurisdiction: str, facts: Mapping[str, FactValue]) -> set[dt.date]:
        """The days from which on the registry's tables may say something else of a place, or of the agency that the facts name."""
        return {day for table in self._tables_for(facts) for day in table.turns(jurisdiction, facts)}

    def _tables_for(self, facts: Mapping[str, FactValue]) -> list[Table]:
        return [table for table in self.rulebook.tables.values() if all(fact in facts for fact in table.spec.match.values())]

    def evaluate_batch(
        self,
        data: Any,
        *,
        actions: Iterable[str] | None = None,
        details: Sequence[str] = ("status", "candidates", "citation"),
        keep: Sequence[str] = (),
        rejects: list[Reject] | None = None,
        as_of: str | None = None,
        jurisdiction: str | None = None,
        agency_kind: str | None = None,
    ) -> Any:
        """The decisions for every row of a table, the same as `evaluate` gives row by row.

        Columns are dotted fact names and `id`, `as_of`, `jurisdiction`, `agency.kind`; missing columns and empty cells are absent facts.

        Args:
            data: an Arrow table, a Polars frame, anything else that speaks Arrow, or the path of a table or of scenario files.
            actions: the actions to judge; all if left out.
            details: of `status`, `candidates`, `citation`, and `applies` (a column for each norm: does it apply?).
            keep: columns that are no facts, carried to the output.
            rejects: a list to which rows that cannot be read are added; without it they raise.
            as_of, jurisdiction, agency_kind: for rows that do not say.

        Returns:
            A Polars frame for a Polars frame, else an Arrow table. An action has no status (null) where it is not the agency's act.

        Raises:
            BadInput: a column that is no fact, a missing library, or rows that cannot be read and no list for them.
        """
        from policy_engine.batch.extras import need

        need("numpy"), need("pyarrow")
        from policy_engine.batch.evaluate import evaluate_batch

        given = {"as_of": as_of, "jurisdiction": jurisdiction, "agency.kind": agency_kind}
        defaults = {name: value for name, value in given.items() if value is not None}
        return evaluate_batch(self, data, actions=actions, details=details, keep=keep, rejects=rejects, defaults=defaults)

    def batch(self, actions: tuple[str, ...] | None, details: tuple[str, ...], defaults: tuple[tuple[str, str], ...], keep: tuple[str, ...]) -> Batch:
        """The batch for a way of asking; kept, with all it has compiled."""
        from policy_engine.batch.evaluate import Batch

        key = (actions, details, defaults, keep)
        found = self._batches.get(key)
        if found is None:
            found = self._batches[key] = Batch(self, actions, details, dict(defaults), keep)
        return found

    def _check_actions(self, asked: tuple[str, ...]) -> None:
        known = self.rulebook.lexicon.actions
        for name in asked:
            if name not in known:
                raise BadInput.one(unknown_name("action", name, known))

    def _moment(self, as_of: dt.datetime | str, case: Scenario) -> dt.datetime:
        found = parse_time(as_of)
        if found is None:
            raise BadInput.one(f"found `{as_of}`; a time is written 2026-03-02T14:00", "as_of")
        if not isinstance(found, dt.datetime):
            found = dt.datetime.combine(found, dt.time(12))
        return found if found.tzinfo else found.replace(tzinfo=case.as_of.tzinfo)

    # -- live cases -------------------------------------------------------------------------------
    @cached_property
    def opinion(self) -> SecondOpinion:
        """The second opinion; its child process starts when it is first asked."""
        from policy_engine.cases.opinion import SecondOpinion

        return SecondOpinion()

    @cached_property
    def horizon(self) -> Horizon:
        """Finds the moments at which time alone may change a decision."""
        from policy_engine.cases.horizon import Horizon

        return Horizon()

    def event_reader(self, zone: dt.tzinfo) -> EventReader:
        """Reads the events of cases in a time zone.

        Raises:
            BadInput: the vocabulary's case events set values that do not fit their facts.
        """
        from policy_engine.cases.events import EventReader

        found = self._readers.get(zone)
        if found is None:
            found = self._readers[zone] = EventReader(self.rulebook, zone)
        return found

    def open_case(self, scenario: ScenarioLike | None = None, *, log: str | Path | None = None, second_opinion: bool | None = None) -> Case:
        """A live case: events in, changed decisions and deadlines out. See docs/live-cases.md.

        Args:
            scenario: the case at its opening; it may be left out where `log` holds it.
            log: the file that keeps every event; made if it is new, else the case is taken up where it ends.
            second_opinion: True insists on it, False does without; left out, it is had wherever durable_rules works.

        Raises:
            BadInput: faults in the scenario; a log that is altered, locked, of another case, or cannot be written.
            Disagreement, DerivationFailed: see `cases.opinion`.
        """
        from policy_engine.cases.opening import open_case

        return open_case(self, scenario, log, second_opinion)


_default: list[Engine] = []


def evaluate(scenario: ScenarioLike, actions: Iterable[str] | None = None, as_of: dt.datetime | str | None = None) -> Decision:
    """The decision for a scenario under the shipped rulebook. See `Engine.evaluate`."""
    if not _default:
        _default.append(Engine())
    return _default[0].evaluate(scenario, actions, as_of)
