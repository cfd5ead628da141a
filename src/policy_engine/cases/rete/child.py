"""The child process: durable_rules alone, asked over a pipe, so that a crash or hang here ends nothing but this process.

It uses the C extension without the library's host: no thread or timer is started and no Python action runs, so none
can swallow an error. One fact is asserted at a time, under one session id for each ruleset, and its state deleted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

PRIME = "_prime"
Rules = Sequence[tuple[str, Sequence[str]]]


class Ruleset:
    """One ruleset, loaded, primed and tried."""

    def __init__(self, engine: Any, name: str, rules: Rules) -> None:
        self._engine, self.sid = engine, "s"
        self.derives = [output for output, _ in rules]
        self.fields = sorted({field for _, fields in rules for field in fields})
        definition: dict[str, Any] = {"r": {"all": [{"m": {PRIME: 1}}]}}
        for index, (_, fields) in enumerate(rules):
            patterns = [{field: 1} for field in fields]
            definition[f"r{index}"] = {"all": [{"m": patterns[0] if len(patterns) == 1 else {"$and": patterns}}]}
        self._handle = engine.create_ruleset(name, json.dumps(definition))
        # deleting a state in which no rule ever fired crashes the library: one has to fire first
        self._fire({PRIME: 1})
        every = self._fire(dict.fromkeys(self.fields, 1))
        if sorted(every) != sorted(definition)[1:]:
            raise RuntimeError(f"{len(set(every))} of {len(rules)} rules fired, {len(every)} times, on the fact that all of them match")
        if self._fire(dict.fromkeys(self.fields, 0)):
            raise RuntimeError("rules fired on the fact that none of them matches")

    def _fire(self, fact: dict[str, int]) -> list[str]:
        """The names of the rules that the fact fires."""
        engine, handle = self._engine, self._handle
        code, state = engine.assert_fact(handle, json.dumps({"sid": self.sid, **fact}))
        if code not in (0, 1):  # 1: no rule matches
            raise RuntimeError(f"the library answered {code} to a fact")
        fired: list[str] = []
        started = engine.start_action_for_state(handle, state) if code == 0 else None
        message = started[1] if started else None
        while message:
            fired += json.loads(message)
            message = engine.complete_and_start_action(handle, state)
        engine.delete_state(handle, self.sid)
        return fired

    def derive(self, true: set[str]) -> None:
        """Add to the true fields those that follow from them."""
        for name in self._fire({field: int(field in true) for field in self.fields}):
            true.add(self.derives[int(name[1:])])

    def free(self) -> None:
        """Give the ruleset's memory back."""
        self._engine.delete_ruleset(self._handle)


class Server:
    """Answers requests: load a plan, drop one, derive."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._plans: dict[str, list[list[Ruleset]]] = {}
        self._made = 0

    def answer(self, request: dict[str, Any]) -> object:
        """The answer to one request."""
        match request["do"]:
            case "load":
                self._plans[request["plan"]] = [[self._ruleset(rules) for rules in stage] for stage in request["stages"]]
                return True
            case "drop":
                for stage in self._plans.pop(request["plan"], ()):
                    for ruleset in stage:
                        ruleset.free()
                return True
            case "derive":
                return [self._derive(self._plans[request["plan"]], set(given)) for given in request["facts"]]
        raise RuntimeError(f"unknown request {request['do']}")

    def _ruleset(self, rules: Rules) -> Ruleset:
        self._made += 1
        return Ruleset(self._engine, f"p{self._made}", rules)

    def _derive(self, stages: list[list[Ruleset]], true: set[str]) -> list[str]:
        given = set(true)
        for stage in stages:
            for ruleset in stage:
                ruleset.derive(true)
        return sorted(true - given)


def serve(requests: int, answers: int) -> None:
    """Answer requests, one JSON line each, until the pipe closes."""
    with os.fdopen(requests, "r", encoding="utf-8") as incoming, os.fdopen(answers, "w", encoding="utf-8") as out:

        def send(found: dict[str, object]) -> None:
            out.write(json.dumps(found) + "\n")
            out.flush()

        try:
            import durable_rules_engine
        except ImportError as error:
            send({"missing": str(error)})
            return
        send({"ready": True})
        server = Server(durable_rules_engine)
        for line in incoming:
            try:
                send({"found": server.answer(json.loads(line))})
            except Exception as error:  # whatever went wrong here, the parent is told and goes on
                send({"failed": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
