"""A small rulebook of no domain, written to a folder, for tests that need one with a fault or a table of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import random_rulebooks
import yaml

BASE: dict[str, Any] = {"base": {"cite": "Base Act", "kind": "rule", "rank": "top"}}


def write(folder: Path, norms: list[dict[str, Any]], card: dict[str, Any] | None = None, **sections: Any) -> Path:
    """The rulebook with one file, `top`, that holds the norms and other sections; `card` is laid over its name card."""
    rules = {"jurisdiction": "top", "authorities": BASE, "norms": norms, **sections}
    book = random_rulebooks.write(folder, {"top": rules})
    if card:
        path = book / "rulebook.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), **card}), encoding="utf-8")
    return book
