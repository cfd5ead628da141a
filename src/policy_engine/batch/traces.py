"""One trace file for each distinct pattern of facts, named by its content, and each row's name of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from policy_engine.batch.columns import joined
from policy_engine.batch.evaluate import Batch
from policy_engine.batch.sheet import Sheet
from policy_engine.batch.sources import Sources
from policy_engine.language.scenario import Scenario


class Traces:
    """Writes trace files into a folder. A file holds the whole decision of the first row with its pattern."""

    def __init__(self, batch: Batch, folder: Path) -> None:
        self.batch, self.folder = batch, folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, sheet: Sheet, name: Callable[[int], str]) -> pa.Array:
        """The trace of each row; files that are not there yet are written."""
        judge = self.batch.judge
        found: np.ndarray[Any, Any] = np.full(sheet.rows, "", object)
        for group in judge.laws.groups(sheet):
            rows = np.arange(sheet.rows) if group.rows is None else group.rows
            sources = Sources(sheet, group.regime, judge.filler, judge.clocks, rows)
            support = sorted({index for action in group.regime.actions for index in group.regime.support(action)})
            keys = [cells.codes for index in support if (cells := sources.cells(index)).constant is None]
            keys += [*sources.branches(support), *([sheet.places.codes[rows]] if sheet.places.codes is not None else [])]
            first, kind = joined(keys, len(rows))
            names = [self._write(sheet.scenario(int(rows[row]), name(int(rows[row])))) for row in first.tolist()]
            found[rows] = np.array(names, object)[kind]
        return pa.array(found, pa.string())

    def of_scenarios(self, scenarios: Sequence[Scenario]) -> pa.Array:
        """The trace of each scenario."""
        return pa.array([self._write(scenario) for scenario in scenarios], pa.string())

    def _write(self, scenario: Scenario) -> str:
        decision = self.batch.engine.evaluate(replace(scenario, expect={}, actions=self.batch.wanted.actions))
        regime = decision.regime
        pattern = (regime.law.path.digest, str(regime.law.day), sorted(regime.kinds), sorted(regime.pins.items()), decision.encoding.patterns)
        name = hashlib.sha256(repr(pattern).encode()).hexdigest()[:16]
        path = self.folder / f"{name}.json"
        if not path.exists():
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(decision.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
            temporary.replace(path)
        return name
