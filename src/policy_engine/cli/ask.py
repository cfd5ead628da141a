"""`policy-engine ask`: the open questions of a scenario, one after the other, until the actions are decided."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from policy_engine.cli.options import Rules, engine_for
from policy_engine.engine import Engine
from policy_engine.language.problems import BadInput
from policy_engine.language.scenario import scenario_of
from policy_engine.language.yamlfile import parse, read_text
from policy_engine.reasoning.decision import Decision
from policy_engine.reasoning.inquiry import Dispositive
from policy_engine.reasoning.status import Status
from policy_engine.report import words


def command(
    file: Annotated[Path, typer.Argument(help="A scenario file with one scenario, as far as it is known.")],
    action: Annotated[list[str] | None, typer.Option("--action", "-a", help="Decide only this action; may be repeated.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the finished scenario; next to the file if left out.")] = None,
    rules: Rules = None,
) -> None:
    """Ask what is still open, best question first, and write the finished scenario file. An empty answer or `unknown` skips a question."""
    engine = engine_for(rules)
    documents = parse(read_text(file), str(file))
    if len(documents) != 1 or not isinstance(documents[0].data, dict) or "cases" in documents[0].data:
        raise BadInput.one("`ask` takes a file with exactly one scenario", str(file))
    engine.scenario(file)
    data: dict[str, Any] = documents[0].data
    decision = interview(engine, data, action)
    for name, outcome in decision.outcomes.items():
        sys.stdout.write(f"{name}: {words.status_line(outcome)} ({words.grounds(outcome)})\n")
    target = output or file.with_name(f"{file.stem}.answered.yaml")
    write_scenario(target, data)
    sys.stdout.write(f"written: {target}\n")


def interview(engine: Engine, data: dict[str, Any], actions: list[str] | None) -> Decision:
    """Ask until nothing more can be found out; `data` takes the answers."""
    skipped: set[str] = set()
    while True:
        decision = engine.evaluate(data, actions=actions)
        question = next_question(decision, skipped)
        if question is None:
            return decision
        answer = ask_one(question)
        if answer in ("", "unknown"):
            skipped.add(question.fact)
            continue
        problem = take(engine, data, question, answer)
        if problem:
            sys.stdout.write(f"  {problem}\n")


def next_question(decision: Decision, skipped: set[str]) -> Dispositive | None:
    """The question that leaves fewest statuses open, over all undetermined actions. Questions of law come last."""
    found = [item for outcome in decision.outcomes.values() if outcome.status is Status.UNDETERMINED for item in outcome.dispositive if item.fact not in skipped]
    return min(found, key=lambda item: (item.kind == "law", item.left, item.fact), default=None)


def ask_one(question: Dispositive) -> str:
    """Put one question; the end of input counts as no answer."""
    sys.stdout.write(f"{question.ask} [{question.fact}{', a question of law: assume true or false' if question.kind == 'law' else ''}]\n")
    for answer, left in question.answers[:8]:
        sys.stdout.write(f"    {answer}: {' or '.join(left)}\n")
    sys.stdout.write("> ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stdout.write("\n")
    return line.strip()


def take(engine: Engine, data: dict[str, Any], question: Dispositive, answer: str) -> str | None:
    """Put the answer into the scenario; the fault in words if it does not fit."""
    try:
        value = yaml.safe_load(answer)
    except yaml.YAMLError:
        value = answer
    trial = {**data, "facts": {**_without(data.get("facts", {}), question.fact)}, "assume": dict(data.get("assume", {}))}
    if question.kind == "law":
        trial["assume"][question.fact] = value
    else:
        trial["facts"][question.fact] = value
    try:
        scenario_of(trial, engine.rulebook, "answer")
    except BadInput as error:
        return error.problems[0].message
    data.update({key: value for key, value in trial.items() if value})
    return None


def _without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """The facts without one that may stand nested or dotted."""
    found: dict[str, Any] = {}
    head, _, rest = name.partition(".")
    for key, value in facts.items():
        if key == name:
            continue
        if key == head and rest and isinstance(value, dict):
            value = _without(value, rest)
        found[key] = value
    return found


def write_scenario(target: Path, data: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise BadInput.one(f"cannot be written: {error.strerror}", str(target)) from None
