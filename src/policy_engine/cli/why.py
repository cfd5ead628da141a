"""`policy-engine why`: what governs an action, what stands in the way of another status, and the shortest change that gives it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policy_engine.cli.options import Rules, engine_for
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.reasoning.status import CODES, Status
from policy_engine.report import words


def command(
    file: Annotated[Path, typer.Argument(help="A scenario file with one scenario.")],
    action: Annotated[str, typer.Argument(help="The action asked about.")],
    not_: Annotated[str | None, typer.Option("--not", help="Why is it not this status? required, permitted, prohibited or conflict.")] = None,
    rules: Rules = None,
) -> None:
    """Say why an action has its status, or why it has not another one."""
    engine = engine_for(rules)
    decision = engine.evaluate(file, actions=[action])
    outcome = decision.outcomes.get(action)
    if outcome is None:
        sys.stdout.write(f"{action}: not this agency's act\n")
        return
    sys.stdout.write(f"{action} is {words.status_line(outcome)}: {words.grounds(outcome)}\n")
    if not_ is None:
        for item in decision.why(action):
            sys.stdout.write(f"  {item.effect} {words.reference(item.norm)}: {words.state(item)}\n")
        return
    if not_ not in [status.value for status in CODES]:
        raise BadInput.one(unknown_name("status", not_, [status.value for status in CODES]), "--not")
    for item in decision.why_not(action, Status(not_)):
        sys.stdout.write(f"  {item.effect} {words.reference(item.norm)}: {words.state(item)}\n")
    found = decision.what_if(action, Status(not_))
    sys.stdout.write(f"{found}\n" if found is not None else f"no facts make {action} {not_} here\n")
