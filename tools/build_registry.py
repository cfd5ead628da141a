"""Write rules/registry/states.csv and places.csv from the Census list of counties, the places of a law dossier, and the facts below.

    python tools/build_registry.py FOLDER

FOLDER holds us_counties_2020.csv (fips,state,name; at its top or in data/) and law/local/*.yaml (each with `jurisdiction:` and `fips:`).
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

REGISTRY = Path(__file__).resolve().parent.parent / "rules" / "registry"
HEADER = ["path", "name", "zone", "via", "fips", "aliases"]
CIRCUITS = {
    "1": ("First", "me ma nh ri pr"),
    "2": ("Second", "ct ny vt"),
    "3": ("Third", "de nj pa vi"),
    "4": ("Fourth", "md nc sc va wv"),
    "5": ("Fifth", "la ms tx"),
    "6": ("Sixth", "ky mi oh tn"),
    "7": ("Seventh", "il in wi"),
    "8": ("Eighth", "ar ia mn mo ne nd sd"),
    "9": ("Ninth", "ak az ca hi id mt nv or wa gu mp"),
    "10": ("Tenth", "co ks nm ok ut wy"),
    "11": ("Eleventh", "al fl ga"),
    "dc": ("D.C.", "dc"),
}
NO_CIRCUIT = {"as"}  # American Samoa lies in no federal circuit
STATES = {
    "al": "Alabama", "ak": "Alaska", "az": "Arizona", "ar": "Arkansas", "ca": "California", "co": "Colorado", "ct": "Connecticut", "de": "Delaware",
    "dc": "District of Columbia", "fl": "Florida", "ga": "Georgia", "hi": "Hawaii", "id": "Idaho", "il": "Illinois", "in": "Indiana", "ia": "Iowa",
    "ks": "Kansas", "ky": "Kentucky", "la": "Louisiana", "me": "Maine", "md": "Maryland", "ma": "Massachusetts", "mi": "Michigan", "mn": "Minnesota",
    "ms": "Mississippi", "mo": "Missouri", "mt": "Montana", "ne": "Nebraska", "nv": "Nevada", "nh": "New Hampshire", "nj": "New Jersey", "nm": "New Mexico",
    "ny": "New York", "nc": "North Carolina", "nd": "North Dakota", "oh": "Ohio", "ok": "Oklahoma", "or": "Oregon", "pa": "Pennsylvania", "ri": "Rhode Island",
    "sc": "South Carolina", "sd": "South Dakota", "tn": "Tennessee", "tx": "Texas", "ut": "Utah", "vt": "Vermont", "va": "Virginia", "wa": "Washington",
    "wv": "West Virginia", "wi": "Wisconsin", "wy": "Wyoming", "pr": "Puerto Rico", "as": "American Samoa", "gu": "Guam", "mp": "Northern Mariana Islands",
    "vi": "U.S. Virgin Islands",
}  # fmt: skip
ZONES = {
    "America/New_York": "ct dc de fl ga ky ma md me nc nh nj ny oh pa ri sc va vt wv",
    "America/Detroit": "mi",
    "America/Indiana/Indianapolis": "in",
    "America/Chicago": "al ar ia il ks la mn mo ms nd ne ok sd tn tx wi",
    "America/Denver": "co mt nm ut wy",
    "America/Boise": "id",
    "America/Phoenix": "az",
    "America/Los_Angeles": "ca nv or wa",
    "America/Anchorage": "ak",
    "Pacific/Honolulu": "hi",
    "America/Puerto_Rico": "pr vi",
    "Pacific/Guam": "gu mp",
    "Pacific/Pago_Pago": "as",
}
# Counties whose zone is not the state's, by 49 CFR part 71. A county that the line cuts has the zone of its seat: Gulf (FL), Cherry (NE), McKenzie and Sioux (ND),
# Stanley (SD) keep the state's; Dunn (ND), Idaho County (ID) and Malheur (OR) do not. No zone is set for the Navajo Nation in Arizona. Aleutians West has no seat: Adak and
# Atka keep Adak time, Unalaska keeps Alaska time.
OTHER_ZONES = {
    ("ak", "America/Adak"): "Aleutians West Census Area",
    ("fl", "America/Chicago"): "Bay, Calhoun, Escambia, Holmes, Jackson, Okaloosa, Santa Rosa, Walton, Washington",
    ("id", "America/Los_Angeles"): "Benewah, Bonner, Boundary, Clearwater, Idaho, Kootenai, Latah, Lewis, Nez Perce, Shoshone",
    ("in", "America/Chicago"): "Gibson, Jasper, Lake, LaPorte, Newton, Perry, Porter, Posey, Spencer, Starke, Vanderburgh, Warrick",
    ("ks", "America/Denver"): "Greeley, Hamilton, Sherman, Wallace",
    ("ky", "America/Chicago"): "Adair, Allen, Ballard, Barren, Breckinridge, Butler, Caldwell, Calloway, Carlisle, Christian, Clinton, Crittenden, Cumberland, "
    "Daviess, Edmonson, Fulton, Graves, Grayson, Green, Hancock, Hart, Henderson, Hickman, Hopkins, Livingston, Logan, Lyon, Marshall, McCracken, McLean, "
    "Metcalfe, Monroe, Muhlenberg, Ohio, Russell, Simpson, Todd, Trigg, Union, Warren, Webster",
    ("mi", "America/Menominee"): "Dickinson, Gogebic, Iron, Menominee",
    ("nd", "America/Denver"): "Adams, Billings, Bowman, Dunn, Golden Valley, Grant, Hettinger, Slope, Stark",
    ("ne", "America/Denver"): "Arthur, Banner, Box Butte, Chase, Cheyenne, Dawes, Deuel, Dundy, Garden, Grant, Hooker, Keith, Kimball, Morrill, Perkins, "
    "Scotts Bluff, Sheridan, Sioux",
    ("or", "America/Boise"): "Malheur",
    ("sd", "America/Denver"): "Bennett, Butte, Corson, Custer, Dewey, Fall River, Haakon, Harding, Jackson, Lawrence, Meade, Oglala Lakota, Pennington, Perkins, "
    "Ziebach",
    ("tn", "America/New_York"): "Anderson, Blount, Bradley, Campbell, Carter, Claiborne, Cocke, Grainger, Greene, Hamblen, Hamilton, Hancock, Hawkins, Jefferson, "
    "Johnson, Knox, Loudon, McMinn, Meigs, Monroe, Morgan, Polk, Rhea, Roane, Scott, Sevier, Sullivan, Unicoi, Union, Washington",
    ("tx", "America/Denver"): "El Paso, Hudspeth",
}  # fmt: skip
# The list has some counties twice under one FIPS code; these names become aliases of the other.
SECOND_NAMES = {
    ("AK", "Petersburg Census Area"), ("AK", "Wade Hampton Census Area"), ("AS", "Rose Island District"), ("DC", "Washington"), ("NY", "Brooklyn Borough"),
    ("NY", "Manhattan Borough"), ("NY", "Staten Island Borough"), ("NY", "the Bronx Borough"), ("SD", "Shannon County"),
}  # fmt: skip
MISSING = [("02063", "AK", "Chugach Census Area")]  # split from Valdez-Cordova in 2019 with Copper River; the list has only the latter
# Places of the dossier that are a county under another name: the dossier's path is the path, the county's the alias.
CONSOLIDATED = {
    "us/ca/san-francisco": ("San Francisco", "us/ca/san-francisco-county"),
    "us/co/denver": ("Denver", "us/co/denver-county"),
    "us/ky/louisville": ("Louisville and Jefferson County", "us/ky/jefferson-county"),
    "us/pa/philadelphia": ("Philadelphia", "us/pa/philadelphia-county"),
    "us/tn/nashville-davidson": ("Nashville and Davidson County", "us/tn/davidson-county"),
}
# Cities of the dossier and of the Department of Justice's list: name and the FIPS code of the county they lie in (New York City is five counties).
CITIES = {
    "us/ca/berkeley": ("Berkeley", "06001"),
    "us/mi/east-lansing": ("East Lansing", "26065"),
    "us/nj/hoboken": ("Hoboken", "34017"),
    "us/nj/paterson": ("Paterson", "34031"),
    "us/or/portland": ("Portland", "41051"),
    "us/ca/huntington-beach": ("Huntington Beach", "06059"),
    "us/ca/los-angeles": ("City of Los Angeles", "06037"),
    "us/ct/new-haven": ("New Haven", "09009"),
    "us/fl/key-west": ("Key West", "12087"),
    "us/il/chicago": ("Chicago", "17031"),
    "us/ma/boston": ("Boston", "25025"),
    "us/mn/minneapolis": ("Minneapolis", "27053"),
    "us/mn/saint-paul": ("Saint Paul", "27123"),
    "us/nj/jersey-city": ("Jersey City", "34017"),
    "us/nj/newark": ("Newark", "34013"),
    "us/nm/albuquerque": ("Albuquerque", "35001"),
    "us/ny/new-york-city": ("New York City", ""),
    "us/ny/rochester": ("Rochester", "36055"),
    "us/tx/houston": ("Houston", "48201"),
    "us/wa/seattle": ("Seattle", "53033"),
}
ALIASES = {"us/la/orleans-parish": ["us/la/new-orleans"], "us/ny/new-york-city": ["us/ny/nyc"], "us/tn/nashville-davidson": ["us/tn/nashville"]}


@dataclass
class Row:
    """A row of either file."""

    path: str
    name: str
    zone: str = ""
    via: str = ""
    fips: str = ""
    aliases: list[str] = field(default_factory=list)

    def cells(self) -> list[str]:
        """The row as it stands in the file."""
        return [self.path, self.name, self.zone, self.via, self.fips, ";".join(self.aliases)]


def slug(name: str) -> str:
    """A name as a step of a path."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[\s/]+", "-", re.sub(r"[.']", "", plain).lower().strip())


def county_path(state: str, name: str) -> str:
    return f"us/{state.lower()}/{slug(name.removeprefix('the '))}"


def read_counties(folder: Path) -> list[tuple[str, str, str]]:
    found = next((path for path in (folder / "us_counties_2020.csv", folder / "data" / "us_counties_2020.csv") if path.exists()), None)
    if found is None:
        raise SystemExit(f"no us_counties_2020.csv in {folder} or in its folder data")
    with found.open(encoding="utf-8", newline="") as source:
        rows = [(row["fips"], row["state"], row["name"]) for row in csv.DictReader(source) if row["state"]]
    return sorted([*rows, *MISSING], key=lambda row: row[0])


def read_dossier(folder: Path) -> dict[str, str]:
    """The FIPS code that each file of law/local gives, by jurisdiction."""
    places = {}
    for path in sorted((folder / "law" / "local").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        keys = {key: re.search(rf"^{key}: *'?([\w/-]+)'?", text, re.MULTILINE) for key in ("jurisdiction", "fips")}
        if keys["jurisdiction"] is None:
            raise SystemExit(f"{path.name} names no jurisdiction")
        places[keys["jurisdiction"][1]] = keys["fips"][1] if keys["fips"] else ""
    if not places:
        raise SystemExit(f"no law/local/*.yaml in {folder}")
    return places


def state_rows(counties: list[tuple[str, str, str]]) -> list[Row]:
    codes = {state.lower(): fips[:2] for fips, state, _ in counties}
    zones = {state: zone for zone, states in ZONES.items() for state in states.split()}
    circuits = {state: f"us/circuits/{number}" for number, (_, states) in CIRCUITS.items() for state in states.split()}
    if set(codes) != set(STATES) or set(zones) != set(STATES) or set(circuits) != set(STATES) - NO_CIRCUIT:
        raise SystemExit("the tables of states, zones and circuits do not hold the states of the county list")
    rows = [Row("us", "United States")]
    rows += [Row(f"us/circuits/{number}", f"{name} Circuit") for number, (name, _) in CIRCUITS.items()]
    return rows + [Row(f"us/{state}", name, zones[state], circuits.get(state, ""), codes[state]) for state, name in STATES.items()]


def place_rows(counties: list[tuple[str, str, str]], dossier: dict[str, str]) -> list[Row]:
    other = {}
    for (state, zone), names in OTHER_ZONES.items():
        for name in names.split(", "):
            full = name if state == "ak" else f"{name} County"
            other[county_path(state, full)] = zone
    renamed = {county: (path, name) for path, (name, county) in CONSOLIDATED.items()}
    rows: dict[str, Row] = {}
    for fips, state, name in counties:
        if (state, name) in SECOND_NAMES:
            continue
        here = county_path(state, name)
        path, shown = renamed.get(here, (here, name))
        if fips in rows:
            raise SystemExit(f"FIPS code {fips} stands twice: {rows[fips].name}, {name}")
        rows[fips] = Row(path, shown, other.pop(here, ""), "", fips, [here] if path != here else [])
    if other:
        raise SystemExit(f"zones of unknown counties: {', '.join(other)}")
    for fips, state, name in counties:
        if (state, name) in SECOND_NAMES:
            rows[fips].aliases.append(county_path(state, name))
    places = list(rows.values())
    places += [Row(path, name, rows[fips].zone if fips else "", "", fips) for path, (name, fips) in CITIES.items()]
    known = {row.path: row for row in places}
    for path, aliases in ALIASES.items():
        known[path].aliases += aliases
    for path, fips in dossier.items():
        if path not in known:
            raise SystemExit(f"the dossier's {path} is in no table here: add it to CITIES or CONSOLIDATED")
        if len(fips) == 5 and known[path].fips != fips:
            raise SystemExit(f"the dossier gives {path} the FIPS code {fips}, the county list {known[path].fips}")
    return places


def check(rows: list[Row]) -> None:
    """Every path and alias stands once, every zone exists."""
    words = [word for row in rows for word in (row.path, *row.aliases)]
    twice = sorted({word for word in words if words.count(word) > 1}) if len(set(words)) != len(words) else []
    if twice:
        raise SystemExit(f"stands twice: {', '.join(twice)}")
    for zone in {row.zone for row in rows} - {""}:
        ZoneInfo(zone)


def write(name: str, rows: list[Row]) -> None:
    with (REGISTRY / name).open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(row.cells() for row in rows)


def main(folder: Path) -> None:
    counties = read_counties(folder)
    states, places = state_rows(counties), place_rows(counties, read_dossier(folder))
    check([*states, *places])
    write("states.csv", states)
    write("places.csv", places)
    print(f"{len(states)} rows in states.csv, {len(places)} in places.csv")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tools/build_registry.py FOLDER")
    main(Path(sys.argv[1]))
