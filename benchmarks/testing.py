"""Testing rules, timed: scenarios drawn and decided, invariants proved, planted faults judged. Run with `make bench`."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from rich.console import Console
from rich.table import Table

from policy_engine import Engine
from policy_engine.testing import Landscape, Prover, Strategies, read_invariants
from policy_engine.testing.campaign import Bench, Plan

ROOT = Path(__file__).resolve().parent.parent
DRAWN = 2_000


def drawn(kit: Strategies, actions: list[str] | None) -> float:
    """Microseconds of CPU for a scenario, drawn and decided in one place on one day."""
    count = 0

    @settings(max_examples=DRAWN, deadline=None, database=None)
    @given(kit.scenarios("us/ca", as_of=dt.date(2026, 3, 2), kinds=("sheriff",)))
    def decide(scenario: object) -> None:
        nonlocal count
        count += 1
        kit.engine.evaluate(scenario, actions=actions)  # type: ignore[arg-type]

    start = time.process_time()
    decide()
    return 1e6 * (time.process_time() - start) / count


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    engine = Engine(ROOT / "rules")
    kit = Strategies(engine)
    table = Table("testing rules", "CPU time", "target")
    for label, actions in (("one action", ["hold"]), ("every action", None)):
        drawn(kit, actions)  # the regime and its diagrams are made
        spent = statistics.median(drawn(kit, actions) for _ in range(5))
        table.add_row(f"a scenario drawn and decided, {label}", f"{spent:,.0f} us of CPU ({1e6 / spent:,.0f} a second)", "1,000 a second")
    landscape = Landscape(engine)
    prover = Prover(landscape, read_invariants(engine))
    actions = list(dict.fromkeys(action for item in prover.invariants for action in item.actions))
    laws = seconds(lambda: [landscape.laws(action) for action in actions])
    table.add_row(f"{sum(len(landscape.laws(action)) for action in actions)} distinct laws found", f"{laws:.1f} s", "")
    proofs = seconds(lambda: [prover.counterexample(item) for item in prover.invariants])
    table.add_row(f"{len(prover.invariants)} invariants proved in all of them", f"{proofs:.1f} s", "")
    bench = Bench(Plan(ROOT / "rules", (ROOT / "scenarios",), ("us/ga",), every=3))
    tasks = bench.tasks()
    judged: list[object] = []
    spent = seconds(lambda: [judged.extend(bench.run(task)) for task in tasks])
    table.add_row(f"{len(judged)} planted faults of one state judged", f"{1000 * spent / len(judged):.0f} ms each", "")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
