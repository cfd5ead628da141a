"""The account between research dossiers and the rulebook: every entry is encoded, left out with a reason, or missing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.vocabulary import LeftOutFile, Research
from policy_engine.language.yamlfile import Document, read

LEFT_OUT = "left_out.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a dossier: its id, where it stands, and its first words."""

    id: str
    section: str
    file: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """What became of every entry of the research."""

    encoded: tuple[Entry, ...]
    left_out: tuple[Entry, ...]
    missing: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def account(rules: Path, shown: str, dossiers: Path, research: Research) -> Account:
    """Hold every dossier under a folder against the rulebook.

    An entry is encoded where a rule carries its id, or names it under `covers`; else `left_out.yaml` must give a reason.

    Raises:
        BadInput: a dossier, rule file or `left_out.yaml` that cannot be read.
    """
    entries = list(_entries(dossiers, research))
    carried = _carried(rules, shown)
    reasons, problems = _left_out(rules, shown)
    known = {entry.id for entry in entries}
    for name, problem in reasons.items():
        if name not in known:
            problems.append(Problem(problem.file, problem.line, problem.column, unknown_name("entry of the research", name, known)))
        elif name in carried:
            problems.append(Problem(problem.file, problem.line, problem.column, f"`{name}` is left out here, but a rule carries it"))
    encoded = tuple(entry for entry in entries if entry.id in carried)
    left = tuple(entry for entry in entries if entry.id not in carried and entry.id in reasons)
    missing = tuple(entry for entry in entries if entry.id not in carried and entry.id not in reasons)
    return Account(encoded, left, missing, tuple(problems))


def _entries(folder: Path, research: Research) -> Iterator[Entry]:
    files = sorted(folder.rglob("*.yaml")) if folder.is_dir() else [folder]
    if not files or not files[0].exists():
        raise BadInput.one("no dossiers (.yaml files) here", str(folder))
    for path in files:
        for document in read(path, str(path)):
            if isinstance(document.data, dict):
                yield from _entries_of(document, path.stem, research)


def _entries_of(document: Document, stem: str, research: Research) -> Iterator[Entry]:
    for section in research.named:
        for index, item in enumerate(document.data.get(section) or ()):
            if isinstance(item, dict) and "id" in item:
                yield Entry(str(item["id"]), section, document.file, *document.position((section, index, "id")), str(item.get("says") or ""))
    for section, word in research.numbered.items():
        for index, item in enumerate(document.data.get(section) or ()):
            text = item if isinstance(item, str) else ", ".join(str(value) for value in item.values()) if isinstance(item, dict) else str(item)
            yield Entry(f"{stem}.{word}-{index + 1}", section, document.file, *document.position((section, index)), text)


def _carried(rules: Path, shown: str) -> set[str]:
    """Every id that a rule file or registry carries, read from the raw files so that one fault hides nothing."""
    found: set[str] = set()
    for path in sorted(rules.rglob("*.yaml")):
        if path.name != LEFT_OUT:
            for document in read(path, f"{shown}/{path.relative_to(rules)}"):
                _collect(document.data, found)
    for path in sorted((rules / "registry").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            found |= {row["covers"] for row in csv.DictReader(lines) if row.get("covers")}
    return found


def _collect(data: Any, found: set[str]) -> None:
    if isinstance(data, dict):
        if isinstance(data.get("id"), str):
            found.add(data["id"])
        if isinstance(data.get("covers"), list):
            found.update(str(item) for item in data["covers"])
        for value in data.values():
            _collect(value, found)
    elif isinstance(data, list):
        for value in data:
            _collect(value, found)


def _left_out(rules: Path, shown: str) -> tuple[dict[str, Problem], list[Problem]]:
    reasons: dict[str, Problem] = {}
    problems: list[Problem] = []
    path = rules / LEFT_OUT
    if not path.is_file():
        return reasons, problems
    document = read(path, f"{shown}/{LEFT_OUT}")[0]
    require_mapping(document, LEFT_OUT)
    for index, group in enumerate(validate(document, LeftOutFile).left_out):
        for place, name in enumerate(group.ids):
            problem = document.problem(("left_out", index, "ids", place), f"`{name}` is named twice")
            if name in reasons:
                problems.append(problem)
            reasons[name] = problem
    return reasons, problems
