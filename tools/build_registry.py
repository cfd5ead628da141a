"""Write rules/registry/states.csv and places.csv from a table of counties (fips,state,name) and the places below.

    python tools/build_registry.py COUNTIES.csv rules/registry
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from pathlib import Path

CIRCUITS = {
    "1": "me ma nh ri pr", "2": "ct ny vt", "3": "de nj pa vi", "4": "md nc sc va wv", "5": "la ms tx", "6": "ky mi oh tn", "7": "il in wi",
    "8": "ar ia mn mo ne nd sd", "9": "ak az ca hi id mt nv or wa gu mp", "10": "co ks nm ok ut wy", "11": "al fl ga", "dc": "dc",
}  # fmt: skip
ORDINALS = "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh".split()
ZONES = {
    "America/New_York": "ct dc de fl ga in ky ma md me mi nc nh nj ny oh pa ri sc va vt wv",
    "America/Chicago": "al ar ia il ks la mn mo ms nd ne ok sd tn tx wi",
    "America/Denver": "co mt nm ut wy",
    "America/Los_Angeles": "ca nv or wa",
    "America/Boise": "id",
    "America/Phoenix": "az",
    "America/Anchorage": "ak",
    "Pacific/Honolulu": "hi",
    "America/Puerto_Rico": "pr vi",
    "Pacific/Guam": "gu mp",
    "Pacific/Pago_Pago": "as",
}
OTHER_ZONES = {
    ("fl", "America/Chicago"): "Bay Calhoun Escambia Gulf Holmes Jackson Okaloosa Santa-Rosa Walton Washington",
    ("in", "America/Chicago"): "Gibson Jasper Lake LaPorte Newton Perry Porter Posey Spencer Starke Vanderburgh Warrick",
    ("ky", "America/Chicago"): "Adair Allen Ballard Barren Breckinridge Butler Caldwell Calloway Carlisle Christian Clinton Crittenden Cumberland Daviess "
    "Edmonson Fulton Graves Grayson Green Hancock Hart Henderson Hickman Hopkins Livingston Logan Lyon McCracken McLean Marshall Metcalfe Monroe Muhlenberg "
    "Ohio Russell Simpson Todd Trigg Union Warren Webster",
    ("tn", "America/New_York"): "Anderson Blount Bradley Campbell Carter Claiborne Cocke Grainger Greene Hamblen Hamilton Hancock Hawkins Jefferson Johnson "
    "Knox Loudon McMinn Meigs Monroe Morgan Polk Rhea Roane Scott Sevier Sullivan Unicoi Union Washington",
    ("mi", "America/Chicago"): "Dickinson Gogebic Iron Menominee",
    ("ks", "America/Denver"): "Greeley Hamilton Sherman Wallace",
    ("ne", "America/Denver"): "Arthur Banner Box-Butte Chase Cheyenne Dawes Deuel Dundy Garden Grant Hooker Keith Kimball Morrill Perkins Scotts-Bluff "
    "Sheridan Sioux",
    ("sd", "America/Denver"): "Bennett Butte Corson Custer Dewey Fall-River Haakon Harding Jackson Lawrence Meade Oglala-Lakota Pennington Perkins Ziebach",
    ("nd", "America/Denver"): "Adams Billings Bowman Golden-Valley Grant Hettinger Slope Stark",
    ("tx", "America/Denver"): "El-Paso Hudspeth",
    ("id", "America/Los_Angeles"): "Benewah Bonner Boundary Clearwater Kootenai Latah Lewis Nez-Perce Shoshone",
    ("or", "America/Boise"): "Malheur",
}  # fmt: skip
# path, name, fips of the county it lies in or is, aliases; a place that is a county takes the county's row
PLACES = [
    ("us/ca/huntington-beach", "Huntington Beach", "06059", ""),
    ("us/ca/los-angeles", "City of Los Angeles", "06037", ""),
    ("us/ct/new-haven", "New Haven", "09009", ""),
    ("us/fl/key-west", "Key West", "12087", ""),
    ("us/il/chicago", "Chicago", "17031", ""),
    ("us/ky/louisville", "Louisville Metro", "21111", ""),
    ("us/ma/boston", "Boston", "25025", ""),
    ("us/mn/minneapolis", "Minneapolis", "27053", ""),
    ("us/mn/saint-paul", "Saint Paul", "27123", ""),
    ("us/nj/jersey-city", "Jersey City", "34017", ""),
    ("us/nj/newark", "Newark", "34013", ""),
    ("us/nm/albuquerque", "Albuquerque", "35001", ""),
    ("us/ny/new-york-city", "New York City", "", "us/ny/nyc"),
    ("us/ny/rochester", "Rochester", "36055", ""),
    ("us/tx/houston", "Houston", "48201", ""),
    ("us/wa/seattle", "Seattle", "53033", ""),
]
CONSOLIDATED = {
    "us/ca/san-francisco-county": "us/ca/san-francisco",
    "us/pa/philadelphia-county": "us/pa/philadelphia",
    "us/tn/davidson-county": "us/tn/nashville-davidson",
    "us/co/denver-county": "us/co/denver",
}
STATE_NAMES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|"
    "ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|"
    "MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|"
    "OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|"
    "WV West Virginia|WI Wisconsin|WY Wyoming|PR Puerto Rico|AS American Samoa|GU Guam|MP Northern Mariana Islands|VI U.S. Virgin Islands"
)
HEADER = ["path", "name", "zone", "via", "fips", "aliases"]


def slug(name: str) -> str:
    """A name as a step of a path."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[\s/]+", "-", re.sub(r"[.']", "", plain).lower().strip())


def main(counties: Path, out: Path) -> None:
    """Write both files."""
    rows = [row for row in csv.DictReader(counties.open(encoding="utf-8")) if row["state"]]
    state_fips = {row["state"].lower(): row["fips"][:2] for row in rows}
    circuit_of = {state: number for number, states in CIRCUITS.items() for state in states.split()}
    zone_of = {state: zone for zone, states in ZONES.items() for state in states.split()}
    states = [["us", "United States", "", "", "", ""]]
    states += [[f"us/circuits/{number}", f"{ORDINALS[int(number) - 1] if number != 'dc' else 'D.C.'} Circuit", "", "", "", ""] for number in CIRCUITS]
    for item in STATE_NAMES.split("|"):
        code, name = item.split(" ", 1)
        code = code.lower()
        via = f"us/circuits/{circuit_of[code]}" if code in circuit_of else ""
        states.append([f"us/{code}", name, zone_of[code], via, state_fips.get(code, ""), ""])
    other = {(state, word.lower()): zone for (state, zone), words in OTHER_ZONES.items() for word in words.split()}
    seen: dict[str, str] = {}
    places: list[list[str]] = []
    used: set[tuple[str, str]] = set()
    for row in rows:
        state = row["state"].lower()
        step = slug(row["name"])
        path = f"us/{state}/{step}"
        if path in seen:
            raise SystemExit(f"{path} stands twice: {seen[path]} and {row['fips']}")
        seen[path] = row["fips"]
        base = step.removesuffix("-county")
        zone = other.get((state, base), "")
        if zone:
            used.add((state, base))
        if state == "ak" and step.startswith("aleutians-west"):
            zone = "America/Adak"
        main_path = CONSOLIDATED.get(path, path)
        places.append([main_path, row["name"], zone, "", row["fips"], path if main_path != path else ""])
    missing = set(other) - used
    if missing:
        raise SystemExit(f"zone exceptions that match no county: {sorted(missing)}")
    places += [[path, name, "", "", fips, aliases] for path, name, fips, aliases in PLACES]
    for name, table in (("states.csv", states), ("places.csv", places)):
        with (out / name).open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
