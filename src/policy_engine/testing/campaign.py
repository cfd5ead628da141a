"""A run over every mutant: in several processes, kept in a state file so that it can be taken up again, with progress told as it goes."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.rules import Layer
from policy_engine.testing.landscape import Landscape, matches
from policy_engine.testing.mutants import Mutant, Planter
from policy_engine.testing.mutation import EQUIVALENT, KILLED, SURVIVED, UNPROVED, Judge, Suite
from policy_engine.testing.suggest import suggestion
from policy_engine.testing.written import as_cases, as_mapping, write_files

Task = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant, ready for JSON. `scenario`: a scenario that would notice a survivor."""

    id: str
    operator: str
    told: str
    jurisdiction: str
    file: str
    line: int
    outcome: str
    by: str = ""
    action: str = ""
    scenario: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is over: the rulebook, scenario files, the invariants' file if any, and the mutants wanted.

    Attributes:
        only: patterns of jurisdictions; none means all.
        every: judge each n-th mutant only.
        suggest: write a scenario for each survivor.
    """

    rules: Path | None
    scenarios: tuple[Path, ...]
    only: tuple[str, ...] = ()
    every: int = 1
    suggest: bool = False


class Bench:
    """One process's engine, scenarios and judge."""

    def __init__(self, plan: Plan) -> None:
        from policy_engine.testing.files import read_scenarios
        from policy_engine.testing.invariants import noticed_by

        self.plan, self.engine = plan, Engine(plan.rules)
        self.landscape = Landscape(self.engine)
        self.suite = Suite(self.engine, read_scenarios(self.engine, plan.scenarios))
        self.judge = Judge(self.landscape, self.suite, noticed_by(self.landscape))
        self.planter = Planter(self.engine.rulebook.lexicon, self.landscape.paths)

    def layers(self) -> list[Layer]:
        """The layers to plant faults in."""
        found = {id(layer): layer for path in self.landscape.paths for layer in path.layers}
        return [layer for layer in found.values() if matches(layer.jurisdiction, self.plan.only)]

    def tasks(self) -> list[Task]:
        """The parts of the run: each file of each layer."""
        return list(dict.fromkeys((layer.jurisdiction, mutant.file) for layer in self.layers() for mutant in self.mutants(layer)))

    def mutants(self, layer: Layer) -> list[Mutant]:
        """The mutants of a layer."""
        return list(self.planter.mutants(layer))[:: self.plan.every]

    def run(self, task: Task) -> list[Result]:
        """Every mutant of one part."""
        jurisdiction, file = task
        layer = next(item for item in self.layers() if item.jurisdiction == jurisdiction)
        return [self._result(mutant) for mutant in self.mutants(layer) if mutant.file == file]

    def _result(self, mutant: Mutant) -> Result:
        verdict = self.judge.judge(mutant)
        outcome, by, mapping = verdict.outcome, verdict.by, None
        if outcome == KILLED and by.startswith("suggested:"):
            outcome = SURVIVED
        elif outcome == SURVIVED and self.plan.suggest:
            scenario = suggestion(self.judge, verdict)
            if scenario is not None:
                self.suite.add(scenario)
                zone = self.engine.clockwork(self.engine.rulebook.path(scenario.jurisdiction)).zone
                mapping = json.loads(json.dumps(as_mapping(scenario, zone), default=str))
        return Result(mutant.id, mutant.operator, mutant.told, mutant.jurisdiction, mutant.file, mutant.line, outcome, by, verdict.action, mapping)


_bench: list[Bench] = []


def _start(plan: Plan) -> None:
    _bench[:] = [Bench(plan)]


def _work(task: Task) -> list[Result]:
    return _bench[0].run(task)


def campaign(plan: Plan, *, workers: int = 0, state: Path | None = None, progress: Callable[[int, int], None] | None = None) -> list[Result]:
    """Judge every mutant of a plan.

    Args:
        plan: what to run over.
        workers: processes; 0 for one each core, 1 to stay in this one.
        state: a file that keeps what is done; a run with the same rules, scenarios and plan goes on from it.
        progress: told the number of parts done, and of all.

    Raises:
        BadInput: faults in the rules or scenarios.
    """
    bench = Bench(plan)
    tasks = bench.tasks()
    done = _Journal(state, digest(bench.engine, plan))
    left = [task for task in tasks if task not in done.results]

    def note(task: Task, results: list[Result]) -> None:
        done.add(task, results)
        if progress is not None:
            progress(len(done.results), len(tasks))

    if workers == 1 or len(left) < 2:
        for task in left:
            note(task, bench.run(task))
    else:
        with ProcessPoolExecutor(workers or os.cpu_count(), initializer=_start, initargs=(plan,)) as pool:
            running = {pool.submit(_work, task): task for task in left}
            for future in as_completed(running):
                note(running[future], future.result())
    done.close()
    return [result for task in tasks for result in done.results[task]]


class _Journal:
    """The state file: its first line names what the run is over, each further line holds one part."""

    def __init__(self, path: Path | None, key: str) -> None:
        self.results: dict[Task, list[Result]] = {}
        self._out: TextIO | None = None
        if path is None:
            return
        old = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if old and _parsed(old[0]) == {"run": key}:
            for line in old[1:]:
                data = _parsed(line)
                if data is not None:
                    self.results[data["task"][0], data["task"][1]] = [Result(**item) for item in data["results"]]
        try:
            self._out = path.open("a" if self.results else "w", encoding="utf-8")
        except OSError as error:
            raise BadInput.one(f"cannot be written: {error.strerror}", str(path)) from None
        if not self.results:
            self._write({"run": key})

    def add(self, task: Task, results: list[Result]) -> None:
        self.results[task] = results
        self._write({"task": list(task), "results": [asdict(result) for result in results]})

    def _write(self, data: dict[str, Any]) -> None:
        if self._out is not None:
            self._out.write(json.dumps(data) + "\n")
            self._out.flush()

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


def _parsed(line: str) -> Any:
    """A line of the state file; None for one cut short when a run was stopped."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def digest(engine: Engine, plan: Plan) -> str:
    """What the results of a run hang on: the rulebook's files, the scenarios and the plan."""
    found = hashlib.sha256(repr((plan.only, plan.every, plan.suggest)).encode())
    files = [path for path in sorted(engine.rulebook.root.rglob("*")) if path.is_file()]
    for root in plan.scenarios:
        files += sorted(root.rglob("*.yaml")) if root.is_dir() else [root]
    for path in files:
        found.update(str(path).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of a run."""

    counts: Counter[str]
    by_operator: dict[str, Counter[str]]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Score:
        """The figures of some results."""
        counts: Counter[str] = Counter()
        by_operator: dict[str, Counter[str]] = {}
        for result in results:
            counts[result.outcome] += 1
            by_operator.setdefault(result.operator, Counter())[result.outcome] += 1
        return cls(counts, by_operator)

    @staticmethod
    def killed(counts: Counter[str]) -> float:
        """The share of mutants killed, of those not proved equivalent; 1 where there are none."""
        left = counts[KILLED] + counts[SURVIVED] + counts[UNPROVED]
        return counts[KILLED] / left if left else 1.0


OUTCOMES = (KILLED, SURVIVED, UNPROVED, EQUIVALENT)


def write_suggestions(results: Sequence[Result], folder: Path) -> list[Path]:
    """The suggested scenarios as files: a folder for each jurisdiction, a file for each rule file, a document for each rule."""
    by_file: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        if result.scenario is not None:
            rule = result.id.partition("#")[0]
            by_file.setdefault((result.jurisdiction, Path(result.file).stem), {}).setdefault(rule, []).append(result.scenario)
    texts = {folder / jurisdiction / f"{stem}.yaml": "---\n".join(map(as_cases, rules.values())) for (jurisdiction, stem), rules in sorted(by_file.items())}
    write_files(texts)
    return list(texts)


def survivors(results: Iterable[Result]) -> Iterator[Result]:
    """The mutants that nothing noticed and nothing proved equivalent."""
    return (result for result in results if result.outcome in (SURVIVED, UNPROVED))
