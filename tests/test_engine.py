"""What an engine keeps is bounded: compiled regimes, and the moments for which they are remembered."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import policy_engine.engine as module
from policy_engine import Engine

COUNTIES = ["bullitt", "oldham", "grayson", "butler", "fayette"]


def case(county: str) -> dict[str, Any]:
    return {"id": county, "as_of": "2026-03-02T12:00", "jurisdiction": f"us/ky/{county}-county", "agency": {"kind": "jail"}, "facts": {"detainer.lodged": True}}


@pytest.fixture
def small(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that keeps three regimes."""
    monkeypatch.setattr(module, "MAX_REGIMES", 3)
    return Engine(engine.rulebook)


def test_regimes_past_the_bound_are_dropped_and_nothing_keeps_them_alive(small: Engine) -> None:
    seen = [weakref.ref(small.evaluate(case(county)).regime) for county in COUNTIES]
    gc.collect()
    assert [item() is not None for item in seen] == [False, False, True, True, True]


def test_the_regime_asked_for_longest_ago_is_dropped_first(small: Engine) -> None:
    first, second, third = (small.evaluate(case(county)).regime for county in COUNTIES[:3])
    assert small.regime("us/ky/bullitt-county", ["jail"], first.law.day) is first
    small.evaluate(case(COUNTIES[3]))
    assert small.evaluate(case(COUNTIES[0])).regime is first
    assert small.evaluate(case(COUNTIES[2])).regime is third
    assert small.evaluate(case(COUNTIES[1])).regime is not second


def test_the_second_opinion_and_live_cases_keep_no_dropped_regime_alive(small: Engine) -> None:
    opened = small.open_case(case(COUNTIES[0]))
    seen = weakref.ref(opened.decision.regime)
    for county in COUNTIES[1:]:
        small.opinion.check(small.evaluate(case(county)))
    step = opened.apply({"id": "bail", "event": "bail_posted", "at": "2026-03-02T13:00"})
    assert step.law_began == step.law_ended == (), "a regime compiled anew is the same law"
    opened.close()
    small.opinion.derivations.close()
    del opened, step
    for county in COUNTIES[1:]:
        small.evaluate(case(county))
    gc.collect()
    assert seen() is None


def test_a_dropped_regime_decides_the_same_when_compiled_anew(small: Engine) -> None:
    told = [small.evaluate(case(county)).to_dict() for county in COUNTIES]
    assert [small.evaluate(case(county)).to_dict() for county in COUNTIES] == told


def test_remembered_moments_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MOMENTS", 4)
    fresh = Engine(engine.rulebook)
    regimes = {id(fresh.evaluate({**case("bullitt"), "as_of": f"2026-03-02T{hour:02}:00"}).regime) for hour in range(12)}
    assert len(regimes) == 1
    assert len(fresh._by_moment) <= 4
