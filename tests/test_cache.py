"""The cache: it changes speed and nothing else, and trusts nothing that another could have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import small_rulebook

from policy_engine import BadInput, Engine, Status
from policy_engine.language.cache import Cache
from policy_engine.language.calendars import Calendars
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.vocabulary import CalendarSource

CASE = {"id": "x", "as_of": "2026-03-02T12:00", "jurisdiction": "top", "agency": {"kind": "left"}, "facts": {"a": True}}


def status(book: Path, cache: Cache) -> Status:
    return Engine(Rulebook(book, cache)).evaluate(CASE).outcomes["open"].status


def test_a_second_reading_comes_from_the_cache_and_a_changed_rule_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "kept")
    book = small_rulebook.write(tmp_path / "book", [{"id": "n", "authority": "base", "forbid": "open", "when": "a"}])
    assert status(book, cache) is Status.PROHIBITED
    with monkeypatch.context() as patch:
        patch.setattr("policy_engine.language.rulebook.load_layer", lambda *_: pytest.fail("read again"))
        assert status(book, cache) is Status.PROHIBITED
    small_rulebook.write(tmp_path / "book", [{"id": "n", "authority": "base", "permit": "open", "when": "a"}])
    assert status(book, cache) is Status.PERMITTED


def test_a_changed_vocabulary_is_read_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "kept")
    book = small_rulebook.write(tmp_path / "book", [{"id": "n", "authority": "base", "forbid": "open", "when": "a"}])
    assert status(book, cache) is Status.PROHIBITED
    facts = book / "vocabulary" / "facts.yaml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("  a:", "  aa:"), encoding="utf-8")
    with pytest.raises(BadInput, match="unknown fact"):
        status(book, cache)


def test_a_faulty_rulebook_is_never_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "kept")
    book = small_rulebook.write(tmp_path / "book", [{"id": "n", "authority": "base", "forbid": "open", "when": "aaa"}])
    for _ in range(2):
        with pytest.raises(BadInput, match=r"rules\.yaml:\d+:\d+: unknown fact"):
            status(book, cache)


def test_a_torn_file_is_read_anew_and_mended(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "kept")
    book = small_rulebook.write(tmp_path / "book", [{"id": "n", "authority": "base", "forbid": "open", "when": "a"}])
    status(book, cache)
    files = sorted((tmp_path / "kept").glob("*.bin"))
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:-7])
    assert status(book, cache) is Status.PROHIBITED
    assert [path.read_bytes()[-7:] for path in sorted((tmp_path / "kept").glob("*.bin"))] != []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="file modes are POSIX")
def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    cache = Cache(folder)
    cache.put("value", "key")
    assert (cache.folder, cache.get("key"), list(folder.iterdir())) == (None, None, [])


def test_the_variable_names_the_folder_or_turns_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_ENGINE_CACHE", str(tmp_path / "mine"))
    assert Cache.default().folder == tmp_path / "mine"
    monkeypatch.setenv("POLICY_ENGINE_CACHE", "off")
    assert Cache.default().folder is None


def test_holidays_are_those_of_the_library_kept_or_not(tmp_path: Path) -> None:
    import datetime as dt

    import holidays

    sources = {"us": CalendarSource(country="US", categories=("public",))}
    library = holidays.country_holidays("US", categories=("public",))
    for cache in (Cache(None), Cache(tmp_path / "kept"), Cache(tmp_path / "kept")):
        calendars = Calendars(sources, cache)
        for year in (1989, 2010, 2021, 2027, 2060, 2061):
            day = dt.date(year, 1, 1)
            while day.year == year:
                assert calendars.has("us", day) == (day in library), day
                day += dt.timedelta(days=1)
