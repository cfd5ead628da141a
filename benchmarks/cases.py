"""Live cases, timed and weighed. Run with `make bench`; `--full` opens and closes 100,000 cases and kills writers and children."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from policy_engine import Engine
from policy_engine.cases.case import Case
from policy_engine.cases.log import read_log
from policy_engine.cases.rete.process import DerivationFailed
from policy_engine.language.scenario import is_case_file

ROOT = Path(__file__).resolve().parent.parent
PLACES = ["us/ca/fresno-county", "us/ca/san-francisco", "us/tx/bexar-county", "us/fl/polk-county", "us/il/cook-county", "us/la/orleans-parish"]
PAPERS = {"form": "i247a", "probable_cause": ["biometric_match"], "requests": ["hold", "notification"]}


def opening(number: int, place: str = PLACES[0]) -> dict[str, Any]:
    """A case at its opening; the number varies its facts."""
    rng = random.Random(number)
    facts = {
        "person.juvenile": rng.random() < 0.1,
        "person.victim_or_witness": rng.random() < 0.5,
        "convictions": rng.choice([[], [{"offense": "theft", "grade": "felony", "date": "2012-05-01"}], "unknown"]),
    }
    return {"id": f"case-{number}", "as_of": "2026-03-02T08:00", "jurisdiction": place, "agency": {"kind": "sheriff"}, "facts": facts}


def events(number: int) -> list[dict[str, Any]]:
    """The events of a case, half a minute of its number apart."""
    minute = number % 50
    return [
        {"id": "booked", "event": "booked", "at": f"2026-03-02T09:{minute:02}", "facts": {"charges": [{"offense": "theft", "grade": "misdemeanor"}]}},
        {"id": "detainer", "event": "detainer_lodged", "at": f"2026-03-02T10:{minute:02}", "facts": {"detainer": PAPERS, "admin_warrant.form": "i200"}},
        {"id": "copy", "event": "copy_given", "at": f"2026-03-02T11:{minute:02}"},
        {"id": "bail", "event": "bail_posted", "at": f"2026-03-02T12:{minute:02}"},
        {"id": "claim", "event": "citizenship_claimed", "at": f"2026-03-02T13:{minute:02}"},
        {"id": "out", "event": "released", "at": f"2026-03-02T14:{minute:02}"},
    ]


def resident(pid: int | str = "self") -> float:
    """The resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def event_times(engine: Engine, second_opinion: bool, cases: int, folder: Path | None = None) -> tuple[float, float]:
    """Median seconds of an event, and of an opening."""
    opened, applied = [], []
    for number in range(cases):
        log = folder / f"{number}.jsonl" if folder else None
        made: list[Case] = []
        opened.append(timed(lambda: made.append(engine.open_case(opening(number), log=log, second_opinion=second_opinion))))  # noqa: B023
        applied += [timed(lambda: made[0].apply(event)) for event in events(number)]  # noqa: B023
        made[0].close()
    return statistics.median(applied), statistics.median(opened)


def live(cases: int, pipe: Any) -> None:
    """Hold many cases at once, six events each, and tell the growth of memory."""
    engine = Engine(ROOT / "rules")
    engine.open_case(opening(0), second_opinion=False)
    before = resident()
    kept = []
    for number in range(cases):
        case = engine.open_case(opening(number, PLACES[number % len(PLACES)]), second_opinion=False)
        for event in events(number):
            case.apply(event)
        kept.append(case)
    gc.collect()
    pipe.send((resident(), resident() - before))


def churn(cases: int, pipe: Any) -> None:
    """Open and close cases with the second opinion; the memory of both processes after each tenth."""
    engine = Engine(ROOT / "rules")
    warm = max(cases // 20, 500)
    marks = []
    for number in range(warm + cases):
        with engine.open_case(opening(number, PLACES[number % len(PLACES)])) as case:
            case.apply(events(number)[number % 2])
        if number >= warm and (number - warm + 1) % (cases // 10) == 0:
            gc.collect()
            marks.append((resident(), resident(engine.opinion.derivations.pid or 0)))
    pipe.send(marks)


def apart(work: Callable[..., None], *arguments: object) -> Any:
    """What a piece of work tells from a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(*arguments, theirs))
    process.start()
    found = ours.recv()
    process.join()
    return found


# -- crashes --------------------------------------------------------------------------------------
WRITER = """
import sys
from policy_engine import Engine
engine = Engine(sys.argv[2])
case = engine.open_case(CASE, log=sys.argv[1], second_opinion=False)
print("open", flush=True)
for number in range(len(case.events), 100000):
    case.apply({"id": f"e{number}", "event": "fact_learned", "at": case.now.isoformat(), "facts": {"person.victim_or_witness": number % 2 == 0}})
    print(number, flush=True)
"""


def kill_writers(kills: int, folder: Path) -> tuple[int, int]:
    """Kill a writer again and again while it writes to one log: events told as recorded, and torn lines. Checks that none is lost or doubled."""
    log = folder / "killed.jsonl"
    rng = random.Random(7)
    told = torn = 0
    source = WRITER.replace("CASE", repr(opening(0, "us/pa/lehigh-county")))
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", source, str(log), str(ROOT / "rules")], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        first = process.stdout.readline()
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        lines = (first + process.stdout.read()).split("\n")
        process.wait()
        told = max([told, *(int(line) + 1 for line in lines[:-1])])
        read = read_log(log)
        torn += bool(read.torn)
        ids = [entry["event"]["id"] for entry in read.entries if "event" in entry]
        if ids != [f"e{number}" for number in range(len(ids))] or len(ids) < told:
            raise SystemExit(f"lost or doubled: {len(ids)} events in the log, {told} told as recorded")
    return told, torn


def kill_children(engine: Engine, kills: int) -> int:
    """Kill the child process before and during derivations: each kill a clear error, the case as it was, and a clean restart."""
    rng = random.Random(3)
    case = engine.open_case(opening(1), second_opinion=True)
    errors = 0
    for number in range(kills):
        event = {"id": f"e{number}", "event": "fact_learned", "at": case.now.isoformat(), "facts": {"person.victim_or_witness": number % 2 == 0}}
        before = case.timeline
        os.kill(engine.opinion.derivations.pid or 0, rng.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))
        try:
            case.apply(event)
        except DerivationFailed as error:
            errors += "ended by signal" in str(error) and case.timeline is before
        case.apply(event)
    return errors


def agreement(engine: Engine) -> tuple[int, int, int, int]:
    """Hold every scenario of the rulebook against the second opinion; a difference raises. Scenarios, rules compared, regimes, the most rules in one."""
    scenarios = rules = most = 0
    plans: set[str] = set()
    for path in sorted((ROOT / "scenarios").rglob("*.yaml")):
        if not is_case_file(path):
            for scenario in engine.scenarios(path):
                decision = engine.decide(scenario)
                plan = engine.opinion.plan(decision.regime)
                rules += engine.opinion.check(decision).rules
                scenarios, most = scenarios + 1, max(most, plan.rules)
                plans.add(plan.key)
    return scenarios, rules, len(plans), most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100,000 cases opened and closed, 200 writers and 50 children killed, every scenario held against the second opinion")
    full = parser.parse_args().full
    table = Table("what", "found", "target")
    engine = Engine(ROOT / "rules")
    event_times(engine, False, 5)
    event_times(engine, True, 5)
    alone, opened = event_times(engine, False, 100)
    both, opened_both = event_times(engine, True, 100)
    table.add_row("an event on an open case, county of California, circuit alone, median", f"{alone * 1e3:.2f} ms", "1 ms")
    table.add_row("the same with the second opinion", f"{both * 1e3:.2f} ms", "15 ms")
    with tempfile.TemporaryDirectory() as folder:
        logged, _ = event_times(engine, False, 30, Path(folder))
        table.add_row("the same with a log on disk (fsync), circuit alone", f"{logged * 1e3:.2f} ms", "")
        told, torn = kill_writers(200 if full else 20, Path(folder))
    table.add_row("opening a case, circuit alone / with the second opinion, median", f"{opened * 1e3:.2f} / {opened_both * 1e3:.2f} ms", "50 ms")
    fresh = Engine(engine.rulebook)
    first = timed(lambda: fresh.open_case(opening(0)))
    table.add_row("the very first opening: regime compiled, child process started, rulesets loaded", f"{first * 1e3:.0f} ms", "")
    errors = kill_children(engine, 50 if full else 10)
    table.add_row(f"{200 if full else 20} writers killed while writing", f"{told} events told, none lost or doubled, {torn} torn lines", "none")
    table.add_row(f"{50 if full else 10} child processes killed", f"{errors} clear errors, each with a clean restart", "each")
    count = 10_000 if full else 2_000
    whole, grown = apart(live, count)
    table.add_row(f"{count:,} cases live, six events each: resident memory, growth", f"{whole:.0f} MiB, {grown:.0f} MiB", "1,024 MiB")
    count = 100_000 if full else 5_000
    marks = apart(churn, count)
    for name, place in (("this process", 0), ("the child", 1)):
        first_mark, last = marks[0][place], marks[-1][place]
        table.add_row(f"{count:,} cases opened and closed, memory of {name}, first and last tenth", f"{first_mark:.1f}, {last:.1f} MiB ({last / first_mark - 1:+.1%})", "+2%")
    if full:
        scenarios, rules, plans, most = agreement(engine)
        table.add_row(f"{scenarios:,} scenarios held against the second opinion", f"{rules:,} rules compared, none differs; {plans} plans, {most} rules at most", "none")
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
