"""A run of `policy-engine batch`: read, map, decide and write chunk by chunk, each at its own pace, nothing lost and nothing half-written."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from policy_engine import __version__
from policy_engine.batch.arrow import as_text, single
from policy_engine.batch.evaluate import Batch, rejected
from policy_engine.batch.formats import Chunk, chunks, count_rows
from policy_engine.batch.mapping import Mapping
from policy_engine.batch.parts import Done, Parts
from policy_engine.batch.progress import Teller
from policy_engine.batch.rejects import Reject
from policy_engine.batch.sheet import ID, Sheet
from policy_engine.batch.summary import Tally
from policy_engine.batch.traces import Traces
from policy_engine.batch.writers import output_kind, put_in_place, writer

AHEAD = 1
MANY_SCENARIOS = 1000
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. `card` tells the run apart from others, for `resume`."""

    inputs: tuple[Path, ...]
    output: Path
    chunk_rows: int
    mapping: Mapping | None = None
    keep: tuple[str, ...] = ()
    traces: Path | None = None
    by: tuple[str, ...] = ()
    resume: bool = False
    quiet: bool = False


@dataclass(slots=True)
class Report:
    """What a run came to."""

    read: int = 0
    decided: int = 0
    rejected: int = 0
    skipped: int = 0
    duplicates: int = 0
    first_duplicate: str = ""
    seconds: float = 0.0
    resumed: int = 0


class Run:
    """One run."""

    def __init__(self, batch: Batch, job: Job) -> None:
        self.batch, self.job = batch, job
        self.kind = output_kind(job.output)
        self.tally = Tally(batch.wanted.actions, job.by)
        self.traces = Traces(batch, job.traces) if job.traces else None
        self.report = Report()
        self.ids = Ids()

    def go(self) -> Report:
        """Run to the end.

        Raises:
            BadInput: input that cannot be read on; finished chunks are kept for `resume`.
        """
        job, report = self.job, self.report
        parts = Parts(job.output, self._card())
        report.resumed = parts.open(job.resume)
        temporary = job.output.with_name(f"{job.output.name}.tmp")
        aside = job.output.with_name(f"{job.output.name}.rejects.jsonl")
        totals = [count_rows(path) for path in job.inputs]
        total = None if None in totals else sum(count or 0 for count in totals)
        with (
            Teller(total, quiet=job.quiet) as teller,
            aside.with_name(f"{aside.name}.tmp").open("w", encoding="utf-8") as lines,
            closing(writer(temporary, self.kind)) as out,
        ):

            def finish(item: tuple[int, Done]) -> None:
                number, done = item
                if number >= report.resumed:
                    done = parts.save(number, done)
                if done.table is not None:
                    out.write(done.table)
                lines.writelines(f"{line}\n" for line in done.rejects)
                self._count(done)
                pa.default_memory_pool().release_unused()
                teller.tell(done.read, done.rejected + done.skipped)

            with Worker(finish) as finisher:
                for number, chunk in enumerate(ahead(self._chunks)):
                    finisher.give((number, self._finished(parts.load(number)) if number < report.resumed else self.decide(chunk)))
        report.seconds = report.read / teller.rate if report.read else 0.0
        if not temporary.exists():
            temporary.touch()
        put_in_place(temporary, job.output)
        put_in_place(aside.with_name(f"{aside.name}.tmp"), aside)
        if not report.rejected and not report.skipped:
            aside.unlink()
        parts.close()
        return report

    def _card(self) -> dict[str, Any]:
        job = self.job
        engine = self.batch.engine
        stamps = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in job.inputs]
        mapping = None if job.mapping is None else job.mapping.file.model_dump(mode="json", exclude={"skip": {"__all__": {"pattern"}}}) and repr(job.mapping.file)
        rules = [[str(path), path.stat().st_mtime_ns] for path in sorted(engine.rulebook.root.rglob("*")) if path.is_file()]
        options = [job.chunk_rows, list(job.keep), list(job.by), str(job.traces), repr(self.batch.wanted), sorted(self.batch.reader.defaults.items())]
        return {"version": __version__, "inputs": stamps, "mapping": mapping, "rules": rules, "options": options, "kind": self.kind}

    def _finished(self, done: Done) -> Done:
        """A chunk that an earlier run finished, its ids noted like those of any other."""
        if done.table is not None:
            self._duplicates(single(done.table.column(ID)))
        return done

    def _count(self, done: Done) -> None:
        report = self.report
        report.read += done.read
        report.rejected += done.rejected
        report.skipped += done.skipped
        report.decided += 0 if done.table is None else done.table.num_rows
        self.tally.counts.update(done.counts)

    def _chunks(self) -> Iterator[Chunk]:
        columns = self.job.mapping.columns() if self.job.mapping else None
        waiting: Chunk | None = None
        for path in self.job.inputs:
            for chunk in chunks(path, self.batch.engine, self.job.chunk_rows, columns, self.job.keep):
                if chunk.table is None and waiting is not None and len(waiting.scenarios) < MANY_SCENARIOS:
                    waiting = Chunk("", None, [*waiting.numbers, *chunk.numbers], [*waiting.unread, *chunk.unread], [*waiting.scenarios, *chunk.scenarios])
                    continue
                if waiting is not None:
                    yield waiting
                waiting = chunk if chunk.table is None else None
                if waiting is None:
                    yield chunk
        if waiting is not None:
            yield waiting

    # -- one chunk --------------------------------------------------------------------------------
    def decide(self, chunk: Chunk) -> Done:
        """The decisions of a chunk."""
        numbers = np.asarray(chunk.numbers, np.int64)
        unread = list(chunk.unread)
        if chunk.table is None:
            return self._scenarios(chunk, numbers, unread)
        table = chunk.table
        if self.job.mapping is not None:
            table, kept, aside = self.job.mapping.apply(table, chunk.numbers, chunk.file)
            numbers = numbers[kept]
            unread += aside
        names = [name for name in table.column_names if name not in self.job.keep]
        sheet, faults = self.batch.reader.read(table.select(names))
        found, rows = rejected(faults, table, 0)
        unread += [Reject(int(numbers[item.row]), item.id, item.column, item.value, item.reason, chunk.file) for item in found]
        if rows is not None:
            sheet, table, numbers = sheet.take(rows), table.take(pa.array(rows)), numbers[rows]
        ids = as_text(table.column(ID)) if ID in table.column_names else pa.nulls(table.num_rows, pa.string())
        self._duplicates(ids)
        lead = self._lead(chunk.file, numbers, ids)
        for name in self.job.keep:
            lead[name] = as_text(table.column(name)) if name in table.column_names else pa.nulls(table.num_rows, pa.string())
        rulings = self.batch.judge.decide(sheet)
        if self.traces is not None:
            lead["trace"] = self.traces.of(sheet, _names(ids, numbers))
        keys = self._keys(sheet, lead)
        return self._done(chunk, unread, rulings, lead, keys)

    def _scenarios(self, chunk: Chunk, numbers: np.ndarray, unread: list[Reject]) -> Done:
        scenarios = chunk.scenarios
        ids = pa.array([item.id for item in scenarios], pa.string())
        self._duplicates(ids)
        lead = self._lead("", numbers, ids)
        if "file" in lead:
            lead["file"] = pa.array([item.file for item in scenarios], pa.string()).dictionary_encode()
        if self.traces is not None:
            lead["trace"] = self.traces.of_scenarios(scenarios)
        known = {"jurisdiction": [item.jurisdiction for item in scenarios], "agency.kind": ["|".join(sorted(item.kinds)) for item in scenarios]}
        known["year"] = [str(item.as_of.year) for item in scenarios]
        return self._done(chunk, unread, self.batch.scenarios(scenarios), lead, known)

    def _lead(self, file: str, numbers: np.ndarray, ids: pa.Array) -> dict[str, Any]:
        lead: dict[str, Any] = {}
        if len(self.job.inputs) > 1:
            lead["file"] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(numbers), np.int32)), pa.array([file]))
        lead["row"] = pa.array(numbers)
        lead[ID] = ids
        return lead

    def _done(self, chunk: Chunk, unread: list[Reject], rulings: Any, lead: dict[str, Any], keys: dict[str, Any]) -> Done:
        skipped = len({(item.file, item.row) for item in unread if item.skipped})
        rejected_rows = len({(item.file, item.row) for item in unread if not item.skipped})
        unread.sort(key=lambda item: (item.file or "", item.row, item.column))
        table = _own_dictionaries(self.batch.table(rulings, lead))
        counts = self.tally.count(keys, table) if table.num_rows else Counter()
        return Done(table, [item.line() for item in unread], rulings.rows + skipped + rejected_rows, rejected_rows, skipped, counts)

    def _keys(self, sheet: Sheet, lead: dict[str, Any]) -> dict[str, Any]:
        """The columns that the summary groups by."""
        found: dict[str, Any] = {}
        for name in self.job.by:
            if name == "jurisdiction":
                found[name] = [sheet.places.of(row) for row in range(sheet.rows)]
            elif name == "agency.kind":
                found[name] = ["|".join(sorted(sheet.kinds.of(row))) for row in range(sheet.rows)]
            elif name == "year":
                found[name] = (sheet.moments().astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970).astype(str).tolist()
            else:
                found[name] = lead[name].to_pylist()
        return found

    def _duplicates(self, ids: pa.Array) -> None:
        again = self.ids.again(ids)
        if len(again) and not self.report.duplicates:
            self.report.first_duplicate = str(ids[int(again[0])].as_py())
        self.report.duplicates += len(again)


class Ids:
    """Tells ids seen before, by their hashes, in eight bytes a row."""

    def __init__(self) -> None:
        self._seen: list[np.ndarray] = []

    def again(self, ids: pa.Array) -> np.ndarray:
        """The rows whose id stands in an earlier row."""
        if not len(ids) or ids.null_count == len(ids):
            return np.zeros(0, np.intp)
        series = pl.from_arrow(ids)
        assert isinstance(series, pl.Series)
        hashes = series.hash(7).to_numpy()
        given = ~np.asarray(ids.is_null())
        order, first = np.unique(hashes, return_index=True)
        seen = np.ones(len(hashes), np.bool_)
        seen[first] = False
        for known in self._seen:
            place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            seen |= known[place] == hashes
        self._seen.append(order)
        while len(self._seen) > 1 and len(self._seen[-1]) * 2 >= len(self._seen[-2]):
            self._seen[-2:] = [np.union1d(self._seen[-2], self._seen[-1])]
        return np.flatnonzero(seen & given)


def _names(ids: pa.Array, numbers: np.ndarray) -> Callable[[int], str]:
    return lambda row: ids[row].as_py() or f"row-{numbers[row]}"


def _own_dictionaries(table: pa.Table) -> pa.Table:
    """Words in order of first use in this very chunk, so that the same rows give the same bytes whatever came before."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        columns[name] = column.cast(pa.string()).dictionary_encode() if name.endswith((".citation", ".candidates")) else column
    return pa.table(columns)


# -- side by side -----------------------------------------------------------------------------------
def ahead(make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of an iterator, made in a thread of its own a little ahead of their use."""
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(AHEAD)
    stop = threading.Event()

    def work() -> None:
        try:
            for item in make():
                while not stop.is_set():
                    try:
                        waiting.put((True, item), timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if stop.is_set():
                    return
            end: BaseException | None = None
        except BaseException as error:
            end = error
        while not stop.is_set():
            try:
                waiting.put((False, end), timeout=0.2)
                return
            except queue.Full:
                continue

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            more, item = waiting.get()
            if not more:
                if item is not None:
                    raise item
                return
            yield item
    finally:
        stop.set()
        thread.join()


class Worker:
    """Hands items to a function in a thread of its own, in order."""

    def __init__(self, function: Callable[[Any], None]) -> None:
        self.function = function
        self.waiting: queue.Queue[Any] = queue.Queue(AHEAD)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        while (item := self.waiting.get()) is not None:
            if self.error is None:
                try:
                    self.function(item)
                except BaseException as error:
                    self.error = error

    def give(self, item: Any) -> None:
        """Hand over an item; an error of an earlier one comes out here."""
        if self.error is not None:
            raise self.error
        self.waiting.put(item)

    def __enter__(self) -> Worker:
        self.thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.waiting.put(None)
        self.thread.join()
        if self.error is not None and error is None:
            raise self.error
