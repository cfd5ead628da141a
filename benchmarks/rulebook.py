"""The whole rulebook, timed in new processes: read from its files, and from the cache. Run with `make bench`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import time
start = time.perf_counter()
import datetime as dt
from policy_engine import Engine
engine = Engine({root!r})
paths = [path.place.path for path in engine.rulebook.all_paths()]
loaded = time.perf_counter()
for place in paths:
    regime = engine.regime(place, ["sheriff"], dt.date(2026, 3, 2))
    for action in regime.actions:
        regime.action(action)
print(len(paths), loaded - start, time.perf_counter() - loaded)
"""


def run(cache: str) -> tuple[int, float, float]:
    """Jurisdictions, seconds to load, seconds to compile one regime of each, in a new process."""
    command = [sys.executable, "-c", PROGRAM.format(root=str(ROOT / "rules"))]
    found = subprocess.run(command, capture_output=True, check=True, text=True, env={**os.environ, "POLICY_ENGINE_CACHE": cache})
    count, load, compile_ = found.stdout.split()
    return int(count), float(load), float(compile_)


def main() -> None:
    table = Table("the whole rulebook in a new process", "jurisdictions", "load", "compile a regime of each", "both", "target")
    with tempfile.TemporaryDirectory() as folder:
        run(folder)
        for label, cache, target in (("from its files", "off", "10 s"), ("from the cache", folder, "1 s")):
            found = [run(cache) for _ in range(5)]
            load, compile_, both = (statistics.median(values) for values in zip(*((a, b, a + b) for _, a, b in found)))
            table.add_row(label, str(found[0][0]), f"{load:.2f} s", f"{compile_:.2f} s", f"{both:.2f} s", target)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
