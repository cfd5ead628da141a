"""A log replayed: the same decisions byte for byte under its own rulebook, a report of what would differ under another."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policy_engine.cases.case import SCHEMA, Case
from policy_engine.cases.log import read_log
from policy_engine.cases.step import Step
from policy_engine.language.problems import BadInput

if TYPE_CHECKING:
    from policy_engine.engine import Engine

Told = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Replay:
    """What a replay found.

    Attributes:
        entries: the entries of the log.
        head: the hash of its last line.
        torn: how many bytes at its end are torn.
        own: entries decided under the very rulebook that replays them.
        same: entries whose decisions are the same, byte for byte.
        differs: for an entry, what would now be told otherwise.
        impossible: for an entry, why it cannot be replayed.
        second_opinion: whether the replayed decisions were checked.
    """

    entries: int
    head: str
    torn: int
    own: int = 0
    same: int = 0
    differs: dict[int, list[str]] = field(default_factory=dict)
    impossible: dict[int, str] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)
    second_opinion: str = "off"

    @property
    def sound(self) -> bool:
        """Whether every entry decided under this very rulebook is told the same again."""
        return not self.broken

    def to_dict(self) -> dict[str, Any]:
        """The report in JSON's words."""
        return {
            "schema": "policy-engine.replay/1",
            "entries": self.entries,
            "head": self.head,
            "torn_bytes": self.torn,
            "same_rulebook": self.own,
            "same": self.same,
            "differs": [{"entry": number, "what": lines} for number, lines in self.differs.items()],
            "impossible": [{"entry": number, "why": why} for number, why in self.impossible.items()],
            "sound": self.sound,
            "second_opinion": self.second_opinion,
        }


def replay(path: Path, engine: Engine, second_opinion: bool | None = None) -> Replay:
    """Decide every entry of a log again.

    Raises:
        BadInput: the log is altered or is none.
    """
    read = read_log(path)
    found = Replay(len(read.entries), read.head, len(read.torn))
    if not read.entries or read.entries[0].get("schema") != SCHEMA:
        raise BadInput.one(f"no log of a case: its first line does not hold `{SCHEMA}`", str(path), 1, 1)
    try:
        scenario = engine.scenario(read.entries[0]["case"])
    except BadInput as error:
        found.impossible = {entry["n"]: f"its case cannot be opened: {error.problems[0].message}" for entry in read.entries}
        return found
    case = Case(engine, scenario, None if second_opinion is False else engine.opinion, strict=second_opinion is True)
    digest = ""
    for entry in read.entries:
        digest = entry["rulebook"]["digest"] if "rulebook" in entry else digest
        own = digest == case.rulebook["digest"]
        try:
            steps = _again(case, read.entries, entry, own, str(path))
        except BadInput as error:
            found.impossible[entry["n"]] = error.problems[0].message
            continue
        _compare(found, entry, [step.to_dict() for step in steps] if steps is not None else entry["steps"], own)
    found.second_opinion = case.second_opinion
    return found


def _again(case: Case, entries: Sequence[Mapping[str, Any]], entry: Mapping[str, Any], own: bool, file: str) -> Sequence[Step] | None:
    """The steps of one entry, decided again; None where a change of rulebook is nothing to this one."""
    before = len(case.timeline)
    if entry["n"] == 0:
        case.start(None)
    elif "rulebook" in entry:
        if not own:
            return None
        case.take_up(entries[: entry["n"]], file)
        return case.timeline[-1:]
    elif "event" in entry:
        case.apply(entry["event"])
    else:
        case.advance(dt.datetime.fromisoformat(entry["until"]))
    return case.timeline[before:]


def _compare(found: Replay, entry: Mapping[str, Any], again: Told, own: bool) -> None:
    found.own += own
    if _bytes(again) == _bytes(entry["steps"]):
        found.same += 1
        return
    found.differs[entry["n"]] = list(_differences(entry["steps"], again))
    if own:
        found.broken.append(entry["n"])


def _bytes(steps: Told) -> bytes:
    return json.dumps(steps, ensure_ascii=False, separators=(",", ":")).encode()


def _differences(told: Told, again: Told) -> Iterator[str]:
    """What would be told otherwise, step by step."""
    old, new = ({(step["kind"], step["at"]): step for step in steps} for steps in (told, again))
    for key in dict.fromkeys((*old, *new)):
        kind, at = key
        if key not in new:
            yield f"{at}: the {kind} would not be told"
        elif key not in old:
            yield f"{at}: a {kind} would be told: {new[key].get('headline', '')}"
        else:
            yield from (f"{at}: {line}" for line in _step(old[key], new[key]))


def _step(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get("outcomes", {}), new.get("outcomes", {})
    for action in dict.fromkeys((*before, *after)):
        was, now = (" or ".join(found.get(action, ())) or "not judged" for found in (before, after))
        if was != now:
            because = next((change["because"] for change in new.get("changes", ()) if change["action"] == action), ())
            yield f"{action}: told {was}, now {now}{f', by {because[0]}' if because else ''}"
    for part in ("headline", "duties", "clocks", "musts", "acts", "revision", "law_began", "law_ended"):
        if old.get(part) != new.get(part):
            yield f"{part.replace('_', ' ')}: told otherwise"
    if before == after and old.get("changes") != new.get("changes"):
        yield "the norms from which the statuses follow are others"
