"""The days left out of counted time: public holidays of the calendars that a rulebook names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from policy_engine.language.cache import Cache
from policy_engine.language.vocabulary import CalendarSource

KEPT_YEARS = range(1990, 2061)


class Calendars:
    """Public holidays by calendar name, from the `holidays` library; kept on disk, since the library is slow to import."""

    def __init__(self, sources: Mapping[str, CalendarSource], kept: Cache) -> None:
        self._sources, self._kept = sources, kept
        self._days: dict[str, frozenset[dt.date]] = {}

    def has(self, name: str, day: dt.date) -> bool:
        """Whether a day is a holiday of the calendar."""
        if day.year not in KEPT_YEARS:
            return day in _holidays(*_key(self._sources[name]), day.year)
        found = self._days.get(name)
        if found is None:
            found = self._days[name] = self._load(self._sources[name])
        return day in found

    def _load(self, source: CalendarSource) -> frozenset[dt.date]:
        country, subdivision, categories = _key(source)
        key = ("calendar", version("holidays"), country, subdivision or "", *categories)
        found = self._kept.get(*key)
        if not isinstance(found, frozenset):
            found = frozenset(day for year in KEPT_YEARS for day in _holidays(country, subdivision, categories, year))
            self._kept.put(found, *key)
        return found


def _key(source: CalendarSource) -> tuple[str, str | None, tuple[str, ...]]:
    return source.country, source.subdivision, source.categories


@cache
def _holidays(country: str, subdivision: str | None, categories: tuple[str, ...], year: int) -> frozenset[dt.date]:
    """The holidays of a year, with those of the next that are observed in it."""
    import holidays

    found = holidays.country_holidays(country, subdiv=subdivision, categories=categories or None, years=[year, year + 1])
    return frozenset(day for day in found if day.year == year)
