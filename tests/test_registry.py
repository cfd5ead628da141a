"""The registry of places and the names of offences, read as plain data."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

RULES = Path(__file__).resolve().parent.parent / "rules"
HEADER = ["path", "name", "zone", "via", "fips", "aliases"]
NO_CIRCUIT = {"us/as"}
# The counties of 2020, plus Valdez-Cordova (AK) and Bedford city (VA), which have ended since.
COUNTIES = dict(
    al=67, ak=31, az=15, ar=75, ca=58, co=64, ct=8, de=3, dc=1, fl=67, ga=159, hi=5, id=44, il=102, ia=99, ks=105, ky=120, la=64, me=16, md=24, ma=14, mi=83, mn=87,
    ms=82, mo=115, mt=56, ne=93, nv=17, nh=10, nj=21, nm=33, ny=62, nc=100, nd=53, oh=88, ok=77, or_=36, pa=67, pr=78, ri=5, sc=46, sd=66, tn=95, tx=254, ut=29,
    vt=14, va=134, wa=39, wv=55, wi=72, wy=23, as_=5, gu=1, mp=4, vi=3, **{"in": 92},
)  # fmt: skip


def read(name: str) -> list[dict[str, str]]:
    with (RULES / "registry" / name).open(encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source)
        assert rows.fieldnames == HEADER
        return list(rows)


STATES = read("states.csv")
PLACES = read("places.csv")
ROWS = {row["path"]: row for row in [*STATES, *PLACES]}


def aliases(row: dict[str, str]) -> list[str]:
    return [alias for alias in row["aliases"].split(";") if alias]


def state_of(path: str) -> str:
    return "/".join(path.split("/")[:2])


def zone(path: str) -> str:
    return ROWS[path]["zone"] or ROWS[state_of(path)]["zone"]


def test_paths_and_aliases_stand_once():
    words = Counter(word for row in [*STATES, *PLACES] for word in (row["path"], *aliases(row)))
    assert [word for word, count in words.items() if count > 1] == []


def test_paths_are_plain():
    words = [word for row in [*STATES, *PLACES] for word in (row["path"], *aliases(row))]
    assert [word for word in words if not re.fullmatch(r"us(/[a-z0-9]+(-[a-z0-9]+)*)*", word)] == []
    assert all(row["name"] for row in ROWS.values())


def test_zones_load():
    for name in {row["zone"] for row in ROWS.values()} - {""}:
        ZoneInfo(name)


def test_a_zone_is_named_only_where_it_differs():
    assert [row["path"] for row in PLACES if row["zone"] and row["zone"] == ROWS[state_of(row["path"])]["zone"]] == []


def test_every_state_has_a_zone_and_a_circuit():
    states = [row for row in STATES if re.fullmatch(r"us/[a-z]{2}", row["path"])]
    assert len(states) == 56
    for row in states:
        assert row["zone"], row["path"]
        assert re.fullmatch(r"\d{2}", row["fips"])
        if row["path"] not in NO_CIRCUIT:
            assert re.fullmatch(r"us/circuits/(\d+|dc)", row["via"])
            assert row["via"] in ROWS
    assert {row["via"] for row in states} - {""} == {row["path"] for row in STATES if row["path"].startswith("us/circuits/")}


@pytest.mark.parametrize(
    ("state", "circuit"), [("me", "1"), ("pr", "1"), ("ny", "2"), ("vi", "3"), ("va", "4"), ("tx", "5"), ("tn", "6"), ("il", "7"), ("mn", "8"), ("gu", "9"), ("mp", "9"),
                           ("co", "10"), ("ga", "11"), ("dc", "dc")]
)  # fmt: skip
def test_circuits(state: str, circuit: str):
    assert ROWS[f"us/{state}"]["via"] == f"us/circuits/{circuit}"


def test_every_place_lies_in_a_state_and_has_its_code():
    for row in PLACES:
        state = ROWS[state_of(row["path"])]
        assert all(state_of(alias) == state["path"] for alias in aliases(row))
        if row["path"] == "us/ny/new-york-city":
            assert row["fips"] == ""
        else:
            assert re.fullmatch(r"\d{5}", row["fips"])
            assert row["fips"].startswith(state["fips"])


def test_counties_by_state():
    expected = {state.strip("_"): count for state, count in COUNTIES.items()}
    found = {state: len({row["fips"] for row in PLACES if row["fips"] and state_of(row["path"]) == f"us/{state}"}) for state in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("us/fl/escambia-county", "America/Chicago"),
        ("us/fl/gulf-county", "America/New_York"),
        ("us/fl/miami-dade-county", "America/New_York"),
        ("us/tx/el-paso-county", "America/Denver"),
        ("us/tx/hudspeth-county", "America/Denver"),
        ("us/in/lake-county", "America/Chicago"),
        ("us/in/marion-county", "America/Indiana/Indianapolis"),
        ("us/tn/knox-county", "America/New_York"),
        ("us/tn/nashville-davidson", "America/Chicago"),
        ("us/ky/warren-county", "America/Chicago"),
        ("us/ky/louisville", "America/New_York"),
        ("us/id/kootenai-county", "America/Los_Angeles"),
        ("us/id/idaho-county", "America/Los_Angeles"),
        ("us/id/ada-county", "America/Boise"),
        ("us/or/malheur-county", "America/Boise"),
        ("us/nd/dunn-county", "America/Denver"),
        ("us/nd/golden-valley-county", "America/Denver"),
        ("us/nd/mercer-county", "America/Chicago"),
        ("us/sd/pennington-county", "America/Denver"),
        ("us/ne/scotts-bluff-county", "America/Denver"),
        ("us/ks/sherman-county", "America/Denver"),
        ("us/mi/gogebic-county", "America/Menominee"),
        ("us/mi/wayne-county", "America/Detroit"),
        ("us/ak/aleutians-west-census-area", "America/Adak"),
        ("us/az/navajo-county", "America/Phoenix"),
        ("us/ca/huntington-beach", "America/Los_Angeles"),
    ],
)
def test_zone_of_place(path: str, expected: str):
    assert zone(path) == expected


@pytest.mark.parametrize(
    ("alias", "path"),
    [
        ("us/ca/san-francisco-county", "us/ca/san-francisco"),
        ("us/pa/philadelphia-county", "us/pa/philadelphia"),
        ("us/tn/davidson-county", "us/tn/nashville-davidson"),
        ("us/co/denver-county", "us/co/denver"),
        ("us/ky/jefferson-county", "us/ky/louisville"),
        ("us/sd/shannon-county", "us/sd/oglala-lakota-county"),
    ],
)
def test_aliases(alias: str, path: str):
    assert alias in aliases(ROWS[path])
    assert alias not in ROWS


@pytest.mark.parametrize(
    "path",
    [
        "us/md/baltimore-county", "us/md/baltimore-city", "us/mo/st-louis-county", "us/mo/st-louis-city", "us/va/fairfax-county", "us/va/fairfax-city",
        "us/va/richmond-county", "us/va/richmond-city", "us/va/alexandria-city", "us/nm/dona-ana-county", "us/la/caddo-parish", "us/md/prince-georges-county",
        "us/nv/carson-city", "us/ny/new-york-city", "us/ny/new-york-county",
    ],
)  # fmt: skip
def test_place_is_known(path: str):
    assert path in ROWS


class OnceOnly(yaml.SafeLoader):
    """Loads YAML and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]
        return super().construct_mapping(node, deep)


def test_names_and_aliases_of_offences_stand_once():
    with (RULES / "vocabulary" / "offenses.yaml").open(encoding="utf-8") as source:
        names = yaml.load(source, OnceOnly)["names"]
    words = Counter([*names, *(alias for term in names.values() for alias in (term or {}).get("aliases", ()))])
    assert [word for word, count in words.items() if count > 1] == []
    assert [word for word in words if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", word)] == []
    assert "other" in names
