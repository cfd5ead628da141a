"""The log of a case: nothing lost, nothing doubled, nothing altered unseen; the same decisions again."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cases import BAIL, BASE, DETAINER, ENGINE, KEPT, histories, told_late

from policy_engine import BadInput, Engine
from policy_engine.cases.log import CaseLocked, line_of, read_log
from policy_engine.cases.replay import replay
from policy_engine.cases.rete.process import DerivationFailed, RulesEngineMissing

ROOT = Path(__file__).resolve().parent.parent
LATE = {"id": "papers", "event": "citizenship_shown", "at": "2026-03-02T15:00", "known": "2026-03-05T08:00"}
EVENTS = [DETAINER, {"id": "copy", "event": "copy_given", "at": "2026-03-02T10:00", "meets": []}, BAIL, KEPT, LATE]


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> Path:
    path = tmp_path / "case.jsonl"
    with engine.open_case(BASE, log=path, second_opinion=False) as case:
        for event in EVENTS:
            case.apply(event)
        case.advance(dt.datetime(2026, 3, 9, tzinfo=dt.UTC))
    return path


def test_a_case_taken_up_stands_where_it_stood(engine: Engine, log: Path) -> None:
    alone = engine.open_case(BASE, second_opinion=False)
    for event in EVENTS:
        alone.apply(event)
    alone.advance(dt.datetime(2026, 3, 9, tzinfo=dt.UTC))
    with engine.open_case(log=log, second_opinion=False) as case:
        assert (case.timeline, case.facts, case.duties, case.clocks) == (alone.timeline, alone.facts, alone.duties, alone.clocks)
        assert [event.written for event in case.events] == [event.written for event in alone.events]
        assert case.apply({"id": "out", "event": "released", "at": "2026-03-10T08:00"}) == alone.apply({"id": "out", "event": "released", "at": "2026-03-10T08:00"})
        assert case.head == read_log(log).head
    assert replay(log, engine, second_opinion=False).sound


def test_cut_at_any_byte_it_stands_where_the_last_whole_line_ends(engine: Engine, log: Path, tmp_path: Path) -> None:
    raw = log.read_bytes()
    lines = raw.splitlines(keepends=True)
    bounds = [sum(map(len, lines[: index + 1])) for index in range(len(lines))]
    cut = tmp_path / "cut.jsonl"
    for size in [*range(bounds[0] - 3, bounds[0] + 4), *range(0, len(raw), 211), *(bound + shift for bound in bounds for shift in (-1, 0, 1) if bound + shift <= len(raw))]:
        cut.write_bytes(raw[:size])
        whole = sum(bound <= size for bound in bounds)
        read = read_log(cut)
        assert len(read.entries) == whole
        assert read.torn == raw[bounds[whole - 1] if whole else 0 : size]
    cut.write_bytes(raw[: bounds[3] - 5])
    with engine.open_case(BASE, log=cut, second_opinion=False) as case:
        assert case.torn is not None
        assert case.torn.startswith("line 4 was torn")
        assert [event.id for event in case.events] == ["detainer", "copy"]
        for event in EVENTS:
            case.apply(event)
    assert cut.read_bytes().splitlines()[: len(EVENTS) + 1] == raw.splitlines()[: len(EVENTS) + 1]
    assert (tmp_path / "cut.jsonl.torn").read_bytes() == raw[bounds[2] : bounds[3] - 5] + b"\n"


def test_an_altered_byte_is_found_in_every_line(log: Path, tmp_path: Path) -> None:
    raw = log.read_bytes()
    altered = tmp_path / "altered.jsonl"
    ends = [index for index, byte in enumerate(raw) if byte == 10]
    for place in range(3, len(raw), 397):
        if place in ends:
            continue
        altered.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        line = sum(end < place for end in ends) + 1
        with pytest.raises(BadInput) as found:
            read_log(altered)
        assert str(found.value).startswith(f"{altered}:{line}:1: this line was altered")


def test_a_line_taken_out_moved_or_written_anew_is_found(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    for changed in (lines[:2] + lines[3:], [lines[0], lines[2], lines[1], *lines[3:]], lines[1:]):
        log.write_bytes(b"".join(changed))
        with pytest.raises(BadInput, match="does not follow the one before"):
            read_log(log)
    entry = json.loads(lines[2])
    body = {key: value for key, value in entry.items() if key != "hash"}
    log.write_bytes(b"".join([*lines[:2], line_of({**body, "second_opinion": "agreed"})[0], *lines[3:]]))
    with pytest.raises(BadInput, match="does not follow the one before"):
        read_log(log)


def test_lines_cut_off_whole_are_seen_by_the_head(log: Path) -> None:
    head = read_log(log).head
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert read_log(log).head != head
    done = subprocess.run([str(Path(sys.executable).parent / "policy-engine"), "replay", str(log), "--head", head], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, "lines were cut off or written anew" in done.stderr) == (1, True)


def test_two_writers_are_refused(engine: Engine, log: Path) -> None:
    with engine.open_case(log=log, second_opinion=False):
        with pytest.raises(CaseLocked, match="another writer has this case open"):
            engine.open_case(log=log, second_opinion=False)
        code = f"from policy_engine import Engine; Engine({str(ROOT / 'rules')!r}).open_case(log={str(log)!r}, second_opinion=False)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "CaseLocked" in done.stderr
    engine.open_case(log=log, second_opinion=False).close()


def test_a_log_of_another_case_is_refused(engine: Engine, log: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="this log is of the case `case` as it was opened; the scenario given differs"):
        engine.open_case({**BASE, "id": "other"}, log=log)
    engine.open_case(BASE, log=log).close()
    with pytest.raises(BadInput, match="the log is empty"):
        engine.open_case(log=tmp_path / "new.jsonl")
    with pytest.raises(BadInput, match="cannot be opened: No such file"):
        engine.open_case(BASE, log=tmp_path / "nowhere" / "new.jsonl")
    with pytest.raises(BadInput, match="opened with a scenario, with a log, or with both"):
        engine.open_case()


def test_what_cannot_be_written_does_not_count(engine: Engine, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = log.read_bytes()
    with engine.open_case(log=log, second_opinion=False) as case:
        before, full = case.timeline, os.write

        def half(file: int, data: Any) -> int:
            if len(data) > 100:
                return full(file, bytes(data[:50]))
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("policy_engine.cases.log.os.write", half)
        with pytest.raises(BadInput, match="cannot be written: No space left on device; the entry does not count"):
            case.apply({"id": "out", "event": "released", "at": "2026-03-10T08:00"})
        monkeypatch.undo()
        assert (case.timeline, log.read_bytes()) == (before, raw)
        case.apply({"id": "out", "event": "released", "at": "2026-03-10T08:00"})
    assert read_log(log).entries[-1]["event"]["id"] == "out"


WRITER = f"""
import sys
from policy_engine import Engine
case = Engine({str(ROOT / "rules")!r}).open_case({BASE!r}, log=sys.argv[1], second_opinion=False)
print("open", flush=True)
for number in range(len(case.events), 10000):
    case.apply({{"id": f"e{{number}}", "event": "fact_learned", "at": case.now.isoformat(), "facts": {{"person.victim_or_witness": number % 2 == 0}}}})
    print(number, flush=True)
"""


def test_killed_while_writing_nothing_told_is_lost_or_doubled(engine: Engine, tmp_path: Path) -> None:
    log, told = tmp_path / "killed.jsonl", 0
    for number in range(6):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(log)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        first = process.stdout.readline()
        time.sleep(0.007 * (number % 5))
        process.send_signal(signal.SIGKILL)
        lines = (first + process.stdout.read()).split("\n")
        process.stdout.close()
        process.wait()
        told = max([told, *(int(line) + 1 for line in lines[:-1])])
        ids = [entry["event"]["id"] for entry in read_log(log).entries if "event" in entry]
        assert ids == [f"e{index}" for index in range(len(ids))]
        assert len(ids) >= told
    assert told > 10
    assert replay(log, engine, second_opinion=False).sound


def test_many_cases_in_threads_and_processes(engine: Engine, tmp_path: Path) -> None:
    def work(name: str) -> None:
        with engine.open_case({**BASE, "id": name}, log=tmp_path / f"{name}.jsonl") as case:
            for event in EVENTS:
                case.apply(event)

    threads = [threading.Thread(target=work, args=(f"thread-{number}",)) for number in range(6)]
    processes = [multiprocessing.get_context("spawn").Process(target=_process, args=(str(tmp_path / f"process-{number}.jsonl"),)) for number in range(2)]
    for worker in (*threads, *processes):
        worker.start()
    for worker in (*threads, *processes):
        worker.join()
    steps = {json.dumps([entry["steps"] for entry in read_log(path).entries]) for path in tmp_path.glob("*.jsonl")}
    assert len(list(tmp_path.glob("*.jsonl"))) == 8
    assert len(steps) == 1


def _process(path: str) -> None:
    with Engine(ROOT / "rules").open_case(BASE, log=path) as case:
        for event in EVENTS:
            case.apply(event)


def test_time_that_brings_nothing_leaves_no_trace(engine: Engine, tmp_path: Path) -> None:
    """What is known later of such a time is not late, told now or after the log is opened again."""
    late = {"id": "rights", "event": "rights_given", "at": "2026-03-02T20:00", "known": "2026-03-03T06:00"}
    told = []
    for name in ("one", "two"):
        log = tmp_path / f"{name}.jsonl"
        case = engine.open_case(BASE, log=log, second_opinion=False)
        for event in (DETAINER, BAIL):
            case.apply(event)
        before = log.read_bytes()
        assert case.advance(dt.datetime(2026, 3, 3, 5, tzinfo=dt.UTC)) == []
        assert log.read_bytes() == before
        if name == "two":
            case.close()
            case = engine.open_case(log=log, second_opinion=False)
        told.append(case.apply(late))
        case.close()
        assert replay(log, engine, second_opinion=False).sound
    assert told[0] == told[1]
    assert told[0].revision is None


@settings(max_examples=40)
@given(history=histories(), data=st.data())
def test_any_history_taken_up_anywhere_stands_and_replays_the_same(history: tuple[str, list[dict[str, Any]]], data: Any) -> None:
    """Events in any order, time let run and the log opened anew between them."""
    place, events = history
    order = data.draw(st.permutations(range(len(events))))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "case.jsonl"
        case = ENGINE.open_case({**BASE, "jurisdiction": place}, log=log, second_opinion=False)
        for event in told_late(order, events) if data.draw(st.booleans()) else events:
            if data.draw(st.booleans()):
                case.advance(case.now + dt.timedelta(hours=data.draw(st.sampled_from([0, 1, 5]))))
            if data.draw(st.booleans()):
                case.close()
                case = ENGINE.open_case(log=log, second_opinion=False)
            case.apply({**event, "known": max(event.get("known", event["at"]), case.now.astimezone(dt.UTC).isoformat())})
        case.close()
        again = ENGINE.open_case(log=log, second_opinion=False)
        again.close()
        assert (again.timeline, again.facts, again.duties, again.clocks, again.now) == (case.timeline, case.facts, case.duties, case.clocks, case.now)
        found = replay(log, ENGINE, second_opinion=False)
        assert (found.same, found.differs, found.impossible) == (found.entries, {}, {})


# -- replay ---------------------------------------------------------------------------------------
def test_a_replay_is_the_same_byte_for_byte(engine: Engine, log: Path) -> None:
    found = replay(log, engine)
    assert (found.entries, found.own, found.same, found.differs, found.impossible, found.sound) == (6, 6, 6, {}, {}, True)
    assert found.second_opinion == "agreed"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))


def edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_under_another_rulebook_the_differences_are_told(log: Path, other: Path) -> None:
    edit(other, "us/tx/offenses.yaml", "      - not: us.past-48h\n", "      - not: custody.release_due.hours_ago > 4\n")
    found = replay(log, Engine(other), second_opinion=False)
    assert (found.own, found.broken, found.impossible) == (0, [], {})
    assert found.same < found.entries
    lines = [line for told in found.differs.values() for line in told]
    assert any("hold: told required, now permitted" in line for line in lines)


def test_what_cannot_be_replayed_is_told_with_the_reason(log: Path, other: Path) -> None:
    edit(other, "vocabulary/case_events.yaml", "  kept_past_release:", "  held_on:")
    found = replay(log, Engine(other), second_opinion=False)
    assert list(found.impossible.values()) == ["unknown kind of event `kept_past_release`; valid: " + found.impossible[4].split("valid: ")[1]]
    edit(other, "vocabulary/facts.yaml", "  custody.status:\n", "  custody.state:\n")
    with pytest.raises(BadInput):
        replay(log, Engine(other))


def test_a_decision_that_does_not_follow_again_is_unsound(engine: Engine, log: Path) -> None:
    lines, head = [], "0" * 64
    for line in log.read_bytes().splitlines():
        entry = {**json.loads(line), "prev": head}
        entry.pop("hash")
        if entry["n"] == 3:
            entry["steps"][0]["outcomes"]["hold"] = ["permitted"]
        made, head = line_of(entry)
        lines.append(made)
    log.write_bytes(b"".join(lines))
    found = replay(log, engine, second_opinion=False)
    assert (found.sound, found.broken) == (False, [3])
    assert any("hold: told permitted, now required" in line for line in found.differs[3])


def test_a_case_goes_on_under_a_changed_rulebook_and_says_so(log: Path, other: Path, engine: Engine) -> None:
    edit(other, "us/tx/detainers.yaml", "pinpoint: (a)(1); before 2025 art. 2.251(a)(1)\n    require: hold", "pinpoint: (a)(1); before 2025 art. 2.251(a)(1)\n    permit: hold")
    text = log.read_bytes()
    log.write_bytes(b"".join(text.splitlines(keepends=True)[:4]))
    changed = Engine(other)
    with changed.open_case(log=log, second_opinion=False) as case:
        step = case.timeline[-1]
        assert step.kind == "rulebook"
        assert [(item.before, item.after) for item in step.changes if item.action == "hold"] == [(("required",), ("permitted",))]
        case.apply(KEPT)
    found = replay(log, changed, second_opinion=False)
    assert (found.own, found.sound) == (2, True)
    back = replay(log, engine, second_opinion=False)
    assert (back.own, back.sound) == (4, True)
    assert 5 in back.differs


# -- the second opinion ---------------------------------------------------------------------------
def test_a_crash_records_nothing_and_the_event_can_be_applied_again(tmp_path: Path) -> None:
    engine = Engine(ROOT / "rules")
    log = tmp_path / "case.jsonl"
    with engine.open_case(BASE, log=log) as case:
        before = (case.timeline, log.read_bytes())
        os.kill(engine.opinion.derivations.pid or 0, signal.SIGKILL)
        with pytest.raises(DerivationFailed, match="ended by signal SIGKILL"):
            case.apply(DETAINER)
        assert (case.timeline, log.read_bytes()) == before
        case.apply(DETAINER)
    assert [entry["second_opinion"] for entry in read_log(log).entries] == ["agreed", "agreed"]


def test_without_durable_rules_cases_go_on_alone_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "durable_rules_engine.py").write_text("raise ImportError('undefined symbol: PyEval_CallObject')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    engine = Engine(ROOT / "rules")
    with engine.open_case(BASE, log=tmp_path / "case.jsonl") as case:
        case.apply(DETAINER)
        assert case.second_opinion.startswith("not had: durable_rules does not work here (undefined symbol: PyEval_CallObject); build it anew with: CPPFLAGS=")
        assert case.decision.outcomes["notify_release"].status == "required"
    assert all(entry["second_opinion"].startswith("not had") for entry in read_log(tmp_path / "case.jsonl").entries)
    with pytest.raises(RulesEngineMissing):
        engine.open_case(BASE, second_opinion=True)
