"""A scenario's facts given their types: nested keys flattened, values checked against the vocabulary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from policy_engine.language.facts import UNKNOWN, FactValue, FieldValue, Record
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.problems import Problem, listed, unknown_name
from policy_engine.language.times import Moment, moment, parse_time
from policy_engine.language.vocabulary import Fact, FieldType
from policy_engine.language.yamlfile import Document, Loc, as_date

OTHER_TERM = "other"


class FactTyper:
    """Types facts for one scenario: its vocabulary, zone and moment."""

    def __init__(self, lexicon: Lexicon, zone: dt.tzinfo, as_of: dt.datetime, agency_fact: str) -> None:
        self.lexicon, self.zone, self.as_of, self.agency_fact = lexicon, zone, as_of, agency_fact

    def facts(self, document: Document, given: Mapping[str, Any], problems: list[Problem]) -> dict[str, FactValue]:
        """Every fact given, by its dotted name."""
        found: dict[str, FactValue] = {}
        places: dict[str, Loc] = {}
        for name, value, loc in self._flatten(given, "", ("facts",)):
            if name == self.agency_fact:
                problems.append(document.problem(loc, f"`{name}` belongs under `agency: {{kind: ...}}`", key=True))
                continue
            if name in self.lexicon.questions:
                problems.append(document.problem(loc, f"`{name}` is a question of law; pin it under `assume`", key=True))
                continue
            if name not in self.lexicon.facts:
                problems.append(document.problem(loc, unknown_name("fact", name, self.lexicon.facts), key=True))
                continue
            typed = self.one(document, name, value, loc, problems)
            if typed is not None:
                if name in found:
                    problems.append(document.problem(loc, f"fact `{name}` is given twice", key=True))
                found[name], places[name] = typed, loc
        self._join_same(document, found, places, problems)
        return found

    def _flatten(self, data: Mapping[str, Any], prefix: str, loc: Loc) -> Iterator[tuple[str, Any, Loc]]:
        for key, value in data.items():
            name = f"{prefix}{key}"
            here = (*loc, key)
            if isinstance(value, dict) and name not in self.lexicon.facts:
                yield from self._flatten(value, f"{name}.", here)
            else:
                yield name, value, here

    def _join_same(self, document: Document, found: dict[str, FactValue], places: dict[str, Loc], problems: list[Problem]) -> None:
        """A quantity given in place of its time becomes the time; given beside it, it must agree."""
        for name, fact in self.lexicon.facts.items():
            if fact.same_as is None or name not in found:
                continue
            base, _, part = fact.same_as.rpartition(".")
            value, time = found[name], found.get(base)
            if value is UNKNOWN:
                found.setdefault(base, UNKNOWN)
            elif base not in found and part == "hours_ago":
                point = self.as_of.astimezone(dt.UTC) - dt.timedelta(hours=float(value))  # type: ignore[arg-type]
                found[base] = Moment(point, point, point.astimezone(self.zone).isoformat(timespec="minutes"))
            elif isinstance(time, Moment) and time.exact and part == "hours_ago":
                hours = max((self.as_of - time.first).total_seconds() / 3600, 0.0)
                if abs(hours - float(value)) > 1 / 60:  # type: ignore[arg-type]
                    problems.append(document.problem(places[name], f"found {float(value):g}; `{base}` and `as_of` make it {hours:.2f} hours"))  # type: ignore[arg-type]
            del found[name]

    def one(self, document: Document, name: str, value: Any, loc: Loc, problems: list[Problem]) -> FactValue | None:
        """The typed value of one fact; None (and a problem) where it does not fit."""
        fact = self.lexicon.facts[name]
        if value is None:
            problems.append(document.problem(loc, f"`{name}` has no value; write `unknown`, or leave the fact out"))
            return None
        if value == "unknown" and "unknown" not in fact.values:
            return UNKNOWN
        message = _MISFIT[fact.type](value, fact) if fact.type in _MISFIT else None
        if message is not None:
            problems.append(document.problem(loc, f"`{name}` {message}"))
            return None
        if fact.type == "list":
            return self._records(document, name, fact, value, loc, problems)
        if fact.type == "number":
            return float(value)
        if fact.type == "set":
            return frozenset(str(item) for item in (value if isinstance(value, list) else [value]))
        if fact.type in ("time", "date"):
            when = parse_time(value)
            assert when is not None
            return moment(when, self.zone)
        return value if isinstance(value, bool) else str(value)

    def _records(self, document: Document, name: str, fact: Fact, value: Any, loc: Loc, problems: list[Problem]) -> tuple[Record, ...]:
        records: list[Record] = []
        for index, item in enumerate(value):
            here: Loc = (*loc, index)
            if not isinstance(item, dict):
                problems.append(document.problem(here, f"`{name}` is a list of records; found `{item}`; write `- {{{next(iter(fact.record))}: ...}}`"))
                continue
            record: dict[str, FieldValue] = {}
            for key, raw in item.items():
                kind = fact.record.get(key)
                if kind is None:
                    problems.append(document.problem((*here, key), unknown_name(f"field of `{name}`", key, fact.record), key=True))
                    continue
                typed = self._field(document, f"{name}.{key}", kind, raw, (*here, key), problems)
                if typed is not None:
                    record[key] = typed
            records.append(Record(record))
        return tuple(records)

    def _field(self, document: Document, name: str, kind: FieldType, raw: Any, loc: Loc, problems: list[Problem]) -> FieldValue | None:
        def fail(message: str) -> None:
            problems.append(document.problem(loc, f"`{name}` {message}"))

        if raw == "unknown":
            return UNKNOWN
        if raw is None:
            fail("has no value; write `unknown`, or leave the field out")
        elif kind.type == "term":
            term = OTHER_TERM if raw == OTHER_TERM else self.lexicon.term(kind.taxonomy or "", str(raw))
            if term is not None:
                return term
            names = self.lexicon.terms.get(kind.taxonomy or "", {})
            message = unknown_name(name.rsplit(".", 1)[-1], str(raw), names)
            problems.append(document.problem(loc, f"{message} (`{OTHER_TERM}` is always allowed)"))
        elif kind.type == "bool":
            if isinstance(raw, bool):
                return raw
            fail(f"is true or false; found `{raw}`")
        elif kind.type == "number":
            if isinstance(raw, (int, float)) and not isinstance(raw, bool):
                return float(raw)
            fail(f"is a number{_unit(kind.unit)}; found `{raw}`")
        elif kind.type == "date":
            day = as_date(raw)
            if day is not None:
                return day
            fail(f"is a day written YYYY-MM-DD; found `{raw}`")
        elif kind.type == "enum":
            if str(raw) in kind.values:
                return str(raw)
            problems.append(document.problem(loc, unknown_name(f"value of `{name}`:", str(raw), kind.values)))
        elif isinstance(raw, (str, int, float)) and not isinstance(raw, bool):
            return str(raw)
        else:
            fail(f"is a text; found `{raw}`")
        return None


def _unit(unit: str | None) -> str:
    return f" of {unit}" if unit else ""


def _not_bool(value: Any, _fact: Fact) -> str | None:
    return None if isinstance(value, bool) else f"is true, false or unknown; found `{value}`"


def _not_enum(value: Any, fact: Fact) -> str | None:
    word = str(value).lower() if isinstance(value, bool) else str(value)
    return None if word in fact.values else f"has {unknown_name('value', word, fact.values)}"


def _not_set(value: Any, fact: Fact) -> str | None:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str):
            return f"is a list of words; found `{item}`"
        if fact.values and item not in fact.values:
            return f"has {unknown_name('value', item, fact.values)}"
    return None


def _not_number(value: Any, fact: Fact) -> str | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) != float("inf")
    return None if fits else f"is a number{_unit(fact.unit)}; found `{value}`"


def _not_time(value: Any, _fact: Fact) -> str | None:
    return None if parse_time(value) is not None else f"is a time such as 2026-03-02T14:00, or a day; found `{value}`"


def _not_list(value: Any, _fact: Fact) -> str | None:
    return None if isinstance(value, list) else f"is a list of records, `[]` if there are none; found {listed([str(value)])}"


def _not_text(value: Any, _fact: Fact) -> str | None:
    return None if isinstance(value, (str, int, float)) and not isinstance(value, bool) else f"is a text; found `{value}`"


_MISFIT = {
    "bool": _not_bool,
    "enum": _not_enum,
    "set": _not_set,
    "number": _not_number,
    "time": _not_time,
    "date": _not_time,
    "list": _not_list,
    "text": _not_text,
}
