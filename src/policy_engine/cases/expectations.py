"""A case that was run, held against what its file expects: one line for each expectation that is not met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy_engine.cases.case import Case
from policy_engine.cases.casefile import CaseFile, Expected, aware
from policy_engine.cases.horizon import TICK
from policy_engine.cases.step import AGAINST, IN_ORDER, UNSETTLED, Statuses, Step

VERDICTS = {"in_order": IN_ORDER, "against": AGAINST, "unsettled": UNSETTLED}


def failures(case: Case, file: CaseFile) -> list[str]:
    """The expectations of a file that its case does not meet; empty if it meets all."""
    found = []
    for item in file.expect:
        told = _told(case, item)
        where = f"after {item.after}" if item.after else f"at {item.at}"
        found += [f"{file.file}: {case.scenario.id}: {where}: {line}" for line in _compare(case, told, item)]
    return found


def _told(case: Case, item: Expected) -> Sequence[Step]:
    """The steps up to the one that is meant."""
    steps = case.timeline
    if item.after is not None:
        last = next(index for index, step in enumerate(steps) if step.event == item.after)
    else:
        moment = aware(item.at, case.now.tzinfo or case.scenario.as_of.tzinfo)  # type: ignore[arg-type]
        last = max((index for index, step in enumerate(steps) if moment is not None and step.decided <= moment + TICK), default=0)
    return steps[: last + 1]


def _compare(case: Case, told: Sequence[Step], item: Expected) -> Iterator[str]:
    step = told[-1]
    clocks = {clock.id: clock for part in told for clock in part.clocks}
    duties = {duty.id: duty for part in told for duty in part.duties}
    for action, wanted in item.status.items():
        yield from _differs(action, wanted, _status(step.outcomes.get(action, ())))
    for action, candidates in item.candidates.items():
        yield from _differs(action, ", ".join(sorted(candidates)), ", ".join(sorted(step.outcomes.get(action, ()))))
    for action, rule in item.because.items():
        last = next((change for part in reversed(told) for change in part.changes if change.action == action), None)
        if last is None or rule not in last.because:
            yield f"{action}: expected because of {rule}, found {', '.join(last.because) if last else 'no change'}"
    for name, state in item.clocks.items():
        yield from _differs(name, state, clocks[name].state if name in clocks else "no such clock")
    for name, end in item.ends.items():
        moment = aware(end, case.now.tzinfo)  # type: ignore[arg-type]
        found = clocks[name].ends if name in clocks else None
        if found != moment:
            yield f"{name}: expected to end {moment}, found {found}"
    for name, wanted_state in item.duties.items():
        yield from _differs(name, wanted_state, duties[name].state if name in duties else "no such duty")
    for action, verdict in item.acts.items():
        found_acts = [act.verdict for act in step.acts if act.action == action]
        yield from _differs(action, VERDICTS[verdict], found_acts[0] if found_acts else "no act")
    yield from _revision(step, item)
    for name, rule in item.must.items():
        must = {part.clock: part.rule for part in step.musts}
        yield from _differs(name, rule, must.get(name, "nothing"))
    if item.says is not None and item.says not in step.headline:
        yield f"expected the words `{item.says}`, found `{step.headline}`"
    for wanted_rules, rules, what in ((item.law_began, step.law_began, "come into force"), (item.law_ended, step.law_ended, "go out of force")):
        for rule in wanted_rules:
            if rule not in rules:
                yield f"expected {rule} to {what}; found {', '.join(rules) or 'none'}"


def _revision(step: Step, item: Expected) -> Iterator[str]:
    revision = step.revision
    for action, wanted in item.instead.items():
        found = [_status(part.instead) for part in revision.differences if part.action == action] if revision else []
        if wanted not in found:
            yield f"{action}: expected that it would have been {wanted}; found {', '.join(found) or 'no difference'}"
    for names, acts, what in (
        (item.in_question, revision.in_question if revision else (), "in question"),
        (item.cleared, revision.cleared if revision else (), "cleared"),
    ):
        if names is not None:
            yield from _differs(what, ", ".join(names) or "nothing", ", ".join(dict.fromkeys(act.event for act in acts)) or "nothing")


def _status(statuses: Statuses) -> str:
    return "undetermined" if len(statuses) > 1 else statuses[0] if statuses else "not this agency's act"


def _differs(what: str, wanted: str, found: str) -> Iterator[str]:
    if wanted != found:
        yield f"{what}: expected {wanted}, found {found}"
