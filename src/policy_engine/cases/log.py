"""The log of a case: append-only, one JSON line an entry, each with the hash of the line before, on disk before it counts."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_engine.language.problems import BadInput, Problem

FIRST = "0" * 64
_MARK = b',"hash":"'


class CaseLocked(BadInput):
    """Another writer has the log open."""


@dataclass(frozen=True, slots=True)
class Read:
    """A log as read: its entries, the hash of the last, and what is torn at its end."""

    entries: tuple[dict[str, Any], ...]
    head: str
    whole: int
    torn: bytes


def line_of(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """A line, and its hash: that of everything in it before the hash."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    digest = hashlib.sha256(text).hexdigest()
    return text + _MARK + digest.encode() + b'"}\n', digest


def read_log(path: Path) -> Read:
    """Every entry of a log, each hash checked.

    Raises:
        BadInput: an altered line, a line out of its place, or a file that cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput.one(f"cannot be read: {error.strerror or error}", str(path)) from None
    *lines, torn = raw.split(b"\n")
    problems: list[Problem] = []
    entries: list[dict[str, Any]] = []
    head = FIRST
    for number, line in enumerate(lines, 1):
        text, mark, rest = line.rpartition(_MARK)
        digest = hashlib.sha256(text).hexdigest()
        if not mark or rest != digest.encode() + b'"}':
            problems.append(Problem(str(path), number, 1, "this line was altered: its hash does not fit it"))
            break
        entry = json.loads(text + b"}")
        if entry["prev"] != head or entry["n"] != number - 1:
            problems.append(Problem(str(path), number, 1, "this line does not follow the one before: a line was taken out, put in or moved"))
            break
        entries.append(entry)
        head = digest
    if problems:
        raise BadInput(problems)
    return Read(tuple(entries), head, len(raw) - len(torn), torn)


class CaseLog:
    """A log open for writing, by one writer at a time.

    A torn last line (the writer was killed while it wrote) is set aside in `FILE.torn`; `torn` says so.

    Raises (on opening):
        CaseLocked: another writer has it open.
        BadInput: an altered line, or a file that cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.torn: str | None = None
        new = not self.path.exists()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BadInput.one(f"cannot be opened: {error.strerror}", str(path)) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise CaseLocked.one("another writer has this case open; a case has one writer at a time", str(path)) from None
        try:
            if new:
                _sync_folder(self.path.parent)
            found = read_log(self.path)
            if found.torn:
                self._set_aside(found)
        except BaseException:
            os.close(self._file)
            raise
        self.entries, self.head, self._size, self._count = found.entries, found.head, found.whole, len(found.entries)

    def _set_aside(self, found: Read) -> None:
        aside = self.path.with_name(f"{self.path.name}.torn")
        with aside.open("ab") as out:
            out.write(found.torn + b"\n")
            out.flush()
            os.fsync(out.fileno())
        os.ftruncate(self._file, found.whole)
        os.fsync(self._file)
        self.torn = (
            f"line {len(found.entries) + 1} was torn (its writer was stopped while it wrote); its {len(found.torn)} bytes stand in {aside.name}, and its entry does not count"
        )

    def append(self, body: Mapping[str, Any]) -> None:
        """Write an entry; on disk when this returns, or not at all.

        Raises:
            BadInput: it cannot be written; the log stands as before.
        """
        line, digest = line_of({"n": self._count, "prev": self.head, **body})
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise BadInput.one(f"cannot be written: {error.strerror}; the entry does not count", str(self.path)) from None
        self.head, self._size, self._count = digest, self._size + len(line), self._count + 1

    def close(self) -> None:
        """Let other writers in."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
