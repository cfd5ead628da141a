"""Case files against their expected timelines, and the commands that run and replay them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy_engine import BadInput, Engine
from policy_engine.cases.casefile import case_files
from policy_engine.cases.expectations import failures
from policy_engine.cli.case import follow_file

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "scenarios/cases").glob("*.yaml"))
WEEKEND = ROOT / "scenarios/cases/tx-holiday-weekend.yaml"
COMMAND = str(Path(sys.executable).parent / "policy-engine")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_there_are_enough_cases_of_the_kinds_asked_for() -> None:
    names = " ".join(path.stem for path in FILES)
    assert len(FILES) >= 15
    for kind in ("detainer-then-bail", "holiday-weekend", "warrant-after-refusal", "citizenship-mid-hold", "release-order-in-hold", "overnight", "287g-ends", "order-stayed"):
        assert kind in names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case_file(engine: Engine, path: Path) -> None:
    """With the second opinion: every decision of every timeline is checked norm by norm."""
    (file,) = case_files(path, engine)
    assert len(file.expect) >= 2
    case = file.run(engine, second_opinion=True)
    assert failures(case, file) == []
    assert case.second_opinion == "agreed"
    with pytest.raises(BadInput, match=r"case file|events"):
        engine.scenario(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("status: {hold: prohibited}", "status: {hold: required}", "at 2025-12-01 17:00:00: hold: expected required, found prohibited"),
        ("because: {hold: us.hold.max-48h}", "because: {hold: us.hold.citizen}", "hold: expected because of us.hold.citizen, found us.hold.max-48h"),
        ("acts: {hold: unsettled}", "acts: {hold: against}", "after kept-friday: hold: expected against the decision, found unsettled"),
        ("us.clock.form-48h: expired", "us.clock.form-48h: running", "us.clock.form-48h: expected running, found expired"),
        ("ends: {us.clock.regulation-48h: 2025-12-01T17:00", "ends: {us.clock.regulation-48h: 2025-12-02T17:00", "us.clock.regulation-48h: expected to end 2025-12-02"),
        ("must: {us.clock.regulation-48h: us.hold.max-48h}", "must: {us.clock.regulation-48h: tx.detainer-hold}", "expected tx.detainer-hold, found us.hold.max-48h"),
        ("says: Release; do not hold", "says: Hold on", "expected the words `Hold on`"),
        ("{after: kept-monday, acts: {hold: against}}", "{after: kept-monday, in_question: [kept-friday]}", "in question: expected kept-friday, found nothing"),
        ("{after: kept-monday, acts: {hold: against}}", "{after: kept-monday, instead: {hold: permitted}}", "it would have been permitted; found no difference"),
        ("{after: kept-monday, acts: {hold: against}}", "{after: kept-monday, law_began: [tx.new]}", "expected tx.new to come into force; found none"),
        ("{after: kept-monday, acts: {hold: against}}", "{after: kept-monday, duties: {tx.detainer-inform: met}}", "tx.detainer-inform: expected met, found open"),
    ],
)
def test_a_wrong_expectation_fails(engine: Engine, tmp_path: Path, old: str, new: str, told: str) -> None:
    text = WEEKEND.read_text(encoding="utf-8")
    assert old in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(old, new), encoding="utf-8")
    (file,) = case_files(wrong, engine)
    assert told in "\n".join(failures(file.run(engine, second_opinion=False), file))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("event: bail_posted", "event: bail_post", ":17:23: unknown kind of event `bail_post`; did you mean `bail_posted`?"),
        ("at: 2025-11-26T17:00}", "at: 2025-11-26}", ":17:40: found `2025-11-26`; an event has a time, not only a day"),
        ("{after: handed,", "{after: handled,", "unknown event of this file `handled`; did you mean `handed`?"),
        ("  - {id: ice, event", "  - {id: detainer, event", "event `detainer` stands twice in this file"),
        ("status: {hold: prohibited}", "status: {holt: prohibited}", "unknown action `holt`; did you mean `hold`?"),
        ("status: {hold: prohibited}", "status: {hold: forbidden}", "found `forbidden`; valid:"),
        ("jurisdiction: us/tx/bexar-county", "jurisdiction: us/tx/bexxar-county", "unknown place `us/tx/bexxar-county`"),
        ("{after: kept-friday,", "{after: kept-friday, at: 2025-11-28T18:00,", "names one event (`after`) or one moment (`at`)"),
        ("expect:\n", "expects:\n", "unknown key `expects`; did you mean `expect`?"),
    ],
)
def test_a_bad_case_file_is_one_line_for_each_fault(engine: Engine, tmp_path: Path, old: str, new: str, told: str) -> None:
    text = WEEKEND.read_text(encoding="utf-8")
    assert old in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as found:
        case_files(bad, engine)[0].run(engine, second_opinion=False)
    (line,) = str(found.value).splitlines()
    assert told in line
    assert line.startswith(f"{bad}:")


def test_a_bad_case_file_ends_the_command_with_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(WEEKEND.read_text(encoding="utf-8").replace("event: bail_posted", "event: bail_post"), encoding="utf-8")
    done = run("case", str(bad))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{bad}:17:23: unknown kind of event `bail_post`; did you mean `bail_posted`?\n"


def test_the_command_prints_the_timeline() -> None:
    done = run("case", "scenarios/cases/tx-holiday-weekend.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "second opinion: agreed" in done.stdout
    assert "hold: required or permitted or prohibited -> prohibited, by us.hold.max-48h" in done.stdout
    assert "hold done: against the decision (hold was prohibited)" in done.stdout
    assert "\x1b" not in done.stdout


def test_late_news_is_told_on_the_timeline() -> None:
    done = run("case", "scenarios/cases/tx-citizenship-known-late.yaml")
    assert "now in question: hold done (event kept)" in done.stdout
    assert "hold was told as required" in " ".join(done.stdout.split())


def test_the_command_gives_json_and_a_gantt() -> None:
    found = json.loads(run("case", "scenarios/cases/tx-holiday-weekend.yaml", "-f", "json").stdout)
    assert (found["schema"], found["case"], len(found["events"])) == ("policy-engine.timeline/1", "tx-holiday-weekend", 7)
    assert [step["kind"] for step in found["timeline"]].count("turn") == 3
    gantt = run("case", "scenarios/cases/tx-holiday-weekend.yaml", "-f", "gantt").stdout.splitlines()
    assert gantt[0] == "gantt"
    assert "    The regulation's 48 hours :crit, 2025-11-26T17:00:00, 2025-12-01T17:00:00" in gantt
    assert "    required :2025-11-26T17:00:00, 2025-11-28T17:00:00" in gantt
    assert "    required or permitted or prohibited :crit, 2025-11-28T17:00:00, 2025-12-01T17:00:00" in gantt


def test_a_log_is_kept_and_replayed(tmp_path: Path) -> None:
    log = tmp_path / "case.jsonl"
    first = run("case", "scenarios/cases/tx-holiday-weekend.yaml", "--log", str(log))
    raw = log.read_bytes()
    again = run("case", "scenarios/cases/tx-holiday-weekend.yaml", "--log", str(log))
    assert (first.returncode, again.stdout, log.read_bytes()) == (0, first.stdout, raw)
    done = run("replay", str(log))
    assert (done.returncode, done.stderr) == (0, "")
    assert "8 decided under this very rulebook; 8 told the same again, byte for byte; second opinion: agreed" in done.stdout
    found = json.loads(run("replay", str(log), "-f", "json", "--no-second-opinion").stdout)
    assert (found["sound"], found["second_opinion"], found["same"]) == (True, "off", 8)
    log.write_bytes(raw.replace(b"kept-friday", b"kept-sunday", 1))
    done = run("replay", str(log))
    assert (done.returncode, "this line was altered" in done.stderr) == (2, True)


def test_time_runs_on_to_the_moment_asked_for() -> None:
    words = ("case", "scenarios/cases/ca-look-back-lapses.yaml", "-f", "json", "--no-second-opinion")
    found = json.loads(run(*words, "--until", "2026-03-20T00:00").stdout)
    assert (found["now"], found["timeline"][-1]["at"]) == ("2026-03-20T00:00:00-07:00", "2026-03-04T14:00:00-08:00")
    assert json.loads(run(*words).stdout)["now"] == "2026-03-03T08:00:00-08:00"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["case", "scenarios/us/ca/ca-judicial-warrant.yaml"], "key `events` is missing; a file without events is a scenario: `policy-engine decide`"),
        (["case", "scenarios/cases/tx-holiday-weekend.yaml", "-f", "pdf"], "unknown format `pdf`"),
        (["case", "scenarios/cases/tx-holiday-weekend.yaml", "--until", "soon"], "found `soon`; a time is written"),
        (["case", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file"),
        (["decide", "scenarios/cases/tx-holiday-weekend.yaml"], "this is a case file, with events; run it with `policy-engine case`"),
        (["replay", "README.md"], "README.md:1:1: this line was altered: its hash does not fit it"),
        (["replay", "nowhere.jsonl"], "nowhere.jsonl: cannot be read: No such file"),
        (["case", "scenarios/cases/tx-holiday-weekend.yaml", "--follow", "-f", "json"], "`--follow` prints text"),
    ],
)
def test_wrong_words_end_with_2(words: list[str], told: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_test_command_runs_cases(tmp_path: Path) -> None:
    done = run("test", "scenarios/cases/tx-holiday-weekend.yaml", "scenarios/us/pa")
    assert done.returncode == 0
    assert "1 cases, 9 points of their timelines, 0 cases failed" in done.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(WEEKEND.read_text(encoding="utf-8").replace("status: {hold: prohibited}", "status: {hold: required}"), encoding="utf-8")
    done = run("test", str(wrong))
    assert (done.returncode, "expected required, found prohibited" in done.stdout) == (1, True)


def test_following_tells_what_the_clock_and_new_events_bring(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data: dict[str, Any] = yaml.safe_load(WEEKEND.read_text(encoding="utf-8"))
    extra = data["events"][3:]
    path = tmp_path / "case.yaml"

    def save(events: list[dict[str, Any]]) -> None:
        path.write_text(yaml.safe_dump({**data, "events": events, "expect": []}), encoding="utf-8")

    save(data["events"][:3])
    (file,) = case_files(path, engine)
    case = file.run(engine, second_opinion=False)
    now = case.now
    polls = 0

    def clock() -> dt.datetime:
        return now

    def sleep(_: float) -> None:
        nonlocal now, polls
        polls += 1
        now = dt.datetime(2025, 11, 28, 23, 30, tzinfo=dt.UTC) if polls == 1 else now
        if polls == 2:
            save([*data["events"][:3], {**extra[0], "event": "kept_past"}])
        if polls == 3:
            save([*data["events"][:3], {**extra[0], "known": "2025-11-28T18:00"}])
        if polls == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_file(engine, case, path, clock, sleep)
    told = capsys.readouterr()
    assert "The form's 48 hours on hold ran out" in told.out
    assert "kept-friday: the person is kept after the time of release" in told.out
    assert "unknown kind of event `kept_past`; did you mean `kept_past_release`" in told.err
