"""Time as law counts it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_engine.language.cache import Cache
from policy_engine.language.calendars import Calendars
from policy_engine.language.vocabulary import CalendarSource
from policy_engine.reasoning.cells import Threshold
from policy_engine.reasoning.clock import Clockwork, years_between

CALENDARS = Calendars({"federal_holidays": CalendarSource(country="US", categories=("public",))}, Cache(None))
CLOCK = Clockwork(ZoneInfo("America/Chicago"), CALENDARS, ("weekends", "federal_holidays"))
moments = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31), timezones=st.just(dt.UTC))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CLOCK.zone).astimezone(dt.UTC)


def test_weekends_and_holidays_are_left_out() -> None:
    assert CLOCK.workday_hours(at("2025-11-26T17:00"), at("2025-12-01T17:00")) == 48
    assert CLOCK.workday_hours(at("2025-07-03T12:00"), at("2025-07-07T12:00")) == 24
    assert CLOCK.hours(at("2025-07-03T12:00"), at("2025-07-07T12:00")) == 96


def test_a_clock_change_counts_in_elapsed_hours() -> None:
    assert CLOCK.hours(at("2026-03-07T12:00"), at("2026-03-08T12:00")) == 23
    assert CLOCK.hours(at("2025-11-01T12:00"), at("2025-11-02T12:00")) == 25


def test_anniversaries() -> None:
    assert years_between(dt.date(2011, 3, 2), dt.date(2026, 3, 2)) == 15
    assert 15 < years_between(dt.date(2011, 3, 2), dt.date(2026, 3, 3)) < 15.01
    assert 14.9 < years_between(dt.date(2011, 3, 2), dt.date(2026, 3, 1)) < 15
    assert years_between(dt.date(2020, 2, 29), dt.date(2021, 3, 1)) == 1


@given(start=moments, end=moments)
def test_working_time_is_part_of_elapsed_time(start: dt.datetime, end: dt.datetime) -> None:
    assert 0 <= CLOCK.workday_hours(start, end) <= CLOCK.hours(start, end) + 1e-6


@given(start=moments, hours=st.floats(0.5, 200), excluding=st.sampled_from([(), ("weekends",), ("weekends", "federal_holidays")]))
def test_adding_counted_hours_and_counting_them_agree(start: dt.datetime, hours: float, excluding: tuple[str, ...]) -> None:
    end = CLOCK.add(start, hours, excluding)
    assert abs(CLOCK.counted_hours(start, end, excluding) - hours) < 1e-4


@settings(max_examples=60)
@given(now=moments, hours=st.sampled_from([1, 24, 47, 48, 49, 72]), strict=st.booleans())
def test_a_working_time_limit_changes_where_the_threshold_says(now: dt.datetime, hours: int, strict: bool) -> None:
    limit = Threshold("workday_hours_ago", hours, strict)
    change = limit.change(now, CLOCK)
    day = dt.timedelta(days=1)
    assert limit.holds(CLOCK.workday_hours(change - 8 * day, now))
    assert not limit.holds(CLOCK.workday_hours(change + dt.timedelta(minutes=1), now) - 1e-9) or strict


@settings(max_examples=300)
@given(end=st.datetimes(dt.datetime(2025, 10, 1), dt.datetime(2026, 4, 1)), hours=st.sampled_from([0.5, 1, 24, 48, 72, 100]))
def test_counting_back_undoes_counting_on(end: dt.datetime, hours: float) -> None:
    """The latest moment from which the hours run, and with `past` the earliest: between them lie only days left out."""
    second, moment = dt.timedelta(seconds=1), end.replace(tzinfo=dt.UTC)
    latest, earliest = (CLOCK.back(moment, hours, CLOCK.workdays, past=past) for past in (False, True))
    assert earliest <= latest
    for found in (latest, earliest):
        assert abs(CLOCK.workday_hours(found, moment) - hours) < 1e-6
    assert CLOCK.workday_hours(latest + second, moment) < hours - 1e-6
    assert CLOCK.workday_hours(earliest - second, moment) > hours + 1e-6
