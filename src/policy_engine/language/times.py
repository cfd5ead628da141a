"""Days and spans as rules and scenarios write them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

FIRST = dt.date.min
LAST = dt.date.max


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `start` to `end`, both included."""

    start: dt.date = FIRST
    end: dt.date = LAST

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.start <= day <= self.end

    def meets(self, other: Span) -> bool:
        """Whether the two share a day."""
        return self.start <= other.end and other.start <= self.end

    def __str__(self) -> str:
        start = "the beginning" if self.start == FIRST else self.start.isoformat()
        return f"from {start}" if self.end == LAST else f"from {start} to {self.end.isoformat()}"


Spans = tuple[Span, ...]
ALWAYS_IN_FORCE: Spans = (Span(),)


def covers(spans: Spans, day: dt.date) -> bool:
    """Whether `day` lies in one of the spans."""
    return any(day in span for span in spans)


def intersect(left: Spans, right: Spans) -> Spans:
    """The days in both."""
    return tuple(Span(max(a.start, b.start), min(a.end, b.end)) for a in left for b in right if a.meets(b))


def cut_days(spans: Spans) -> set[dt.date]:
    """The first days on which being in force changes."""
    days = {span.start for span in spans if span.start != FIRST}
    return days | {span.end + dt.timedelta(days=1) for span in spans if span.end != LAST}


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, or the whole of a day when only its date is known.

    `first` and `last` are aware and equal for a point in time.
    """

    first: dt.datetime
    last: dt.datetime
    written: str

    @property
    def exact(self) -> bool:
        """Whether it is one point in time."""
        return self.first == self.last

    def __str__(self) -> str:
        return self.written


def moment(value: dt.datetime | dt.date, zone: dt.tzinfo) -> Moment:
    """A time as a `Moment`; without an offset it is local to `zone`, and a bare date is its whole day."""
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone)
        point = aware.astimezone(dt.UTC)
        return Moment(point, point, aware.isoformat(timespec="minutes"))
    start = dt.datetime.combine(value, dt.time(), zone).astimezone(dt.UTC)
    end = dt.datetime.combine(value + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
    return Moment(start, end - dt.timedelta(microseconds=1), value.isoformat())


def parse_time(value: object) -> dt.datetime | dt.date | None:
    """A time or date from YAML, JSON or a table; None if it is neither."""
    if isinstance(value, (dt.datetime, dt.date)):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    except ValueError:
        return None
