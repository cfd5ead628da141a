"""Hypothesis strategies for small rulebooks of no domain at all, and scenarios for them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

VOCABULARY: dict[str, Any] = {
    "facts.yaml": {
        "facts": {
            "kind": {"type": "set", "values": ["left", "right"], "ask": "which side?"},
            "a": {"type": "bool", "ask": "a?"},
            "b": {"type": "bool", "ask": "b?"},
            "c": {"type": "bool", "ask": "c?", "presume": False},
            "colour": {"type": "enum", "values": ["red", "green", "blue", "grey"], "ask": "colour?"},
            "shape": {"type": "text", "ask": "shape?"},
            "marks": {"type": "set", "values": ["x", "y", "z"], "ask": "marks?"},
            "weight": {"type": "number", "unit": "kg", "ask": "weight?"},
            "sent": {"type": "time", "ask": "when sent?"},
            "events": {
                "type": "list",
                "ask": "events?",
                "dated_by": "on",
                "ignored_when": ["void"],
                "record": {
                    "name": {"type": "term", "taxonomy": "names"},
                    "size": {"type": "number"},
                    "on": {"type": "date"},
                    "void": {"type": "bool", "presume": False},
                    "group": {"type": "text"},
                },
            },
        }
    },
    "questions.yaml": {"questions": {"law.q": {"ask": "q?"}, "law.r": {"ask": "r?"}}},
    "ranks.yaml": {
        "ranks": [
            {"name": "top", "grants": True},
            {"name": "high", "grants": True},
            {"name": "middle", "grants": True},
            {"name": "low", "grants": False},
            {"name": "paper", "grants": False, "named_only": True},
        ],
        "authority_kinds": ["rule"],
    },
    "actions.yaml": {
        "agency_kinds": {"left": {}, "right": {"local_rules": False}},
        "actions": {
            "open": {"says": "open it", "default": "permitted", "default_authority": "base", "by": ["left", "right"]},
            "shut": {"says": "shut it", "default": "prohibited", "default_authority": "base", "by": ["left", "right"]},
        },
    },
    "names.yaml": {"taxonomy": "names", "names": {"ant": {"aliases": ["emmet"]}, "bee": None, "cat": None, "dog": None}},
}
CARD = {"name": "random", "version": "1", "agency_fact": "kind", "workdays": {"excluding": ["weekends"]}}
RANKS = ["top", "high", "middle", "low", "paper"]
AS_OF = ["2026-03-04T10:00", "2026-03-08T23:30", "2026-03-09T00:10"]

_field_leaf = st.sampled_from(
    ["name = ant", "name in bee | cat", "name in k.small", "name in k.large", "size <= 3", "size > 1", "years_ago <= 2", "years_ago <= 5", "on >= 2025-01-01"]
)
_void_leaf = st.sampled_from(["void = false", "void"])


@st.composite
def _where(draw: Any) -> Any:
    parts: list[Any] = draw(st.lists(_field_leaf, min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 5)) == 0:
        parts.append(draw(_void_leaf))
    if draw(st.integers(0, 5)) == 0:
        parts = [{"any": parts}]
    return parts


_list_test = st.one_of(
    st.builds(lambda where: {"some": "events", "where": where}, _where()),
    st.builds(lambda n, where: {"at_least": n, "of": "events", "where": where}, st.integers(2, 3), _where()),
    st.builds(lambda where: {"at_least": 2, "of": "events", "distinct": "group", "where": where}, _where()),
)
_plain_leaf = st.sampled_from(
    [
        "a", "b", "b = false", "c", "colour = red", "colour in red | green", "colour != blue", "shape = round", "marks contains x", "marks contains y | z",
        "weight < 10", "weight >= 10", "weight > 20", "sent.hours_ago > 48", "sent.hours_ago <= 24", "sent.workday_hours_ago > 24", "sent.days_ago >= 2",
        "sent.is_past", "sent < 2026-03-01", "kind = left", "law.q", "law.r", "k.both-marks",
    ]
)  # fmt: skip
_leaf = st.one_of(_plain_leaf, _plain_leaf, _plain_leaf, _list_test)
condition = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=4,
)


@st.composite
def rulebooks(draw: Any) -> dict[str, Any]:
    """The rule files of a random rulebook: `top.yaml`, `top/side.yaml` and a place below it."""
    names = (f"n{number}" for number in itertools.count())
    made: list[tuple[str, str, int, frozenset[str]]] = []
    files: dict[str, Any] = {}
    for jurisdiction, rules in (("top", draw(st.integers(1, 4))), ("top/side", draw(st.integers(0, 4))), ("top/side/spot", draw(st.integers(0, 3)))):
        authorities = {f"{jurisdiction.replace('/', '-')}-{rank}": {"cite": rank, "kind": "rule", "rank": rank} for rank in RANKS}
        if jurisdiction == "top":
            authorities["base"] = {"cite": "base", "kind": "rule", "rank": "top"}
        norms = []
        for _ in range(rules):
            norms.append(draw(_norm(jurisdiction, next(names), made)))
        file: dict[str, Any] = {"jurisdiction": jurisdiction, "authorities": authorities, "norms": norms}
        if jurisdiction == "top":
            file["concepts"] = {"k.both-marks": ["marks contains x", "marks contains y"]}
            file["classes"] = {
                "k.small": {"authority": "base", "members": ["ant", {"name": "bee", "where": "size <= 2"}]},
                "k.large": {"authority": "base", "includes": ["k.small"], "members": ["cat"]},
            }
            file["holdings"] = draw(st.lists(_holding(jurisdiction, names), max_size=2))
        file["preemptions"] = draw(st.lists(_preemption(jurisdiction, names), max_size=2))
        files[jurisdiction] = file
    return files


@st.composite
def _norm(draw: Any, jurisdiction: str, name: str, made: list[tuple[str, str, int, frozenset[str]]]) -> dict[str, Any]:
    rank = draw(st.sampled_from(RANKS))
    actions = draw(st.sampled_from([["open"], ["shut"], ["open", "shut"]]))
    effect = draw(st.sampled_from(["require", "forbid", "permit"]))
    norm: dict[str, Any] = {"id": name, "authority": f"{jurisdiction.replace('/', '-')}-{rank}", effect: actions}
    if draw(st.booleans()):
        norm["when"] = draw(condition)
    if draw(st.integers(0, 2)) == 0:
        norm["unless"] = draw(condition)
    if draw(st.integers(0, 4)) == 0:
        norm["binds"] = draw(st.sampled_from([["left"], ["right"]]))
    if effect != "forbid" and draw(st.integers(0, 3)) == 0:
        norm["grants"] = draw(st.booleans())
    if draw(st.integers(0, 5)) == 0:
        norm["in_force"] = draw(st.sampled_from([{"from": "2026-03-09"}, {"to": "2026-03-08"}]))
    below = [item for item, _, other, acts in made if other >= RANKS.index(rank) and acts & set(actions)]
    if below and draw(st.integers(0, 2)) == 0:
        norm["overrides"] = draw(st.lists(st.sampled_from(below), min_size=1, max_size=2, unique=True))
    made.append((name, effect, RANKS.index(rank), frozenset(actions)))
    return norm


@st.composite
def _preemption(draw: Any, jurisdiction: str, names: Any) -> dict[str, Any]:
    rank = draw(st.sampled_from(RANKS[:3]))
    displaces: dict[str, Any] = {
        "actions": draw(st.sampled_from([["open"], ["shut"], ["open", "shut"]])),
        "effects": draw(st.lists(st.sampled_from(["require", "forbid", "permit"]), min_size=1, max_size=2, unique=True)),
    }
    lower = RANKS[RANKS.index(rank) + 1 :]
    if draw(st.booleans()):
        displaces["ranks"] = draw(st.lists(st.sampled_from(lower), min_size=1, max_size=2, unique=True))
    made: dict[str, Any] = {"id": f"p{next(names)}", "authority": f"{jurisdiction.replace('/', '-')}-{rank}", "displaces": displaces}
    if draw(st.booleans()):
        made["when"] = draw(condition)
    return made


@st.composite
def _holding(draw: Any, jurisdiction: str, names: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"h{next(names)}",
        "authority": f"{jurisdiction}-top",
        "settles": "law.q",
        "as": draw(st.booleans()),
    }
    if draw(st.booleans()):
        made["when"] = draw(st.sampled_from(["a", "b", "colour = red", "law.r", "marks contains z"]))
    return made


@st.composite
def facts(draw: Any) -> dict[str, Any]:
    """Facts for the random vocabulary, some of them left out and some stated unknown."""
    found: dict[str, Any] = {}

    def maybe(name: str, values: Any, keep: int = 3) -> None:
        choice = draw(st.integers(0, keep + 1))
        if choice == 0:
            return
        found[name] = "unknown" if choice == 1 else draw(values)

    for name in ("a", "b", "c"):
        maybe(name, st.booleans())
    maybe("colour", st.sampled_from(["red", "green", "blue", "grey"]))
    maybe("shape", st.sampled_from(["round", "flat"]))
    maybe("marks", st.lists(st.sampled_from(["x", "y", "z"]), unique=True))
    maybe("weight", st.sampled_from([5, 10, 15, 20, 25]))
    maybe("sent", st.sampled_from(["2026-03-04T10:00", "2026-03-02T10:00", "2026-03-02T09:59", "2026-03-06", "2026-03-08", "2026-02-20T00:00", "2026-03-20T00:00"]))
    maybe("events", st.lists(_record(), max_size=3))
    return found


@st.composite
def _record(draw: Any) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, values in (
        ("name", st.sampled_from(["ant", "emmet", "bee", "cat", "dog"])),
        ("size", st.sampled_from([1, 2, 3, 4])),
        ("on", st.sampled_from(["2026-01-01", "2024-03-04", "2024-03-05", "2021-03-04", "2021-03-03", "2010-01-01"])),
        ("group", st.sampled_from(["g", "h"])),
        ("void", st.booleans()),
    ):
        choice = draw(st.integers(0, 11))
        if choice > 1 and not (name == "void" and choice < 9):
            record[name] = draw(values)
        elif choice == 1:
            record[name] = "unknown"
    return record


@st.composite
def scenarios(draw: Any) -> dict[str, Any]:
    """A scenario for the random vocabulary."""
    return {
        "id": "s",
        "as_of": draw(st.sampled_from(AS_OF)),
        "jurisdiction": draw(st.sampled_from(["top", "top/side", "top/side/spot", "top/side/spot"])),
        "agency": {"kind": draw(st.sampled_from([["left"], ["right"], ["left", "right"]]))},
        "facts": draw(facts()),
        "assume": draw(st.sampled_from([{}, {}, {"law.q": True}, {"law.r": False}])),
    }


def write(root: Path, files: dict[str, Any]) -> Path:
    """The rulebook on disk."""
    (root / "vocabulary").mkdir(parents=True, exist_ok=True)
    (root / "rulebook.yaml").write_text(yaml.safe_dump(CARD), encoding="utf-8")
    for name, data in VOCABULARY.items():
        (root / "vocabulary" / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    for jurisdiction, data in files.items():
        folder = root / jurisdiction
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rules.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return root
