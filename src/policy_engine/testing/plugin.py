"""The pytest plugin: scenario files and invariants (data and functions) as test items, and the fixtures `engine`, `rulebook` and `decide`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from policy_engine.engine import Engine
    from policy_engine.language.rulebook import Rulebook
    from policy_engine.language.scenario import Scenario
    from policy_engine.reasoning.decision import Decision
    from policy_engine.testing.functions import FunctionInvariant
    from policy_engine.testing.invariants import Invariant
    from policy_engine.testing.prover import Prover
    from policy_engine.testing.strategies import Strategies

INVARIANTS = "invariants.yaml"
FUNCTIONS = "invariants.py"
_INVARIANTS_KEY = re.compile(r"^invariants:", re.MULTILINE)
ENGINES = pytest.StashKey[dict[str, "Engine"]]()
PROVERS = pytest.StashKey[dict[str, "Prover"]]()
KITS = pytest.StashKey[dict[str, "Strategies"]]()


class Unmet(Exception):
    """A scenario or invariant that is not met, told in lines ready to be shown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rulebook` and `--counterexamples`, and the setting `rulebook` for a project's pytest section."""
    group = parser.getgroup("policy-engine")
    group.addoption("--rulebook", metavar="FOLDER", help="the rulebook that scenarios and invariants are held against; its invariants are run too")
    group.addoption("--counterexamples", metavar="FOLDER", help="write the counterexample of each broken invariant there, as a scenario file")
    parser.addini("rulebook", "the folder of the rulebook, from the root of the project", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Add the invariants of a rulebook named on the command line to what is run."""
    config.stash[ENGINES], config.stash[PROVERS], config.stash[KITS] = {}, {}, {}
    named = config.getoption("--rulebook")
    if named and not hasattr(config, "workerinput"):
        given = [Path(str(arg).partition("::")[0]).resolve() for arg in config.args]
        for file in (Path(named) / INVARIANTS, Path(named) / FUNCTIONS):
            if file.is_file() and not any(file.resolve() == path or path in file.resolve().parents for path in given):
                config.args.append(str(file))


def rulebook_folder(config: pytest.Config) -> Path | None:
    """The rulebook to test: `--rulebook`, the setting `rulebook`, a folder `rules` at the root; else None for the shipped one."""
    named = config.getoption("--rulebook") or config.getini("rulebook")
    if named:
        return Path(named) if config.getoption("--rulebook") else config.rootpath / str(named)
    own = config.rootpath / "rules"
    return own if (own / "rulebook.yaml").is_file() else None


def engine_of(config: pytest.Config, folder: Path | None = None) -> Engine:
    """The engine for a rulebook, made once a session."""
    from policy_engine.engine import Engine

    root = folder or rulebook_folder(config)
    key = str(root or "")
    engines = config.stash[ENGINES]
    if key not in engines:
        engines[key] = Engine(root)
    return engines[key]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Scenario files, told by their keys, and files of invariants; of Python files only `invariants.py` beside a rulebook.yaml, pytest takes the others."""
    if file_path.name == FUNCTIONS and (file_path.parent / "rulebook.yaml").is_file():
        return None if parent.session.isinitpath(file_path) else pytest.Module.from_parent(parent, path=file_path)
    if file_path.suffix != ".yaml":
        return None
    from policy_engine.testing.files import is_scenario_file

    if file_path.name == INVARIANTS and _INVARIANTS_KEY.search(file_path.read_text(encoding="utf-8", errors="replace")):
        return InvariantsFile.from_parent(parent, path=file_path)
    return ScenarioFile.from_parent(parent, path=file_path) if is_scenario_file(file_path) else None


class ScenarioFile(pytest.File):
    """A file of scenarios."""

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each scenario that expects something."""
        from policy_engine.language.problems import BadInput

        try:
            found = engine_of(self.config).scenarios(self.path)
        except BadInput as error:
            raise self.CollectError(str(error)) from None
        for scenario in found:
            if scenario.expect or scenario.expect_candidates:
                yield ScenarioItem.from_parent(self, name=scenario.id, scenario=scenario)


class _Item(pytest.Item):
    """An item whose failure is told in its own words."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was not met, without a traceback."""
        if isinstance(excinfo.value, Unmet):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class ScenarioItem(_Item):
    """One scenario against what it expects."""

    def __init__(self, *, scenario: Scenario, **rest: Any) -> None:
        super().__init__(**rest)
        self.scenario = scenario

    def runtest(self) -> None:
        """Decide the scenario; every expectation that is not met is told."""
        from policy_engine.language.problems import BadInput
        from policy_engine.testing.unmet import unmet

        try:
            found = list(unmet(engine_of(self.config), self.scenario))
        except BadInput as error:
            raise Unmet(str(error)) from None
        if found:
            raise Unmet("\n".join(found))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it stands."""
        return self.path, None, self.scenario.id


class InvariantsFile(pytest.File):
    """A file of invariants; beside a rulebook.yaml they are that rulebook's."""

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each invariant."""
        from policy_engine.language.problems import BadInput
        from policy_engine.testing.invariants import read_invariants
        from policy_engine.testing.landscape import Landscape
        from policy_engine.testing.prover import Prover

        beside = (self.path.parent / "rulebook.yaml").is_file()
        engine = engine_of(self.config, self.path.parent if beside else None)
        provers = self.config.stash[PROVERS]
        try:
            if str(self.path) not in provers:
                provers[str(self.path)] = Prover(Landscape(engine), read_invariants(engine, self.path))
        except BadInput as error:
            raise self.CollectError(str(error)) from None
        for invariant in provers[str(self.path)].invariants:
            yield InvariantItem.from_parent(self, name=invariant.id, invariant=invariant)


class InvariantItem(_Item):
    """One invariant, over every place, kind of agency and day."""

    def __init__(self, *, invariant: Invariant, **rest: Any) -> None:
        super().__init__(**rest)
        self.invariant = invariant

    def runtest(self) -> None:
        """Prove the invariant, or tell the counterexample."""
        from policy_engine.testing.search import Undecided
        from policy_engine.testing.unmet import broken

        prover = self.config.stash[PROVERS][str(self.path)]
        try:
            found = prover.counterexample(self.invariant)
        except Undecided as error:
            pytest.skip(f"too large to prove: {error}")
        if found is not None:
            folder = self.config.getoption("--counterexamples")
            raise Unmet("\n".join(broken(prover.landscape.engine, found, Path(folder) if folder else None)))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, self.invariant.line - 1, self.invariant.id


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> pytest.Item | None:
    """Invariants written as functions, in any Python file that pytest collects."""
    functions = sys.modules.get("policy_engine.testing.functions")  # not loaded: then nothing can be one
    if functions is None or not isinstance(obj, functions.FunctionInvariant):
        return None
    return FunctionItem.from_parent(collector, name=name, invariant=obj)


class FunctionItem(_Item):
    """One invariant written as a function, on scenarios drawn over places and days."""

    def __init__(self, *, invariant: FunctionInvariant, **rest: Any) -> None:
        super().__init__(**rest)
        self.invariant = invariant

    def runtest(self) -> None:
        """Try the invariant, or tell the counterexample."""
        from policy_engine.language.problems import BadInput
        from policy_engine.testing.strategies import Strategies
        from policy_engine.testing.unmet import refuted

        beside = self.path.name == FUNCTIONS and (self.path.parent / "rulebook.yaml").is_file()
        engine = engine_of(self.config, self.path.parent if beside else None)
        kit = self.config.stash[KITS].setdefault(str(engine.rulebook.root), Strategies(engine))
        folder = self.config.getoption("--counterexamples")
        try:
            found = self.invariant.counterexample(kit)
            if found is not None:
                raise Unmet("\n".join(refuted(engine, found, Path(folder) if folder else None)))
        except BadInput as error:
            raise Unmet(str(error)) from None

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, self.invariant.line - 1, self.invariant.id


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    """The engine for the rulebook under test."""
    return engine_of(pytestconfig)


@pytest.fixture(scope="session")
def rulebook(engine: Engine) -> Rulebook:
    """The rulebook under test."""
    return engine.rulebook


@pytest.fixture(scope="session")
def decide(engine: Engine) -> Callable[..., Decision]:
    """Decide a scenario: a file, a mapping or a Scenario."""
    return engine.evaluate
