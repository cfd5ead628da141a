"""The circuit against the slow interpreter on the shipped rulebook: every place in it, days on which its law changes, facts not known."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from agreement import agree
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Reference

from policy_engine import Engine
from policy_engine.language.facts import UNKNOWN, FactValue
from policy_engine.language.scenario import Scenario
from policy_engine.language.times import Moment
from policy_engine.language.vocabulary import Fact

ROOT = Path(__file__).resolve().parent.parent
PLACES = [path for path in Engine(ROOT / "rules").rulebook.rule_paths() if path.count("/") and not path.startswith("us/circuits/")]
UNLISTED = ["us/ca/fresno-county", "us/tx/bexar-county", "us/mi/kent-county", "us/nc/durham-county", "us/ga/hall-county"]
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
    for name in draw(st.lists(st.sampled_from(sorted(facts)), max_size=2, unique=True)):
        facts[name] = "unknown"
    kinds = draw(st.sampled_from([["sheriff"], ["jail"], ["police"], ["state_corrections"], ["county"], ["sheriff", "jail"], ["city", "police"]]))
    return {"id": "case", "as_of": f"{day}T12:00", "jurisdiction": draw(st.sampled_from(PLACES + UNLISTED)), "agency": {"kind": kinds}, "facts": facts}


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
    found: list[bool] = []

    @settings(max_examples=1500)
    @given(case=real_case(), action=st.sampled_from(ACTIONS), seed=st.integers(0, 9999))
    def check(case: dict[str, Any], action: str, seed: int) -> None:
        fresh = Engine(engine.rulebook)  # every answer to questions of law is a regime of its own, and an engine keeps its regimes
        scenario = fresh.scenario(case)
        found.append(agree(fresh, reference, fill(fresh, scenario, action, random.Random(seed)), [action]))

    check()
    assert found.count(True) > 1000


def fill(engine: Engine, scenario: Scenario, action: str, rng: random.Random, unknowns: int = 2) -> Scenario:
    """The scenario with its conditional presumptions written out, which the interpreter leaves to hand-made tests, with a value for every other
    fact that the action depends on but for a few, and an answer to every question of law but three: so few completions remain that each can be tried."""
    facts = dict(scenario.facts)
    lexicon = engine.rulebook.lexicon
    for name, declared in lexicon.facts.items():
        if name not in facts and any(item.when is not True or item.when_given for item in declared.presume or ()):
            facts[name] = engine.presumptions.value(name, scenario.facts)
    if action in engine.regime(scenario.jurisdiction, scenario.kinds, scenario.as_of).actions:
        regime = engine.regime(scenario.jurisdiction, scenario.kinds, scenario.as_of)
        support = {regime.variables[index].fact for index in regime.support(action)}
        questions = sorted({variable.fact for variable in regime.variables if variable.kind == "question"})
        left_open = set(rng.sample(sorted(support.intersection(questions)), min(3, len(support.intersection(questions)))))
        scenario = replace(scenario, assume={name: rng.random() < 0.5 for name in questions if name not in left_open})
        for name in sorted({variable.fact for variable in regime.variables if variable.kind != "question"} - facts.keys()):
            declared = lexicon.facts[name]
            if declared.presume is None and name in support and unknowns and rng.random() < 0.2:
                unknowns -= 1
            elif declared.presume is None:
                facts[name] = value_of(declared, scenario, rng)
    return scenario.with_facts({name: UNKNOWN if value is None else value for name, value in facts.items()})


def value_of(fact: Fact, scenario: Scenario, rng: random.Random) -> FactValue:
    """Some value of a fact."""
    match fact.type:
        case "bool":
            return rng.random() < 0.5
        case "enum":
            return rng.choice(fact.values)
        case "set":
            return frozenset(rng.sample(fact.values, min(len(fact.values), rng.randrange(3))))
        case "number":
            return float(rng.choice([0, 1, 24, 48, 49, 100]))
        case "time" | "date":
            point = scenario.as_of.astimezone(dt.UTC) - dt.timedelta(hours=rng.choice([-24, 0, 1, 47, 49, 130, 9000]))
            return Moment(point, point, point.isoformat())
        case "list":
            return ()
    return "x"
