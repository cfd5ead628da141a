"""Single decisions, timed: medians of several runs, printed as a table. Run with `make bench`."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from policy_engine import Engine
from policy_engine.language.facts import UNKNOWN
from policy_engine.language.scenario import Scenario

ROOT = Path(__file__).resolve().parent.parent
COUNTY = ROOT / "scenarios/us/ca/ca-bail-posted-detainer.yaml"


def median(run: Callable[[], object], times: int, rounds: int = 7) -> float:
    """The median over `rounds` of the mean seconds of `times` calls."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            run()
        found.append((time.perf_counter() - start) / times)
    return statistics.median(found)


def policy_cases(engine: Engine, count: int) -> list[Scenario]:
    """Random known cases of the shared policy."""
    rng = random.Random(1)
    facts = engine.rulebook.lexicon.facts
    cases = []
    for number in range(count):
        given: dict[str, Any] = {}
        for name, fact in facts.items():
            if fact.type == "bool":
                given[name] = rng.random() < 0.5
            elif fact.type == "enum":
                given[name] = rng.choice(fact.values)
            elif fact.type == "number":
                given[name] = rng.randrange(97 if name.startswith("hours") else 31)
        cases.append(engine.scenario({"id": f"c{number}", "as_of": "2026-01-01T00:00", "jurisdiction": "policy", "agency": {"kind": "unit"}, "facts": given}))
    return cases


def known(engine: Engine, scenario: Scenario) -> Scenario:
    """The scenario with every fact and question of the regime given, so that nothing is unknown."""
    regime = engine.evaluate(scenario).regime
    facts: dict[str, Any] = {}
    for variable in regime.variables:
        declared = regime.lexicon.facts.get(variable.fact)
        if declared is None or variable.fact in scenario.facts and scenario.facts[variable.fact] is not UNKNOWN:
            continue
        value = regime.presumptions.value(variable.fact, scenario.facts)
        if value is UNKNOWN:
            value = {"bool": False, "enum": (declared.values or ("",))[0], "set": frozenset(), "list": (), "number": 0.0, "text": ""}.get(declared.type, UNKNOWN)
            if declared.type in ("time", "date"):
                value = scenario.facts["custody.release_due"]
        facts[variable.fact] = value
    pinned = {variable.fact: False for variable in regime.variables if variable.kind == "question"}
    return Scenario(**{**vars(scenario), "facts": {**scenario.facts, **facts}, "assume": pinned})


def unknown_facts(engine: Engine, scenario: Scenario, count: int) -> Scenario:
    """The scenario with `count` facts that the hold depends on taken away, and nothing else unknown."""
    full = known(engine, scenario)
    regime = engine.evaluate(full).regime
    names: dict[str, None] = {}
    for action in regime.actions:
        for index in regime.status_support(action):
            if regime.variables[index].kind != "question":
                names[regime.variables[index].fact] = None
    chosen = list(names)[:count]
    if len(chosen) < count:
        raise SystemExit(f"only {len(chosen)} facts to take away")
    return full.with_facts(dict.fromkeys(chosen, UNKNOWN))


def forget(engine: Engine, scenario: Scenario) -> None:
    """Empty the regime's memory of patterns, so that the next decision is computed."""
    regime = engine.regime(scenario.jurisdiction, scenario.kinds, scenario.as_of, scenario.assume)
    regime._memo.clear()


def fresh(engine: Engine, scenario: Scenario) -> Callable[[], object]:
    def run() -> object:
        forget(engine, scenario)
        return engine.evaluate(scenario)

    return run


def main() -> None:
    table = Table("what", "median", "target")
    policy = Engine(ROOT / "benchmarks/release_policy")
    cases = policy_cases(policy, 2000)
    for item in cases:
        policy.evaluate(item)
    memory = policy.evaluate(cases[0]).regime._memo

    def all_new() -> None:
        memory.clear()
        for item in cases:
            policy.evaluate(item)

    table.add_row("one decision, shared policy, every case new", f"{median(all_new, 1) / len(cases) * 1e6:.1f} us", "25 us")
    table.add_row("one decision, shared policy, pattern seen before", f"{median(lambda: policy.evaluate(cases[0]), 2000) * 1e6:.1f} us", "")
    engine = Engine(ROOT / "rules")
    scenario = engine.scenario(COUNTY)
    full = known(engine, scenario)
    decision = engine.evaluate(full)
    open_ = [variable.name for variable, mask in zip(decision.regime.variables, decision.encoding.patterns[0], strict=True) if mask & (mask - 1)]
    norms = len(decision.regime.law.norms)
    label = f"one decision, county of California ({norms} norms, 14 actions), all facts given"
    table.add_row(f"{label}, new ({len(open_)} open)", f"{median(fresh(engine, full), 300) * 1e6:.0f} us", "100 us")
    table.add_row(f"{label}, pattern seen before", f"{median(lambda: engine.evaluate(full), 500) * 1e6:.0f} us", "")

    def traced() -> None:
        engine.evaluate(full).trace  # noqa: B018

    table.add_row("the same with the full trace", f"{median(traced, 20) * 1e3:.2f} ms", "2 ms")
    twenty = unknown_facts(engine, scenario, 20)
    build = []
    for _ in range(3):
        started = Engine(engine.rulebook)
        start = time.perf_counter()
        regime = started.regime(twenty.jurisdiction, twenty.kinds, twenty.as_of, twenty.assume)
        for action in regime.actions:
            regime.diagram(action)
        build.append(time.perf_counter() - start)
    table.add_row("first build of a regime with every diagram", f"{statistics.median(build):.2f} s", "0.5 s")
    engine.evaluate(twenty)
    table.add_row("20 unknown facts, exact, 14 actions", f"{median(fresh(engine, twenty), 20) * 1e3:.2f} ms", "10 ms")

    def questions() -> None:
        for outcome in fresh(engine, twenty)().outcomes.values():  # type: ignore[attr-defined]
            outcome.dispositive  # noqa: B018

    table.add_row("their dispositive facts, all open actions", f"{median(questions, 5) * 1e3:.1f} ms", "15 ms")
    command = [str(Path(sys.executable).parent / "policy-engine"), "decide", str(COUNTY)]
    subprocess.run(command, capture_output=True, check=True)

    def process() -> None:
        subprocess.run(command, capture_output=True, check=True, env={**os.environ})

    table.add_row("new process, command to printed decision", f"{median(process, 1, 7):.2f} s", "0.6 s")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
