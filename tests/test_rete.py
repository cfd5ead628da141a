"""The rulesets for durable_rules: right within every limit, refused past one, and walled off in their process."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from policy_engine import Engine
from policy_engine.cases.rete.formula import Both, Either, both, either
from policy_engine.cases.rete.limits import MAX_FIELDS, MAX_PATTERNS, MAX_PENDING, MAX_RULES, LimitPassed, check_names, check_ruleset, fnv1a, pending
from policy_engine.cases.rete.plan import Plan, _Chain, _split, plan
from policy_engine.cases.rete.process import DerivationFailed, Derivations, RulesEngineMissing

PLACES = [("us/ca/fresno-county", ["sheriff"]), ("us/ca/san-francisco", ["sheriff", "jail"]), ("us/tx/bexar-county", ["police"]), ("us/ny/new-york-city", ["jail"])]


@pytest.fixture(scope="module")
def derivations() -> Derivations:
    return Derivations()


def by_hand(made: Plan, given: set[str]) -> frozenset[str]:
    true = set(given)
    for stage in made.stages:
        true |= {output for rules in stage for output, fields in rules if true.issuperset(fields)}
    return frozenset(true - given)


@pytest.mark.parametrize(("place", "kinds"), PLACES)
def test_a_regime_is_derived_as_by_hand(engine: Engine, derivations: Derivations, place: str, kinds: list[str]) -> None:
    made = plan(engine.regime(place, kinds, dt.date(2026, 3, 2)))
    rng = random.Random(place)
    fields = [f"a{index}{sign}" for index in range(len(made.leaves)) for sign in "pn"] + [f"q{index}{sign}" for index in range(len(made.free)) for sign in "pn"]
    cases = [{"on", *(field for field in fields if rng.random() < share)} for share in (0, 0.2, 0.5, 0.8, 1) for _ in range(8)]
    found = derivations.derive(made, cases)
    assert found == [by_hand(made, case) for case in cases]
    assert len({len(derived) for derived in found}) > 5


def test_rulesets_of_every_place_keep_the_limits(engine: Engine) -> None:
    for path in engine.rulebook.all_paths():
        for kinds in (["sheriff", "jail"], ["police", "city"], ["state_corrections"]):
            made = plan(engine.regime(path.place.path, kinds, dt.date(2026, 3, 2)))
            assert made.rules > 20
            for stage in made.stages:
                for rules in stage:
                    assert len(rules) <= MAX_RULES
                    assert pending(rules) <= MAX_PENDING
                    assert len({field for _, fields in rules for field in fields}) <= MAX_FIELDS


def test_what_would_multiply_out_becomes_a_chained_fact() -> None:
    wide = both(*(either(f"x{index}", f"y{index}", f"z{index}") for index in range(9)))
    long = both(*(f"w{index}" for index in range(40)))
    chain = _Chain()
    outputs = [chain.derived(wide), chain.derived(long)]
    stages = [list(stage) for stage in chain.stages()]
    assert len(stages) > 1
    rules = [rule for stage in stages for rule in stage]
    assert max(len(fields) for _, fields in rules) <= MAX_PATTERNS
    assert len(rules) < 60
    made = Plan((), (), tuple(tuple(_split(stage)) for stage in stages), {})
    every = {f"{name}{index}" for name in "xw" for index in range(40)}
    assert set(outputs) <= by_hand(made, every)
    assert not set(outputs) & by_hand(made, every - {"x8", "w39"})


def test_formulas_fold_constants() -> None:
    assert (both(), either(), both(True, "a"), either(False, "a"), both("a", False), either("a", True)) == (True, False, "a", "a", False, True)
    assert both("a", "b", "a") == Both(("a", "b"))
    assert either("a", "b") == Either(("a", "b"))


def test_names_whose_hashes_collide_are_refused() -> None:
    assert fnv1a("costarring") == fnv1a("liquid")
    with pytest.raises(LimitPassed, match="cannot tell `liquid` from `costarring`"):
        check_names(["costarring", "liquid"], "here")
    for name in ("sid", "id", "a.b", "$or", ""):
        with pytest.raises(LimitPassed, match="is no name for a field"):
            check_names([name], "here")
    with pytest.raises(LimitPassed, match="rules in a ruleset; durable_rules is right up to 200"):
        check_ruleset([("d0", ("a",))] * (MAX_RULES + 1), "here")
    with pytest.raises(LimitPassed, match="conditions true at once"):
        check_ruleset([("d0", (f"a{index}",)) for index in range(70)], "here")
    with pytest.raises(LimitPassed, match="13 conditions in a rule"):
        check_ruleset([("d0", tuple(f"a{index}" for index in range(13)))], "here")
    with pytest.raises(LimitPassed, match="hangs on an empty list"):
        check_ruleset([("d0", ())], "here")


def small(name: str = "d0") -> Plan:
    return Plan((), (), ((((name, ("a", "b")),),),), {})


def test_the_stack_bound_is_the_library_s_own(derivations: Derivations) -> None:
    """60 conditions at one level, every one true, are matched; the load-time trial finds out what the library cannot do."""
    wide = tuple((f"d{index}", (f"a{index}",)) for index in range(60))
    assert len(derivations.derive(Plan((), (), ((wide,),), {}), [[f"a{index}" for index in range(60)]])[0]) == 60
    too_wide = tuple((f"d{index}", (f"a{index}",)) for index in range(70))
    with pytest.raises(DerivationFailed, match="during loading a plan"):
        derivations.derive(Plan((), (), ((too_wide,),), {}), [["a0"]])
    assert derivations.derive(small(), [["a", "b"], ["a"]]) == [{"d0"}, frozenset()]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_crash_is_a_clear_error_and_a_clean_restart(derivations: Derivations, name: str) -> None:
    derivations.derive(small(), [["a", "b"]])
    before = derivations.pid
    os.kill(before or 0, getattr(signal, name))
    with pytest.raises(DerivationFailed, match=f"ended by signal {name} during a derivation"):
        derivations.derive(small(), [["a", "b"]])
    assert derivations.derive(small(), [["a", "b"]]) == [{"d0"}]
    assert derivations.pid != before


def test_a_hang_ends_at_the_time_limit() -> None:
    hanging = Derivations(time_limit=0.3)
    hanging.derive(small(), [["a"]])
    os.kill(hanging.pid or 0, signal.SIGSTOP)
    with pytest.raises(DerivationFailed, match=r"did not answer within 0\.3 s"):
        hanging.derive(small(), [["a"]])
    hanging.derive(small(), [["a"]])
    os.kill(hanging.pid or 0, signal.SIGSTOP)
    with pytest.raises(DerivationFailed, match="did not answer"):  # more than the pipe takes in
        hanging.derive(small(), [[f"field-{index}" for index in range(30_000)]])
    hanging.time_limit = 5.0
    assert hanging.derive(small(), [["a", "b"]]) == [{"d0"}]
    hanging.close()
    assert hanging.pid is None


def test_old_plans_give_way(derivations: Derivations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_engine.cases.rete.process.MAX_PLANS", 3)
    for index in range(12):
        assert derivations.derive(small(f"d{index % 6}"), [["a", "b"]]) == [{f"d{index % 6}"}]
    assert len(derivations._loaded) <= 3


def test_threads_share_one_child(derivations: Derivations) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(60):
            given = ["a", "b"] if number % 2 else ["a"]
            if derivations.derive(small(), [given]) != [frozenset({"d0"} if number % 2 else set())]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_fork_has_a_child_of_its_own(derivations: Derivations) -> None:
    derivations.derive(small(), [["a"]])
    before = derivations.pid
    forked = os.fork()
    if forked == 0:
        right = derivations.derive(small(), [["a", "b"]]) == [{"d0"}] and derivations.pid != before
        derivations.close()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
    assert derivations.derive(small(), [["a", "b"]]) == [{"d0"}]
    assert derivations.pid == before


def test_a_library_that_cannot_be_imported_is_told_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "durable_rules_engine.py").write_text("raise ImportError('undefined symbol: PyEval_CallObject')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RulesEngineMissing, match=r"undefined symbol: PyEval_CallObject.*CPPFLAGS=-DPyEval_CallObject=PyObject_CallObject pip install"):
        Derivations().derive(small(), [["a"]])
