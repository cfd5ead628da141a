"""Drawn streams of events apply to live cases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from policy_engine import BadInput, Engine
from policy_engine.language.written import time_as_written
from policy_engine.testing import Strategies

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Engine(ROOT / "rules")
KIT = Strategies(ENGINE)
OPENINGS = KIT.scenarios("us/tx", as_of=dt.date(2026, 10, 30), kinds=("sheriff",), most=3)  # two days before clocks are put back


@settings(max_examples=30)
@given(st.data())
def test_every_event_applies_and_the_case_ends_when_the_last_is_known(data):
    scenario = data.draw(OPENINGS)
    events = data.draw(KIT.events(scenario))
    with ENGINE.open_case(scenario, second_opinion=False) as case:
        for event in events:
            step = case.apply(event)
            assert step.event == event["id"]
        assert [event.id for event in case.events] == [event["id"] for event in events]
        assert case.now >= scenario.as_of
        if events:
            assert case.now == case.events[-1].known
        found = ENGINE.decide(case.decision.scenario)
        assert {name: item.candidates for name, item in found.outcomes.items()} == {name: item.candidates for name, item in case.decision.outcomes.items()}


@pytest.mark.parametrize("key", ["known", "corrects", "withdraws", "facts"])
def test_some_events_are_late_corrected_withdrawn_or_state_facts(key):
    scenario = find(OPENINGS, lambda item: True)
    assert find(KIT.events(scenario), lambda events: any(key in event for event in events))


def test_a_rulebook_without_kinds_of_event_has_no_streams():
    stall = Strategies(ROOT / "tests" / "rulebooks" / "food-stall")
    scenario = find(stall.scenarios(), lambda item: True)
    with pytest.raises(BadInput, match="no `case_events`"):
        stall.events(scenario)


@given(st.datetimes(dt.datetime(2026, 10, 31), dt.datetime(2026, 11, 3)), st.booleans())
def test_a_written_moment_is_read_as_the_same_moment(local, seconds):
    zone = ZoneInfo("America/Chicago")
    time = local.replace(microsecond=0, second=local.second if seconds else 0, tzinfo=dt.UTC)
    read = dt.datetime.fromisoformat(time_as_written(time, zone))
    assert (read if read.tzinfo else read.replace(tzinfo=zone)) == time
