"""Hypothesis strategies made from a rulebook: places, days, values on either side of what rules test, and whole scenarios."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from policy_engine.engine import Engine
from policy_engine.language.facts import UNKNOWN, FactValue, Record
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.scenario import Scenario, scenario_of
from policy_engine.language.vocabulary import Fact
from policy_engine.reasoning.clock import Clockwork
from policy_engine.reasoning.law import cuts
from policy_engine.testing.eventstreams import events
from policy_engine.testing.landscape import usual_day
from policy_engine.testing.pools import Around, Choice, Records, choices, read_facts, record_choices, tested
from policy_engine.testing.written import as_yaml

DAY = dt.timedelta(days=1)
MOST_FACTS = 8
MOST_VALUES = 50_000
FIRST_LETTER = 0x4E00  # the longest run of assigned letters: room for 20,000 pairs of fact and value


class DrawnScenario(Scenario):
    """A scenario that shows itself as the scenario file that says the same."""

    def __repr__(self) -> str:
        """The scenario file."""
        return f"a scenario that may be saved as a file:\n\n{as_yaml(self, self.as_of.tzinfo or dt.UTC)}"


class Strategies:
    """The strategies of one rulebook. Each method gives a strategy; a list fact is also a method, for its records.

    Raises:
        BadInput: faults in the rulebook, when a strategy first needs the part.
    """

    def __init__(self, rules: Engine | Rulebook | str | Path | None = None) -> None:
        self.engine = rules if isinstance(rules, Engine) else Engine(rules)
        self.lexicon = self.engine.rulebook.lexicon
        self._pools: dict[str, dict[str, list[Choice]]] = {}
        self._drawers: dict[tuple[object, ...], SearchStrategy[list[tuple[str, Choice]]]] = {}
        self._day_drawers: dict[str, SearchStrategy[dt.date]] = {}
        self._values: dict[tuple[int, dt.datetime], tuple[Choice, FactValue]] = {}

    def __getattr__(self, name: str) -> Any:
        """The strategy for the records of the list fact of this name."""
        fact = self.__dict__["lexicon"].facts.get(name) if "lexicon" in self.__dict__ else None
        if fact is None or fact.type != "list":
            raise AttributeError(f"no strategy and no list fact is called `{name}`")
        return lambda **options: self.records(name, **options)

    # -- places and days --------------------------------------------------------------------------
    @cached_property
    def places(self) -> list[str]:
        """Every place with rules, outermost first."""
        known = self.engine.rulebook.places
        return [path for path in self.engine.rulebook.rule_paths() if path in known.by_path and not self._is_between(path)]

    def _is_between(self, path: str) -> bool:
        """Whether a path is only a layer between others, such as a court's circuit."""
        return any(place.via == path for place in self.engine.rulebook.places.by_path.values())

    def jurisdictions(self) -> SearchStrategy[str]:
        """Places with rules."""
        return st.sampled_from(self.places)

    def days(self, jurisdiction: str) -> list[dt.date]:
        """The usual day, the days on which the law of a place changes, and the days before and after each."""
        found = [usual_day(self.engine)]
        for day in cuts(self.engine.rulebook.path(jurisdiction)):
            found += [day, day - DAY, day + DAY]
        return list(dict.fromkeys(found))

    def dates(self, jurisdiction: str | None = None) -> SearchStrategy[dt.date]:
        """Days on which law changes, and the days around them; of one place, or of all."""
        if jurisdiction is not None:
            return st.sampled_from(self.days(jurisdiction))
        return self.jurisdictions().flatmap(lambda place: st.sampled_from(self.days(place)))

    # -- values -----------------------------------------------------------------------------------
    def pool(self, jurisdiction: str) -> dict[str, list[Choice]]:
        """For each fact that the rules of a place test, values on either side of every test."""
        found = self._pools.get(jurisdiction)
        if found is None:
            tests = tested(self.engine.rulebook.path(jurisdiction).layers)
            agency = self.engine.rulebook.card.agency_fact
            found = {name: choices(name, self.lexicon.facts[name], tests[name]) for name in sorted(tests) if name != agency}
            self._pools[jurisdiction] = found
        return found

    def unread_facts(self, jurisdiction: str) -> list[str]:
        """Facts on which no answer in a place can hang: no rule there tests them, no presumption asks for them, and the registry is not looked up by them."""
        read = read_facts(self.engine, self.engine.rulebook.path(jurisdiction).layers)
        quantities = {name for name, fact in self.lexicon.facts.items() if fact.same_as}  # other names of facts that may be read
        return [name for name in self.lexicon.facts if name not in read | quantities]

    def fact_values(self, name: str, *, jurisdiction: str | None = None, as_of: dt.datetime | dt.date | None = None) -> SearchStrategy[FactValue]:
        """Values of a fact, weighted to either side of what the rules of a place (or of any) test, seen from a moment.

        Raises:
            BadInput: no such fact or place.
        """
        fact = self._fact(name)
        if fact.same_as:
            return self._quantity(fact)
        place = jurisdiction or self._testing(name)
        moment_ = self._moment(place, as_of)
        clockwork = self.clockwork(place)
        found = self.pool(place).get(name) or choices(name, fact, ())
        return st.sampled_from(found).map(lambda item: self.value(item, moment_, clockwork))

    def _quantity(self, fact: Fact) -> SearchStrategy[FactValue]:
        """Numbers around the thresholds of a quantity of a time."""
        assert fact.same_as is not None
        base, _, part = fact.same_as.rpartition(".")
        thresholds = [item.threshold for item in self.pool(self._testing(base)).get(base, []) if isinstance(item, Around) and item.threshold.quantity == part]
        numbers = dict.fromkeys(number for item in thresholds for number in (item.number - 1, item.number, item.number + 1))
        return st.sampled_from([float(number) for number in numbers] or [0.0, 1.0])

    def records(self, name: str, *, jurisdiction: str | None = None, as_of: dt.datetime | dt.date | None = None) -> SearchStrategy[tuple[Record, ...]]:
        """Lists of records that the tests of a list fact ask for or just miss: the day on which a look-back ends, the day after."""
        fact = self._fact(name)
        if fact.type != "list":
            raise BadInput.one(unknown_name("list fact", name, [key for key, item in self.lexicon.facts.items() if item.type == "list"]))
        place = jurisdiction or self._testing(name)
        moment_, clockwork = self._moment(place, as_of), self.clockwork(place)
        tests = {item.test: None for item in self.pool(place).get(name, []) if isinstance(item, Records)}
        found = list({record: None for test in tests for record in record_choices(test, moment_, clockwork, self.lexicon)})
        return st.lists(st.sampled_from(found), max_size=3).map(tuple) if found else st.just(())

    def _fact(self, name: str) -> Fact:
        if name not in self.lexicon.facts:
            raise BadInput.one(unknown_name("fact", name, self.lexicon.facts))
        return self.lexicon.facts[name]

    def _testing(self, fact: str) -> str:
        """The first place whose rules test a fact, else the first place."""
        return next((place for place in self.places if fact in self.pool(place)), self.places[0])

    def clockwork(self, place: str) -> Clockwork:
        """The time zone and calendars of a place."""
        return self.engine.clockwork(self.engine.rulebook.path(place))

    def _moment(self, place: str, as_of: dt.datetime | dt.date | None) -> dt.datetime:
        zone = self.clockwork(place).zone
        if isinstance(as_of, dt.datetime):
            return as_of if as_of.tzinfo else as_of.replace(tzinfo=zone)
        return dt.datetime.combine(as_of or usual_day(self.engine), dt.time(12), zone)

    def value(self, item: Choice, as_of: dt.datetime, clockwork: Clockwork) -> FactValue:
        """The value of a choice at a moment. Times and records are kept, with the choice that its key names: they take longer to make than a scenario to decide."""
        if not isinstance(item, (Around, Records)):
            return item
        key = (id(item), as_of)
        kept = self._values.get(key)
        if kept is None:
            if len(self._values) >= MOST_VALUES:
                self._values.clear()
            made = item.at(as_of, clockwork) if isinstance(item, Around) else item.at(as_of, clockwork, self.lexicon)
            kept = self._values[key] = (item, made)
        return kept[1]

    # -- scenarios --------------------------------------------------------------------------------
    def scenarios(
        self,
        jurisdiction: str | Sequence[str] | None = None,
        as_of: dt.datetime | dt.date | None = None,
        given: Mapping[str, Any] | None = None,
        unknowns: float = 0.2,
        kinds: Sequence[str] = (),
        most: int = MOST_FACTS,
    ) -> SearchStrategy[DrawnScenario]:
        """Scenarios of a place (or any), at a moment (or on any day that matters there).

        Args:
            jurisdiction: the place, or places to draw from; any place with rules if left out.
            as_of: the moment; days on which law changes, and those around them, if left out.
            given: facts that every scenario states, as a scenario file writes them.
            unknowns: the share of facts that are stated to be unknown.
            kinds: kinds of agency to draw from; all if left out.
            most: how many facts are drawn at most.

        Raises:
            BadInput: no such place, kind or fact, or a value that does not fit.
        """
        if not 0 <= unknowns < 1:
            raise BadInput.one(f"found {unknowns}; a share from 0 up to 1", "unknowns")
        for kind in kinds:
            if kind not in self.lexicon.agency_kinds:
                raise BadInput.one(unknown_name("agency kind", kind, self.lexicon.agency_kinds), "kinds")
        named = [jurisdiction] if isinstance(jurisdiction, str) else jurisdiction
        chosen = self.places if named is None else [self.engine.rulebook.places.find(place).path for place in named]
        for place in chosen[:1]:
            self._given(given, place, self._moment(place, as_of))
        agencies = st.sampled_from(list(kinds) or list(self.lexicon.agency_kinds))
        places = st.sampled_from(chosen)

        @st.composite
        def drawn(draw: st.DrawFn) -> DrawnScenario:
            place = draw(places)
            moment_ = self._moment(place, as_of if as_of is not None else draw(self._days(place)))
            kind = draw(agencies)
            clockwork = self.clockwork(place)
            facts = {name: self.value(item, moment_, clockwork) for name, item in draw(self.drawer(place, unknowns, most))}
            facts |= self._given(given, place, moment_)
            return DrawnScenario("drawn", moment_, place, frozenset([kind]), facts)

        return drawn()

    def _days(self, place: str) -> SearchStrategy[dt.date]:
        found = self._day_drawers.get(place)
        if found is None:
            found = self._day_drawers[place] = st.sampled_from(self.days(place))
        return found

    def drawer(self, place: str, unknowns: float, most: int) -> SearchStrategy[list[tuple[str, Choice]]]:
        """Facts with values, each fact once. They are drawn as one text, a letter for each fact and value: a single choice is quick, and shrinks letter by letter."""
        key = (place, unknowns, most)
        found = self._drawers.get(key)
        if found is None:
            pairs: list[tuple[str, Choice]] = []
            for name, items in self.pool(place).items():
                pairs += [(name, item) for item in items]
                pairs += [(name, UNKNOWN)] * max(round(len(items) * unknowns / (1 - unknowns)), 1 if unknowns else 0)
            letters = st.text(st.characters(min_codepoint=FIRST_LETTER, max_codepoint=FIRST_LETTER + len(pairs) - 1), max_size=most)
            found = self._drawers[key] = letters.map(lambda text: list(dict(pairs[ord(letter) - FIRST_LETTER] for letter in text).items()))
        return found

    def _given(self, given: Mapping[str, Any] | None, place: str, as_of: dt.datetime) -> Mapping[str, FactValue]:
        if not given:
            return {}
        kind = next(iter(self.lexicon.agency_kinds))
        return scenario_of({"id": "given", "as_of": as_of, "jurisdiction": place, "agency": {"kind": kind}, "facts": dict(given)}, self.engine.rulebook, "given").facts

    # -- live cases -------------------------------------------------------------------------------
    def events(self, scenario: Scenario, *, most: int = 5) -> SearchStrategy[list[dict[str, Any]]]:
        """Streams of events for a live case that opens with a scenario: `Case.apply` takes each in its turn.

        Kinds of event come from the vocabulary, with the facts that they need and others that rules test; some become known late, some are corrected or withdrawn afterwards.

        Args:
            scenario: how the case opens.
            most: how many events are drawn at most.

        Raises:
            BadInput: the vocabulary has no kinds of event.
        """
        return events(self, scenario, most)


def regression(scenario: Scenario, id: str, engine: Engine, actions: Sequence[str] = ()) -> Scenario:
    """A drawn scenario named and with what an engine says of it as its expectation, to be kept as a file after review."""
    decision = engine.evaluate(scenario, actions=actions or None)
    return replace(scenario, id=id, expect={name: outcome.status.value for name, outcome in decision.outcomes.items()})
