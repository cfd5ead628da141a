"""How a run gets on: a bar on a terminal, a line every few seconds where it is piped."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 5.0


class Teller:
    """Tells rows, rate, remaining time and rejects on standard error.

    Args:
        total: rows in all, if they are known.
        quiet: tell nothing.
        every: seconds between lines where standard error is no terminal.
    """

    def __init__(self, total: int | None, *, quiet: bool = False, every: float = EVERY) -> None:
        self.total, self.quiet, self.every = total, quiet, every
        self.rows = self.rejects = 0
        self.start = self.last = time.monotonic()
        console = Console(stderr=True)
        self.bar: Progress | None = None
        if not quiet and console.is_terminal:
            columns = (
                TextColumn("{task.completed:,} rows"),
                BarColumn(),
                TextColumn("{task.fields[rate]:,.0f} rows/s"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[rejects]:,} set aside"),
            )
            self.bar = Progress(*columns, console=console, transient=True)
            self.task = self.bar.add_task("", total=total, rate=0.0, rejects=0)

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    @property
    def rate(self) -> float:
        """Rows a second so far."""
        return self.rows / max(time.monotonic() - self.start, 1e-9)

    def tell(self, rows: int, rejects: int) -> None:
        """More rows are done, and some set aside."""
        self.rows += rows
        self.rejects += rejects
        if self.bar:
            self.bar.update(self.task, completed=self.rows, rate=self.rate, rejects=self.rejects)
        elif not self.quiet and time.monotonic() - self.last >= self.every:
            self.last = time.monotonic()
            sys.stderr.write(f"{self.line()}\n")

    def line(self) -> str:
        """The state in one line."""
        of = f" of {self.total:,}" if self.total else ""
        left = f", {(self.total - self.rows) / self.rate:.0f} s left" if self.total and self.rows < self.total and self.rate else ""
        return f"{self.rows:,}{of} rows, {self.rate:,.0f} rows/s{left}, {self.rejects:,} set aside"
