"""The circuit against the slow interpreter: statuses, candidates and surviving norms, with unknowns."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import random_rulebooks
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Reference, TooMany

from policy_engine import Engine
from policy_engine.language.facts import UNKNOWN
from policy_engine.language.scenario import Scenario
from policy_engine.reasoning.trace import norm_truth

PAIRS = {"random": 0, "real": 0}


def agree(engine: Engine, reference: Reference, scenario: Scenario, where: str, actions: list[str] | None = None) -> bool:
    """Hold the engine against the interpreter; False where there are too many completions to try."""
    try:
        found = reference.decide(scenario, actions)
    except TooMany:
        return False
    decision = engine.evaluate(scenario, actions=actions)
    for action, statuses in found.statuses.items():
        outcome = decision.outcomes[action]
        candidates = {item.value for item in outcome.candidates}
        assert candidates == statuses, (action, candidates, statuses)
        assert (outcome.status.value in statuses) == (len(statuses) == 1)
        assert not outcome.cut_off
        for node in decision.regime.action(action).norms:
            applies, survives = norm_truth(decision.regime, decision.encoding, action, node)
            key = (action, node.norm.id)
            assert applies == (True in found.applies[key], False in found.applies[key]), (key, "applies")
            assert survives == (True in found.survives[key], False in found.survives[key]), (key, "survives")
        for item in outcome.dispositive:
            assert len({statuses for _, statuses in item.answers}) > 1 or len(item.answers) == 1 or item.left >= 1
    PAIRS[where] += 1
    return True


@settings(max_examples=860)
@given(files=random_rulebooks.rulebooks(), cases=st.lists(random_rulebooks.scenarios(), min_size=24, max_size=24))
def test_random_rulebooks_agree_with_the_interpreter(files: dict[str, Any], cases: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(random_rulebooks.write(Path(folder), files))
        reference = Reference(engine.rulebook, limit=1500)
        for case in cases:
            agree(engine, reference, engine.scenario(case), "random")


PLACES = [
    "us/ca/fresno-county", "us/ca/san-francisco", "us/ca/huntington-beach", "us/tx/bexar-county", "us/fl/polk-county", "us/il/cook-county", "us/il/lake-county",
    "us/ma/essex-county", "us/pa/philadelphia", "us/pa/lehigh-county", "us/mt/gallatin-county", "us/md/harford-county", "us/la/orleans-parish",
    "us/la/caddo-parish", "us/ny/new-york-city", "us/ny/albany-county", "us/wi/walworth-county", "us/mi/kent-county",
]  # fmt: skip
DAYS = ["2013-06-03", "2016-06-01", "2017-12-31", "2018-06-01", "2020-04-01", "2021-08-02", "2025-06-02", "2026-03-02", "2026-08-03", "2026-12-02"]
BASE: dict[str, Any] = {
    "detainer": {"lodged": True, "form": "i247a", "signed": True, "served_on_person": True, "probable_cause": ["biometric_match"], "requests": ["hold", "notification"]},
    "admin_warrant": {"form": "i200"},
    "judicial_warrant": {"presented": False, "kind": "criminal_arrest", "issuer": "federal_judge"},
    "court_order": {"kind": "none", "issuer": "federal_judge"},
    "agreement": {"model": "none", "in_force": False, "officer_certified": False, "under_ice_supervision": False, "offered_by_ice": True},
    "custody": {"status": "pretrial", "release_ground": "bail_posted", "arrest_date": "2012-01-01T09:00", "warrantless_arrest": False},
    "person": {
        "juvenile": False, "victim_or_witness": False, "citizenship": "no_claim", "status_confirmed_by_ice": False, "unlawful_presence_verified": False,
    },
    "agency.function": "jailing",
    "access": {"kind": "escorted_visit", "purpose": "criminal_investigation"},
    "operation": {"purpose": "criminal_investigation", "requested_by_federal_officers": False},
    "records_request": {"kind": "informal_request", "purpose": "other", "content": []},
    "arrest": {"probable_cause_of_crime": False, "federal_offense": "other", "state_offense": "illegal_entry"},
    "inquiry": {"lawful_stop": True, "suspects_unlawful_presence": False},
    "jail.operates_county_detention_facility": True,
    "charge.held_to_answer": False,
    "interview.counsel_present": False,
    "neutral_review.done": False,
    "notice": {"copy_given": True, "rights_given": True},
    "convictions": [],
    "charges": [],
}  # fmt: skip
_VARIED: dict[str, Any] = {
    "detainer.lodged": st.booleans(),
    "detainer.served_on_person": st.booleans(),
    "detainer.probable_cause": st.sampled_from([[], ["final_order"], ["statements"]]),
    "detainer.requests": st.sampled_from([["hold"], ["notification"]]),
    "detainer.form": st.sampled_from(["i247a", "i247g", "i247n"]),
    "admin_warrant.form": st.sampled_from(["none", "i200", "i205"]),
    "judicial_warrant.presented": st.booleans(),
    "judicial_warrant.issuer": st.sampled_from(["federal_judge", "state_judge"]),
    "court_order.kind": st.sampled_from(["none", "order_to_hold", "order_to_release", "writ_to_produce", "injunction_against_holds"]),
    "agreement.model": st.sampled_from(["none", "jail_enforcement", "warrant_service_officer", "task_force"]),
    "agreement.in_force": st.booleans(),
    "agreement.officer_certified": st.booleans(),
    "agreement.under_ice_supervision": st.booleans(),
    "custody.status": st.sampled_from(["none", "arrested", "sentenced", "released"]),
    "person.juvenile": st.booleans(),
    "person.victim_or_witness": st.booleans(),
    "person.citizenship": st.sampled_from(["claimed", "proof_shown", "lawful_status_shown"]),
    "person.prior_removal": st.booleans(),
    "person.status_confirmed_by_ice": st.booleans(),
    "person.unlawful_presence_verified": st.booleans(),
    "agency.function": st.sampled_from(["policing", "jailing"]),
    "access.kind": st.sampled_from(["dedicated_office", "database"]),
    "access.purpose": st.sampled_from(["civil_immigration_enforcement", "other"]),
    "operation.purpose": st.sampled_from(["civil_immigration_enforcement", "public_safety"]),
    "records_request.purpose": st.just("civil_immigration_enforcement"),
    "records_request.kind": st.sampled_from(["ice_administrative_subpoena", "judicial_subpoena"]),
    "records_request.court_enforced": st.booleans(),
    "arrest.basis": st.sampled_from(["civil_status", "federal_crime", "state_entry_crime", "other_crime"]),
    "arrest.probable_cause_of_crime": st.booleans(),
    "local_policy.declines_detainers": st.booleans(),
    "local_policy.declines_notification": st.booleans(),
    "limit.targets_federal_contractors": st.booleans(),
    "charge.held_to_answer": st.booleans(),
    "charges": st.sampled_from([[{"offense": "robbery", "grade": "felony"}], [{"offense": "murder"}], [{"offense": "dui", "stage": "dismissed"}]]),
    "convictions": st.sampled_from(
        [
            [{"offense": "robbery", "grade": "felony", "date": "2024-01-01", "sentence_months": 24, "state_prison": True}],
            [{"offense": "theft", "grade": "felony", "state_prison": False}],
            [{"offense": "theft", "grade": "misdemeanor", "date": "2024-05-05", "sentence_months": 2}],
            [{"offense": "dui", "date": "2011-03-02", "state_prison": False, "sentence_months": 3}],
            [{"offense": "murder", "grade": "felony", "juvenile_adjudication": True}, {"offense": "other", "grade": "misdemeanor"}],
        ]
    ),
}


@st.composite
def real_case(draw: Any) -> dict[str, Any]:
    """A scenario in a place of the rulebook with a few facts changed and a few not known."""
    day = draw(st.sampled_from(DAYS))
    changed = draw(st.lists(st.sampled_from(sorted(_VARIED)), max_size=6, unique=True))
    facts: dict[str, Any] = {**flat(BASE), **{name: draw(_VARIED[name]) for name in changed}}
    hours = draw(st.sampled_from([0, 0, 20, 49, 130]))
    facts["custody.hours_past_release"] = hours
    for name in draw(st.lists(st.sampled_from(sorted(facts)), max_size=4, unique=True)):
        facts[name] = "unknown"
    kinds = draw(st.sampled_from([["sheriff"], ["jail"], ["police"], ["state_corrections"], ["county"], ["sheriff", "jail"], ["city", "police"]]))
    return {"id": "case", "as_of": f"{day}T12:00", "jurisdiction": draw(st.sampled_from(PLACES)), "agency": {"kind": kinds}, "facts": facts}


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


ACTIONS = [
    "hold", "notify_release", "transfer", "interview", "jail_access", "share_status", "share_records", "ask_status", "civil_arrest", "agreement_287g",
    "detention_contract", "joint_operation", "adopt_limits",
]  # fmt: skip


def test_the_real_rulebook_agrees_with_the_interpreter(engine: Engine) -> None:
    reference = Reference(engine.rulebook, limit=1500)

    @settings(max_examples=1500)
    @given(case=real_case(), action=st.sampled_from(ACTIONS))
    def check(case: dict[str, Any], action: str) -> None:
        scenario = engine.scenario(case)
        agree(engine, reference, fill(engine, scenario), "real", [action])

    check()
    assert PAIRS["real"] > 1000


def fill(engine: Engine, scenario: Scenario) -> Scenario:
    """The scenario with its conditional presumptions written out, which the interpreter leaves to hand-made tests."""
    facts = dict(scenario.facts)
    for name, declared in engine.rulebook.lexicon.facts.items():
        if name not in facts and any(item.when is not True or item.when_given for item in declared.presume or ()):
            facts[name] = engine.presumptions.value(name, scenario.facts)
    return scenario.with_facts({name: UNKNOWN if value is None else value for name, value in facts.items()})


def test_enough_pairs_were_held_against_the_interpreter() -> None:
    """Runs last in this file: the two tests above must have compared at least 20,000 pairs when run together."""
    if PAIRS["random"] and PAIRS["real"]:
        assert PAIRS["random"] + PAIRS["real"] >= 20_000, PAIRS
