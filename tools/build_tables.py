"""Write rules/registry/agreements.csv and the two tables of the Department of Justice's list from the research.

    python tools/build_tables.py FOLDER

FOLDER holds 287g_agreements.csv (state,agency,agency_type,county,model,signed,first_seen,last_seen; at its top or in data/) and law/us.yaml with its `doj_list`.
An agreement seen in the newest list has no end: the table's `known_to` in rulebook.yaml is that list's day.
"""

from __future__ import annotations

import calendar
import csv
import re
import sys
from pathlib import Path

import yaml
from build_registry import REGISTRY, STATES, slug

from policy_engine import Engine

PATHS = {name: f"us/{code}" for code, name in STATES.items()}
NAMES = {  # places of the list whose path is not their name
    "District of Columbia": "us/dc",
    "San Francisco County": "us/ca/san-francisco",
    "New Orleans": "us/la/orleans-parish",
    "New York City": "us/ny/new-york-city",
}
# Kinds of agency by words of the name, first match; `state` rows are tried with the second table first.
LOCAL_KINDS = [
    (r"\b(college|university|school|isd|campus)\b", "campus_police"),
    (r"\bsheriff", "sheriff"),
    (r"\b(corrections?|detention|jail|prison|correctional)\b", "jail"),
    (r"\bcommissioners?\b", "county"),
    (r"", "police"),
]
STATE_KINDS = [
    (r"\b(college|university|campus|trustees)\b", "campus_police"),
    (r"\b(corrections?|correctional|criminal justice|rehabilitation)\b", "state_corrections"),
    (r"\b(state police|highway patrol|patrol|public safety|state troopers|law enforcement|highway safety)\b", "state_police"),
    (r"", "state_agency"),
]


def find(folder: Path, name: str) -> Path:
    found = next((path for path in (folder / name, folder / "data" / name) if path.exists()), None)
    if found is None:
        raise SystemExit(f"no {name} in {folder} or in its folder data")
    return found


def kind_of(agency: str, agency_type: str) -> str:
    local = agency_type != "state" or re.search(r"\b(county|parish)\b", agency.lower())
    table = LOCAL_KINDS if local else STATE_KINDS
    return next(kind for pattern, kind in table if re.search(pattern, agency.lower()))


def place_of(row: dict[str, str], known: dict[str, str]) -> str:
    state = f"us/{row['state'].lower()}"
    if not row["county"]:
        return state
    path = f"{state}/{slug(row['county'])}"
    return known.get(path, state)


def agreements(folder: Path, known: dict[str, str]) -> list[list[str]]:
    with find(folder, "287g_agreements.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    newest = max(row["last_seen"] for row in rows)
    print(f"newest list: {newest} (known_to in rulebook.yaml)")
    found = [
        [
            place_of(row, known),
            row["agency"].strip(),
            kind_of(row["agency"], row["agency_type"]),
            row["model"],
            row["signed"],  # the day from which it holds: the lists' first_seen is the collection's first day for agreements signed months later
            "" if row["last_seen"] == newest else row["last_seen"],
        ]
        for row in rows
    ]
    return sorted(found)


def listed(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of the list: states, and other places. A removal known by its month ends with the month."""
    dossier = yaml.safe_load((folder / "law" / "us.yaml").read_text(encoding="utf-8"))
    states, places = [], []
    for number, row in enumerate(dossier["doj_list"], 1):
        removed = "" if row["removed"] is None else str(row["removed"])
        if len(removed) == 7:
            year, month = map(int, removed.split("-"))
            removed = f"{removed}-{calendar.monthrange(year, month)[1]}"
        name, state = row["name"], f"us/{row['state'].lower()}"
        path = PATHS.get(name) if row["type"] == "state" and name in PATHS else NAMES.get(name, f"{state}/{slug(name)}")
        cells = [str(path), name, str(row["listed_from"]), removed, f"us.doj-list-{number}"]
        (states if row["type"] == "state" else places).append(cells)
    return states, places


def write(name: str, header: list[str], rows: list[list[str]]) -> None:
    with (REGISTRY / name).open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{len(rows)} rows in {name}")


def main(folder: Path) -> None:
    places = Engine(REGISTRY.parent).rulebook.places
    known = {path: path for path in places.by_path} | places.aliases
    write("agreements.csv", ["place", "agency", "kind", "model", "signed", "to"], agreements(folder, known))
    header = ["place", "name", "from", "to", "covers"]
    states, cities = listed(folder)
    for row in (*states, *cities):
        if row[0] not in known:
            raise SystemExit(f"{row[1]}: no place {row[0]} in the registry")
    write("doj_listed_states.csv", header, states)
    write("doj_listed_places.csv", header, cities)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tools/build_tables.py FOLDER")
    main(Path(sys.argv[1]))
