"""The registry of places: names, time zones, and the layers of law above each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy_engine.language.problems import BadInput, Problem, listed, nearest
from policy_engine.language.yamlfile import read_text

COLUMNS = ("path", "name", "zone", "via", "fips", "aliases")


@dataclass(frozen=True, slots=True)
class Place:
    """A jurisdiction: its path, name, own time zone (empty: its parent's) and the extra layer above it, if any."""

    path: str
    name: str
    zone: str = ""
    via: str = ""
    fips: str = ""


@dataclass(slots=True)
class Places:
    """Every known place, by path and by alias."""

    by_path: dict[str, Place] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def find(self, jurisdiction: str) -> Place:
        """The place with this path or alias.

        Raises:
            BadInput: no such place; the message names the nearest ones.
        """
        path = self.aliases.get(jurisdiction, jurisdiction)
        place = self.by_path.get(path)
        if place is None:
            raise BadInput.one(self.unknown(jurisdiction))
        return place

    def unknown(self, jurisdiction: str) -> str:
        """The message for a place that is not known."""
        parent, _, leaf = jurisdiction.rpartition("/")
        siblings = [path for path in (*self.by_path, *self.aliases) if path.rpartition("/")[0] == parent]
        near = nearest(jurisdiction, siblings) or [path for path in siblings if leaf and leaf.split("-")[0] in path][:3]
        near = near or nearest(jurisdiction, [*self.by_path, *self.aliases])
        hint = f"; did you mean {listed(near)}?" if near else f"; known places begin with {listed(sorted({path.split('/')[0] for path in self.by_path}))}"
        return f"unknown place `{jurisdiction}`{hint}"

    def layers(self, place: Place) -> tuple[str, ...]:
        """The jurisdictions whose rules are read for a place, outermost first."""
        steps = place.path.split("/")
        path: list[str] = []
        for end in range(1, len(steps) + 1):
            here = "/".join(steps[:end])
            known = self.by_path.get(here)
            if known is not None and known.via:
                path.append(known.via)
            if known is not None or end == len(steps):
                path.append(here)
        return tuple(path)

    def zone(self, place: Place) -> ZoneInfo:
        """The time zone of a place: its own, or the nearest one above it; UTC if none is stated."""
        steps = place.path.split("/")
        for end in range(len(steps), 0, -1):
            known = self.by_path.get("/".join(steps[:end]))
            if known is not None and known.zone:
                return zone_info(known.zone)
        return zone_info("UTC")


@lru_cache(maxsize=256)
def zone_info(name: str) -> ZoneInfo:
    """The zone of an IANA name."""
    return ZoneInfo(name)


def load_places(root: Path, files: Sequence[str], shown: str, folders: Iterable[str]) -> Places:
    """The places of the registry files, or of the rule folders where there is no registry.

    Raises:
        BadInput: a missing file, a wrong column, a place or alias that stands twice, an unknown zone.
    """
    places = Places()
    problems: list[Problem] = []
    for name in files:
        try:
            _read(root / name, f"{shown}/{name}", places, problems)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    for path in folders:
        places.by_path.setdefault(path, Place(path, path.rsplit("/", 1)[-1]))
    return places


def _read(path: Path, shown: str, places: Places, problems: list[Problem]) -> None:
    rows = csv.reader(io.StringIO(read_text(path, shown)))
    header = next(rows, [])
    if header[: len(COLUMNS)] != list(COLUMNS):
        problems.append(Problem(shown, 1, 1, f"found the columns {', '.join(header) or 'nothing'}; valid: {', '.join(COLUMNS)}"))
        return
    for row in rows:
        if len(row) != len(header):
            problems.append(Problem(shown, rows.line_num, 1, f"found {len(row)} columns; valid: {len(header)}"))
            continue
        key, name, zone, via, fips, aliases = row[: len(COLUMNS)]
        if zone and not _zone_exists(zone):
            problems.append(Problem(shown, rows.line_num, 1, f"`{zone}` is no time zone"))
        for word in (key, *filter(None, aliases.split(";"))):
            if word in places.by_path or word in places.aliases:
                problems.append(Problem(shown, rows.line_num, 1, f"`{word}` stands twice"))
        places.by_path[key] = Place(key, name, zone, via, fips)
        for alias in filter(None, aliases.split(";")):
            places.aliases[alias] = key


@lru_cache(maxsize=256)
def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
