"""Streams of events for live cases: what happens, when it was true and when it became known, and what is corrected or withdrawn later."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from policy_engine.language.problems import BadInput
from policy_engine.language.scenario import Scenario
from policy_engine.language.written import nested, time_as_written, value_as_written
from policy_engine.testing.pools import choices

if TYPE_CHECKING:
    from policy_engine.testing.strategies import Strategies

STEPS = [dt.timedelta(hours=hours) for hours in (1, 6, 24, 47, 48, 49, 72)]
DELAYS = [dt.timedelta(hours=hours) for hours in (0, 0, 0, 1, 24)]
OTHER_FACTS = 2


def events(kit: Strategies, scenario: Scenario, most: int) -> SearchStrategy[list[dict[str, Any]]]:
    """See `Strategies.events`."""
    kinds = kit.lexicon.case_events
    if not kinds:
        raise BadInput.one("this rulebook's vocabulary has no `case_events`, so nothing can happen in a live case", "events")
    place = scenario.jurisdiction
    clockwork, pool = kit.clockwork(place), kit.pool(place)
    needed = {name: st.sampled_from(pool.get(name) or choices(name, kit.lexicon.facts[name], ())) for kind in kinds.values() for name in kind.needs}
    others = kit.drawer(place, 0.1, OTHER_FACTS)
    drawn_kinds, steps, delays = st.sampled_from(list(kinds)), st.sampled_from(STEPS), st.sampled_from(DELAYS)

    @st.composite
    def drawn(draw: st.DrawFn) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        standing: list[str] = []
        known = scenario.as_of.astimezone(dt.UTC)
        for number in range(1, draw(st.integers(0, most)) + 1):
            known += draw(steps)
            event: dict[str, Any] = {"id": f"event-{number}", "at": time_as_written(known, clockwork.zone)}
            replaces = draw(st.sampled_from([None, None, *standing]))
            if replaces is not None:
                standing.remove(replaces)
            if replaces is not None and draw(st.booleans()):
                found.append(event | {"withdraws": replaces})
                continue
            happened = known - draw(delays)
            name = draw(drawn_kinds)
            values = dict(draw(others)) | {fact: draw(needed[fact]) for fact in kinds[name].needs}
            facts = nested({fact: value_as_written(kit.value(item, happened, clockwork), clockwork.zone) for fact, item in values.items()})
            event |= {"event": name, "at": time_as_written(happened, clockwork.zone)}
            if happened != known:
                event["known"] = time_as_written(known, clockwork.zone)
            if facts:
                event["facts"] = facts
            if replaces is not None:
                event["corrects"] = replaces
            standing.append(event["id"])
            found.append(event)
        return found

    return drawn()
