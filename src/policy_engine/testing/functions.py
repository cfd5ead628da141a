"""Invariants as Python functions: what must hold of every scenario, tried on scenarios drawn over places and days; the counterexample is made small."""

from __future__ import annotations

import datetime as dt
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

from policy_engine.language.problems import BadInput
from policy_engine.language.scenario import Scenario
from policy_engine.testing.landscape import matches
from policy_engine.testing.strategies import Strategies

PARAMETERS = ("scenario", "decide", "draw", "kit")


@dataclass(frozen=True)
class Refutation:
    """A scenario on which a function invariant fails.

    Attributes:
        scenario: the smallest found, named after the invariant.
        drawn: what else was drawn for it.
        error: what the function raised.
        told: where and with which words it failed.
    """

    invariant: FunctionInvariant
    scenario: Scenario
    drawn: tuple[object, ...]
    error: Exception
    told: str


@dataclass(frozen=True)
class FunctionInvariant:
    """A law of the domain as a function. Made by `invariant`; calling it calls the function."""

    function: Callable[..., None]
    jurisdictions: tuple[str, ...] = ()
    as_of: dt.datetime | dt.date | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    agencies: tuple[str, ...] = ()
    unknowns: float = 0.2
    examples: int = 200

    def __call__(self, *args: Any, **named: Any) -> None:
        """Call the function."""
        self.function(*args, **named)

    @property
    def id(self) -> str:
        """The name of the function, with hyphens."""
        return self.function.__name__.replace("_", "-")

    @property
    def says(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or self.id).splitlines()[0]

    @property
    def line(self) -> int:
        """Where it stands in its file."""
        return self.function.__code__.co_firstlineno

    def scenarios(self, kit: Strategies) -> SearchStrategy[Any]:
        """The scenarios on which it is tried.

        Raises:
            BadInput: no place with rules fits its patterns, or there is no such kind of agency or fact.
        """
        places = [place for place in kit.places if matches(place, self.jurisdictions)]
        if not places:
            raise BadInput.one(f"no place with rules fits {', '.join(self.jurisdictions)}", self.id)
        return kit.scenarios(places, self.as_of, self.given, self.unknowns, self.agencies)

    def counterexample(self, kit: Strategies) -> Refutation | None:
        """The smallest scenario found on which it fails; None if none was found, which is no proof.

        Raises:
            BadInput: see `scenarios`.
        """
        last: list[tuple[Scenario, tuple[object, ...], Exception]] = []

        @settings(max_examples=self.examples, deadline=None, database=None, report_multiple_bugs=False)
        @given(self.scenarios(kit), st.data())
        def holds(scenario: Scenario, data: Any) -> None:
            drawn: list[object] = []

            def draw(strategy: SearchStrategy[Any]) -> Any:
                drawn.append(data.draw(strategy))
                return drawn[-1]

            offered = {"scenario": scenario, "decide": kit.engine.evaluate, "draw": draw, "kit": kit}
            try:
                self.function(**{name: offered[name] for name in inspect.signature(self.function).parameters})
            except HypothesisException:
                raise
            except Exception as error:
                last[:] = [(scenario, tuple(drawn), error)]
                raise

        try:
            holds()
        except HypothesisException:
            raise
        except Exception:
            if not last:
                raise
            scenario, drawn, error = last[0]
            return Refutation(self, replace(scenario, id=f"counterexample-{self.id}", title=self.says), drawn, error, self._told(error))
        return None

    def _told(self, error: Exception) -> str:
        """The line of the function that failed, and what was said."""
        file = self.function.__code__.co_filename
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        where = f"{Path(file).name}:{own[-1].lineno}: {own[-1].line}" if own else Path(file).name
        return f"{where}\n{type(error).__name__}{f': {error}' if str(error) else ''}"


def invariant(
    *,
    jurisdictions: Sequence[str] | str = (),
    as_of: dt.datetime | dt.date | None = None,
    given: Mapping[str, Any] | None = None,
    agencies: Sequence[str] | str = (),
    unknowns: float = 0.2,
    examples: int = 200,
) -> Callable[[Callable[..., None]], FunctionInvariant]:
    """Make an invariant of a function that asserts what must hold of one scenario. The pytest plugin collects it.

    The function takes any of: `scenario`; `decide`, which gives a scenario's decision; `draw`, which draws from a strategy; `kit`, the `Strategies` of the rulebook.

    Args:
        jurisdictions: patterns of places (`us/ca/*`); all if left out.
        as_of: the moment; days on which law changes, and those around them, if left out.
        given: facts that every scenario states, as a scenario file writes them.
        agencies: kinds of agency; all if left out.
        unknowns: the share of facts that are stated to be unknown.
        examples: how many scenarios are tried.

    Raises:
        TypeError: the function takes something else.
    """

    def made(function: Callable[..., None]) -> FunctionInvariant:
        for name in inspect.signature(function).parameters:
            if name not in PARAMETERS:
                raise TypeError(f"{function.__name__} takes `{name}`; an invariant takes any of {', '.join(PARAMETERS)}")
        return FunctionInvariant(function, _several(jurisdictions), as_of, dict(given or {}), _several(agencies), unknowns, examples)

    return made


def _several(given: Sequence[str] | str) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
