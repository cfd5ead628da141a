"""The parent's side of the child process: started when first asked, ended by a time limit, started anew after a fault."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock

from policy_engine.cases.rete.plan import Plan

CHILD = Path(__file__).with_name("child.py")
MAX_PLANS = 256
SLICE = 0.05
FIX = (
    "build it anew with: CPPFLAGS=-DPyEval_CallObject=PyObject_CallObject pip install --force-reinstall --no-cache-dir --no-binary durable-rules durable-rules (needs a C compiler)"
)


class DerivationFailed(RuntimeError):
    """The child process crashed, hung or reported a fault. The next derivation starts a new one."""


class RulesEngineMissing(DerivationFailed):
    """durable_rules is not installed, or was built without an error but cannot be imported (Python 3.13 and later)."""


class Derivations:
    """Asks the child process what a plan derives. Safe to share between threads: one request at a time.

    Args:
        time_limit: seconds for one derivation.
        load_limit: seconds for the start of the process and for loading a plan.
    """

    def __init__(self, time_limit: float = 10.0, load_limit: float = 30.0) -> None:
        self.time_limit, self.load_limit = time_limit, load_limit
        self._lock = RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Derivations] | None = None
        self._owner = self._out = self._in = -1
        self._rest = b""
        self._ready = False
        self._loaded: OrderedDict[str, None] = OrderedDict()

    @property
    def pid(self) -> int | None:
        """The process id of the child, None where there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the child without waiting for it."""
        with self._lock:
            if self._process is None or self._owner != os.getpid():  # a fork must not talk to the child of its parent
                self._start()

    def _start(self) -> None:
        requests, self._out = os.pipe()
        self._in, answers = os.pipe()
        # memory given back to the system after every fact makes the library slow by chance of the heap's layout
        environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "536870912", "MALLOC_MMAP_THRESHOLD_": "536870912"}
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD), str(requests), str(answers)],
            pass_fds=(requests, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        os.close(requests)
        os.close(answers)
        os.set_blocking(self._out, False)
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _end, self._owner, self._process, self._out, self._in)
        self._rest, self._ready = b"", False
        self._loaded.clear()

    def derive(self, plan: Plan, facts: Sequence[Iterable[str]]) -> list[frozenset[str]]:
        """For each set of true fields, what the plan derives from it.

        Raises:
            RulesEngineMissing: durable_rules cannot be imported.
            DerivationFailed: the child crashed, passed its time limit or reported a fault.
        """
        with self._lock:
            self.start()
            self._greet()
            if plan.key not in self._loaded:
                self._load(plan)
            self._loaded.move_to_end(plan.key)
            request = {"do": "derive", "plan": plan.key, "facts": [sorted(given) for given in facts]}
            found = self._ask(json.dumps(request), self.time_limit, "a derivation")
            return [frozenset(derived) for derived in found]  # type: ignore[attr-defined]

    def _greet(self) -> None:
        if self._ready:
            return
        hello = self._read(self.load_limit, "its start")
        if "missing" in hello:
            self.close()
            raise RulesEngineMissing(f"durable_rules does not work here ({hello['missing']}); {FIX}")
        self._ready = True

    def _load(self, plan: Plan) -> None:
        if len(self._loaded) >= MAX_PLANS:
            oldest, _ = self._loaded.popitem(last=False)
            self._ask(json.dumps({"do": "drop", "plan": oldest}), self.load_limit, "dropping a plan")
        self._ask(f'{{"do": "load", "plan": "{plan.key}", "stages": {plan.wire}}}', self.load_limit, "loading a plan")
        self._loaded[plan.key] = None

    def _ask(self, request: str, limit: float, what: str) -> object:
        sent = memoryview(f"{request}\n".encode())
        try:
            while sent:
                self._wait([], [self._out], limit, what)
                sent = sent[os.write(self._out, sent) :]
        except BrokenPipeError:
            raise self._ended(what) from None
        answer = self._read(limit, what)
        if "failed" in answer:
            self.close()
            raise DerivationFailed(f"durable_rules reported a fault during {what}: {answer['failed']}")
        return answer["found"]

    def _read(self, limit: float, what: str) -> dict[str, object]:
        while b"\n" not in self._rest:
            self._wait([self._in], [], limit, what)
            more = os.read(self._in, 1 << 16)
            if not more:
                raise self._ended(what)
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, object] = json.loads(line)
        return found

    def _wait(self, reading: list[int], writing: list[int], limit: float, what: str) -> None:
        """Wait until a pipe is ready. Short waits are counted, not the clock, so that a machine that slept is not taken for a hang."""
        for _ in range(max(round(limit / SLICE), 1)):
            readable, writable, _ = select.select(reading, writing, [], SLICE)
            if readable or writable:
                return
        raise self._hung(limit, what)

    def _hung(self, limit: float, what: str) -> DerivationFailed:
        self.close()
        return DerivationFailed(f"durable_rules did not answer within {limit:g} s during {what}; its process was ended")

    def _ended(self, what: str) -> DerivationFailed:
        code = self._process.wait() if self._process else 0
        self.close()
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        return DerivationFailed(f"the process of durable_rules ended {how} during {what}; the next derivation starts a new one")

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._process = None
            self._loaded.clear()
            if self._end is not None:
                self._end()


def _end(owner: int, process: subprocess.Popen[bytes], *pipes: int) -> None:
    if owner == os.getpid():
        for pipe in pipes:
            os.close(pipe)
        process.kill()
        process.wait()
