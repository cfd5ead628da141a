"""Live cases: events in any order, what they change, what time alone brings, and what late news puts in question."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_engine import BadInput, Engine
from policy_engine.cases.case import Case
from policy_engine.cases.horizon import TICK
from policy_engine.cases.stepper import outcomes_of, verdict

PAPERS = {"form": "i247a", "signed": True, "probable_cause": ["biometric_match"], "requests": ["hold", "notification"]}
BASE: dict[str, Any] = {
    "id": "case",
    "as_of": "2026-03-02T08:00",
    "jurisdiction": "us/tx/bexar-county",
    "agency": {"kind": "sheriff"},
    "facts": {
        "custody.status": "pretrial",
        "person": {"juvenile": False, "victim_or_witness": False, "citizenship": "no_claim"},
        "charges": [{"offense": "theft", "grade": "misdemeanor"}],
        "convictions": [],
    },
}
DETAINER = {"id": "detainer", "event": "detainer_lodged", "at": "2026-03-02T09:00", "facts": {"detainer": PAPERS, "admin_warrant.form": "i200"}}
BAIL = {"id": "bail", "event": "bail_posted", "at": "2026-03-02T12:00"}
KEPT = {"id": "kept", "event": "kept_past_release", "at": "2026-03-02T18:00"}


def opened(engine: Engine, *events: dict[str, Any], **changes: Any) -> Case:
    case = engine.open_case({**BASE, **changes}, second_opinion=False)
    for event in events:
        case.apply(event)
    return case


def test_an_event_tells_what_it_changed_and_why(engine: Engine) -> None:
    case = opened(engine, DETAINER)
    step = case.apply(BAIL)
    (change,) = [item for item in step.changes if item.action == "hold"]
    # with no time of release known, the hold may lie between the form's 48 hours and the regulation's, where Texas law is open, or past both
    assert (change.before, change.after, change.because) == (("required", "permitted", "prohibited"), ("required",), ("tx.detainer-hold",))
    assert "us.hold.max-48h" in change.gone
    assert {clock.id: clock.state for clock in step.clocks} == {"us.clock.regulation-48h": "running", "us.clock.form-48h": "running"}
    assert [duty.id for duty in step.duties] == ["tx.detainer-inform"]
    assert case.decision.outcomes["hold"].status == "required"
    assert case.decision.scenario.as_of == step.decided


def test_two_times_are_kept(engine: Engine) -> None:
    case = opened(engine, DETAINER)
    step = case.apply({**BAIL, "known": "2026-03-02T13:30"})
    assert (step.at.hour, case.events[-1].at.hour, case.events[-1].known.hour, case.now.hour) == (12, 12, 13, 13)
    assert step.revision is None, "what happened after everything told is not late"


def test_late_news_says_what_would_have_been_and_what_is_in_question(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL, KEPT)
    step = case.apply({"id": "papers", "event": "citizenship_shown", "at": "2026-03-02T15:00", "known": "2026-03-03T08:00"})
    assert step.revision is not None
    (hold,) = [item for item in step.revision.differences if item.action == "hold"]
    assert (hold.start.isoformat(), hold.end.isoformat()) == ("2026-03-02T15:00:00-06:00", "2026-03-03T08:00:00-06:00")
    assert (hold.decided, hold.instead) == (("required",), ("prohibited",))
    assert [act.event for act in step.revision.in_question] == ["kept"]
    assert [item.acts[0].verdict for item in case.timeline if item.event == "kept"] == ["in order"], "what was told is not told otherwise"


def test_late_news_that_changes_nothing_says_so(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL, KEPT)
    step = case.apply({"id": "rights", "event": "rights_given", "at": "2026-03-02T10:00", "known": "2026-03-03T08:00"})
    assert step.revision is not None
    assert (step.revision.differences, step.revision.in_question) == ((), ())


def test_a_correction_takes_the_place_of_an_event_and_can_be_withdrawn(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL)
    before = dict(case.facts)
    case.apply({"id": "bail2", "event": "bail_posted", "at": "2026-03-02T10:00", "known": "2026-03-02T14:00", "corrects": "bail"})
    assert case.facts["custody.release_due"].first.astimezone(ZoneInfo("America/Chicago")).hour == 10  # type: ignore[union-attr]
    case.apply({"id": "undo", "at": "2026-03-02T15:00", "withdraws": "bail2"})
    assert case.facts == before, "with the correction gone what it corrected counts again"


def test_an_event_given_again_is_not_doubled(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL)
    told = case.timeline
    assert case.apply(DETAINER) is next(step for step in told if step.event == "detainer")
    assert case.timeline is told
    with pytest.raises(BadInput, match="an event `bail` stands in this case already and says something else"):
        case.apply({**BAIL, "at": "2026-03-02T13:00"})


def test_a_limit_that_runs_out_says_what_follows(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL)
    assert case.next_turn(case.now + dt.timedelta(days=9)) == dt.datetime(2026, 3, 4, 18, tzinfo=dt.UTC)
    (step,) = case.advance(case.now + dt.timedelta(days=3))
    assert (step.kind, step.at.isoformat(), step.outcomes["hold"]) == ("turn", "2026-03-04T12:00:00-06:00", ("prohibited",))
    assert [(must.rule, must.citation) for must in step.musts if must.clock == "us.clock.regulation-48h"] == [("us.hold.max-48h", "8 C.F.R. § 287.7(d)")]
    assert step.headline.startswith("Release; do not hold")


def test_at_the_very_end_of_the_limit_the_hold_still_stands(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL)
    assert case.advance(dt.datetime(2026, 3, 4, 18, tzinfo=dt.UTC)) == []
    assert case.decision.outcomes["hold"].status == "required"
    assert len(case.advance(dt.datetime(2026, 3, 4, 18, tzinfo=dt.UTC) + TICK)) == 1


def test_the_form_s_clock_counts_elapsed_hours_over_a_clock_change(engine: Engine) -> None:
    case = opened(engine, {**DETAINER, "at": "2026-03-06T09:00"}, {**BAIL, "at": "2026-03-06T17:00"})
    ends = {clock.id: clock.ends.isoformat() for clock in case.clocks if clock.action == "hold"}
    assert ends == {"us.clock.form-48h": "2026-03-08T18:00:00-05:00", "us.clock.regulation-48h": "2026-03-10T17:00:00-05:00"}


def test_a_count_that_is_full_on_friday_night_is_passed_only_on_monday(engine: Engine) -> None:
    case = opened(engine, DETAINER, {**BAIL, "at": "2026-03-05T00:00"})
    steps = case.advance(dt.datetime(2026, 3, 10, tzinfo=dt.UTC))
    assert [(step.at.isoformat(), step.outcomes["hold"]) for step in steps] == [
        ("2026-03-07T00:00:00-06:00", ("required", "permitted", "prohibited")),  # past the form's 48 hours; see law.tx_hold_runs_past_form_48h
        ("2026-03-09T00:00:00-05:00", ("prohibited",)),
    ]


def test_duties_open_are_met_run_late_and_fall_away(engine: Engine) -> None:
    case = opened(engine, DETAINER, BAIL)
    assert [(duty.id, duty.state) for duty in case.duties] == [("tx.detainer-inform", "open")]
    with pytest.raises(BadInput, match=r"unknown open duty `tx.detainer-infrom`; did you mean `tx.detainer-inform`"):
        case.apply({"id": "told", "event": "fact_learned", "at": "2026-03-02T13:00", "meets": ["tx.detainer-infrom"]})
    assert case.apply({"id": "told", "event": "fact_learned", "at": "2026-03-02T13:00", "meets": ["tx.detainer-inform"]}).duties[0].state == "met"
    other = opened(engine, DETAINER, BAIL, {"id": "gone", "event": "detainer_withdrawn", "at": "2026-03-02T14:00"})
    assert [(duty.id, duty.state) for duty in other.duties] == [("tx.detainer-inform", "dropped")]


@pytest.mark.parametrize(
    ("done", "statuses", "found"),
    [
        (True, ("prohibited",), "against the decision"),
        (True, ("permitted", "prohibited"), "unsettled"),
        (True, ("conflict",), "unsettled"),
        (True, ("required",), "in order"),
        (False, ("required",), "against the decision"),
        (False, ("required", "permitted"), "unsettled"),
        (False, ("prohibited",), "in order"),
    ],
)
def test_acts_are_held_against_the_decision(done: bool, statuses: tuple[str, ...], found: str) -> None:
    assert verdict(done, statuses) == found


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"id": "x", "event": "bail_post", "at": "2026-03-02T13:00"}, "unknown kind of event `bail_post`; did you mean `bail_posted`?"),
        ({"id": "x", "event": "bail_posted", "at": "2026-03-02"}, "an event has a time, not only a day"),
        ({"id": "x", "event": "bail_posted"}, "key `at` is missing"),
        ({"id": "x", "event": "bail_posted", "at": "2026-03-02T13:00", "known": "2026-03-02T12:30"}, "an event is known only after it was true"),
        ({"id": "x", "event": "fact_learned", "at": "2026-03-02T07:00", "known": "2026-03-02T07:30"}, "known before the last entry of the case"),
        ({"id": "x", "event": "court_order_made", "at": "2026-03-02T13:00"}, "`court_order_made` needs the fact `court_order.kind`"),
        ({"id": "x", "event": "fact_learned", "at": "2026-03-02T13:00", "facts": {"detainer.loged": True}}, "unknown fact `detainer.loged`"),
        ({"id": "x", "event": "fact_learned", "at": "2026-03-02T13:00", "corrects": "bial"}, "unknown event of this case `bial`; did you mean `bail`?"),
        ({"id": "x", "at": "2026-03-02T13:00"}, "key `event` is missing; only a withdrawal can do without"),
        ({"id": "x", "event": "fact_learned", "at": "2026-03-02T13:00", "corrects": "bail", "withdraws": "bail"}, "not both"),
        ({"id": "x", "event": "fact_learned", "at": "2026-03-02T13:00", "sauce": "fax"}, "unknown key `sauce`; did you mean `source`?"),
    ],
)
def test_a_wrong_event_is_told_and_changes_nothing(engine: Engine, event: dict[str, Any], told: str) -> None:
    case = opened(engine, DETAINER, BAIL)
    before = (case.timeline, case.events, case.facts, case.now)
    with pytest.raises(BadInput) as found:
        case.apply(event)
    assert told in str(found.value)
    assert (case.timeline, case.events, case.facts, case.now) == before


def test_time_does_not_run_back(engine: Engine) -> None:
    case = opened(engine, DETAINER)
    with pytest.raises(BadInput, match="time does not run back"):
        case.advance(case.now - dt.timedelta(hours=1))
    with pytest.raises(BadInput, match="a moment has an offset"):
        case.advance(dt.datetime(2026, 4, 1))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sets: {custody.status: arrested}", "sets: {custody.status: arested}", "`custody.status` has unknown value `arested`; did you mean `arrested`"),
        ("dates: [custody.release_due], needs", "dates: [custody.release_dew], needs", "unknown fact `custody.release_dew`; did you mean `custody.release_due`"),
        ("dates: [custody.release_due], needs", "dates: [custody.status], needs", "`custody.status` is of type enum, not a time"),
        ("does: [share_records]", "does: [share_record]", "unknown action `share_record`; did you mean `share_records`"),
        ("happens: [release_date_sent]", "happens: [release_sent]", "unknown event `release_sent`; did you mean `release_date_sent`"),
        ("case_events:\n", "case_events:\n  odd: {set: {}}\n", "unknown key `set`; did you mean `sets`"),
    ],
)
def test_a_fault_in_the_vocabulary_of_events_is_told_in_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    root = Path(shutil.copytree(ENGINE.rulebook.root, tmp_path / "rules"))
    path = root / "vocabulary/case_events.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as found:
        Engine(root).open_case(BASE, second_opinion=False)
    (line,) = str(found.value).splitlines()
    assert told in line
    assert re.match(rf"{root}/vocabulary/case_events.yaml:\d+:\d+: ", line)


# -- the registry ---------------------------------------------------------------------------------
JAIL = {"jurisdiction": "us/ky/bullitt-county", "agency": {"kind": "jail", "name": "Bullitt County Detention Center"}}
SHERIFF = {"jurisdiction": "us/ky/bullitt-county", "agency": {"kind": "sheriff", "name": "Bullitt County Sheriff's Office"}}
OPEN_END = {"jurisdiction": "us/mo/callaway-county", "agency": {"kind": "sheriff", "name": "Callaway County Sheriff's Office"}}
CERTIFIED = {**BASE["facts"], "agreement": {"officer_certified": True, "under_ice_supervision": True}}


@pytest.mark.parametrize(
    ("agency", "day", "rule", "before", "after"),
    [
        (SHERIFF, "2026-03-28", "us.arrest.tfm", ("prohibited",), ("permitted",)),
        (JAIL, "2026-03-28", "us.arrest.jem", ("permitted",), ("prohibited",)),
        (OPEN_END, "2026-05-19", "us.arrest.jem", ("permitted",), ("permitted", "prohibited")),
    ],
    ids=["a row begins", "a row has ended", "the table is known no further"],
)
def test_a_day_on_which_the_registry_says_something_else_is_a_turn(
    engine: Engine, agency: dict[str, Any], day: str, rule: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """The days stand in rules/registry/agreements.csv and, for the last, as `known_to` in rules/rulebook.yaml."""
    midnight = dt.datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo("America/Chicago" if agency is OPEN_END else "America/New_York"))
    opening = (midnight - dt.timedelta(hours=5)).isoformat()
    case = opened(engine, **agency, as_of=opening, facts={**CERTIFIED, "admin_warrant.form": "i200", "detainer": {**PAPERS, "lodged": True}})
    assert case.timeline[0].outcomes["civil_arrest"] == before
    assert "agreement.model" not in case.facts
    (step,) = [item for item in case.advance(midnight + dt.timedelta(hours=12)) if item.kind == "turn" and item.outcomes["civil_arrest"] != before]
    assert (step.at, step.outcomes["civil_arrest"]) == (midnight, after)
    (change,) = [item for item in step.changes if item.action == "civil_arrest"]
    assert rule in (*change.because, *change.gone)
    assert case.decision.outcomes["civil_arrest"].candidates == tuple(after)


def test_what_is_stated_wins_over_the_registry_for_good(engine: Engine) -> None:
    case = opened(engine, {"id": "end", "event": "agreement_ended", "at": "2026-03-27T09:00"}, **JAIL, as_of="2026-03-27T08:00", facts=CERTIFIED)
    assert case.timeline[-1].outcomes["civil_arrest"] == ("prohibited",)
    assert case.decision.scenario.registry == {"agreement.model", "agreement.signed"}
    case.apply({"id": "no", "withdraws": "end", "at": "2026-03-27T10:00"})
    assert case.decision.scenario.registry == {"agreement.in_force", "agreement.model", "agreement.signed"}


# -- properties -----------------------------------------------------------------------------------
PLACES = ["us/tx/bexar-county", "us/ca/fresno-county", "us/ma/essex-county", "us/il/lake-county", "us/la/orleans-parish", "us/md/harford-county"]
KINDS = st.sampled_from(
    [
        ("detainer_lodged", {"detainer": PAPERS, "admin_warrant.form": "i200"}),
        ("copy_given", {}),
        ("bail_posted", {}),
        ("kept_past_release", {}),
        ("citizenship_shown", {}),
        ("detainer_withdrawn", {}),
        ("release_notified", {}),
        ("judicial_warrant_served", {"judicial_warrant": {"kind": "criminal_arrest", "issuer": "federal_judge"}}),
        ("court_order_made", {"court_order": {"kind": "order_to_hold", "issuer": "federal_judge", "expires": "2026-03-07T03:30"}}),
        ("court_order_made", {"court_order": {"kind": "order_to_release", "issuer": "state_judge"}}),
        ("fact_learned", {"convictions": [{"offense": "theft", "grade": "felony", "date": "2011-03-04", "sentence_months": 16, "state_prison": False}]}),
        ("fact_learned", {"convictions": "unknown", "custody.release_due": "2026-03-05"}),
        ("released", {}),
    ]
)
ENGINE = Engine()
START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


@st.composite
def histories(draw: Any) -> tuple[str, list[dict[str, Any]]]:
    """Events of a case in the order in which they were true."""
    hours = sorted(draw(st.lists(st.integers(6, 160), min_size=1, max_size=6, unique=True)))
    events = []
    for number, hour in enumerate(hours):
        kind, facts = draw(KINDS)
        events.append({"id": f"e{number}", "event": kind, "at": (START + dt.timedelta(hours=hour)).isoformat(), "facts": facts})
    return draw(st.sampled_from(PLACES)), events


def told_late(draw_order: list[int], events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    known = max(START + dt.timedelta(hours=7), *(dt.datetime.fromisoformat(event["at"]) for event in events))  # by then the case is open in every zone
    for index in draw_order:
        known += dt.timedelta(minutes=10)
        yield {**events[index], "known": known.isoformat()}


@settings(max_examples=60)
@given(history=histories(), data=st.data())
def test_the_order_of_news_does_not_change_what_stands(history: tuple[str, list[dict[str, Any]]], data: Any) -> None:
    engine = ENGINE
    place, events = history
    in_order = opened(engine, *events, jurisdiction=place)
    order = data.draw(st.permutations(range(len(events))))
    late = opened(engine, *told_late(order, events), jurisdiction=place)
    in_order.advance(late.now)
    assert late.facts == in_order.facts
    assert outcomes_of(late.decision) == outcomes_of(in_order.decision)
    assert {clock.id: clock.ends for clock in late.clocks if clock.state == "running"} == {clock.id: clock.ends for clock in in_order.clocks if clock.state == "running"}


@settings(max_examples=60)
@given(history=histories(), share=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_between_its_steps_nothing_changes(history: tuple[str, list[dict[str, Any]]], share: list[float]) -> None:
    """No turn is missed: a decision at any moment is that of the last step before it."""
    engine = ENGINE
    place, events = history
    case = opened(engine, *events, jurisdiction=place)
    case.advance(START + dt.timedelta(hours=220))
    facts = dict(case.scenario.facts)
    changes = {event.id: event.changes for event in case.events}
    ends = [*case.timeline, None]
    for step, following in pairwise(ends):
        assert step is not None
        facts |= {name: value for name, value in changes.get(step.event or "", {}).items() if value is not None}
        end = following.at if following else case.now
        for part in share:
            moment = step.decided + (end - step.decided) * part
            if step.decided <= moment < end:
                decision = engine.decide(replace(case.scenario, facts=facts, as_of=moment))
                assert outcomes_of(decision) == step.outcomes
