"""A cache on disk of what was read and checked, so that a new process need not read it again. It never changes an answer: keys are digests of the files."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

VARIABLE = "POLICY_ENGINE_CACHE"
MAX_FILES = 4096
_DIGEST = hashlib.sha256().digest_size
_UNREADABLE = (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError, ValueError)


class Cache:
    """Objects by key in one folder that only its owner can write; without a folder it keeps nothing.

    The environment variable `POLICY_ENGINE_CACHE` names another folder, or is `off`.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder if folder is not None and _own(folder) else None

    @classmethod
    def default(cls) -> Cache:
        """The user's cache."""
        wanted = os.environ.get(VARIABLE)
        if wanted is not None:
            return cls(None if wanted in ("", "off") else Path(wanted))
        from platformdirs import user_cache_path

        return cls(user_cache_path("policy-engine", appauthor=False))

    def get(self, *key: str) -> Any:
        """The object kept under a key; None if there is none that can be read."""
        if self.folder is None:
            return None
        try:
            raw = (self.folder / _name(key)).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(raw[_DIGEST:]).digest() != raw[:_DIGEST]:
            return None
        try:
            return pickle.loads(raw[_DIGEST:])
        except _UNREADABLE:
            return None

    def put(self, value: Any, *key: str) -> None:
        """Keep an object; what cannot be written is not kept."""
        if self.folder is None:
            return
        payload = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(hashlib.sha256(payload).digest() + payload)
                Path(name).replace(self.folder / _name(key))
            except OSError:
                Path(name).unlink(missing_ok=True)
            self._prune()
        except OSError:
            return

    def _prune(self) -> None:
        assert self.folder is not None
        files = list(self.folder.glob("*.bin"))
        if len(files) > MAX_FILES:
            files.sort(key=lambda path: path.stat().st_mtime)
            for path in files[: len(files) - MAX_FILES // 2]:
                path.unlink(missing_ok=True)


def _own(folder: Path) -> bool:
    """Whether the folder exists, or can be made, and nobody but this user can write there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _name(key: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join((code_digest(), *key)).encode()).hexdigest()[:40] + ".bin"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """What the form of kept objects depends on: this package's code, Python and pydantic."""
    from pydantic import VERSION

    digest = hashlib.sha256(f"{sys.version}\0{VERSION}".encode())
    for path in sorted(Path(__file__).resolve().parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
