"""Faults in what people wrote, told one line each: where, what was found, what would be valid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in one place of one file.

    `line` and `column` count from 1; 0 means that the file as a whole is meant.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        return " ".join(f"{place}: {self.message}".splitlines())


class BadInput(ValueError):
    """Input that cannot be used. `problems` holds one `Problem` for each fault, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def one(cls, message: str, file: str = "input", line: int = 0, column: int = 0) -> BadInput:
        """A `BadInput` with a single fault."""
        return cls([Problem(file, line, column, message)])


def nearest(name: str, valid: Iterable[str], limit: int = 3) -> list[str]:
    """The names of `valid` most like `name`, best first."""
    choices = sorted(set(valid))
    found = difflib.get_close_matches(name, choices, n=limit, cutoff=0.6)
    if not found:
        last = name.rsplit(".", 1)[-1]
        found = [choice for choice in choices if last and choice.rsplit(".", 1)[-1] == last][:limit]
    return found


def listed(names: Sequence[str], limit: int = 12) -> str:
    """Names in backticks, cut off after `limit` with the number left out."""
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def unknown_name(what: str, name: str, valid: Iterable[str]) -> str:
    """The message for a name that does not exist, with the nearest ones that do."""
    names = sorted(set(valid))
    near = nearest(name, names)
    if near:
        return f"unknown {what} `{name}`; did you mean {listed(near)}?"
    if not names:
        return f"unknown {what} `{name}`; none is declared"
    return f"unknown {what} `{name}`; valid: {listed(names)}"
