"""Arrow columns to fact columns: Arrow's own buffers where they already are planes or numbers, else each distinct value typed once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from policy_engine.batch.columns import Bools, Codes, Column, Flags, Numbers, Plane, Rows, Words, factorised, pack
from policy_engine.language.facts import FactValue
from policy_engine.language.lexicon import Lexicon
from policy_engine.language.problems import BadInput, Problem, listed
from policy_engine.language.typing_facts import FactTyper
from policy_engine.language.vocabulary import Fact
from policy_engine.language.yamlfile import Document

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows that cannot be read, all for one value of one column."""

    rows: Rows
    column: str
    value: Any
    reason: str


@dataclass(slots=True)
class Distinct:
    """A column as codes into its distinct plain values, None for a null. Where `valid` leaves rows out, their codes mean nothing."""

    codes: Codes
    values: list[Any]
    valid: Plane | None = None

    def map(self, function: Callable[[Any], Any]) -> Distinct:
        """Each distinct value turned into another."""
        return Distinct(self.codes, [None if value is None else function(value) for value in self.values], self.valid)

    def rows(self, code: int) -> Rows:
        """The rows that have a value."""
        found = self.codes == code
        if self.valid is not None:
            found &= plane_bits(self.valid, len(self.codes))
        return np.flatnonzero(found)

    def safe(self) -> Codes:
        """Codes that all lie in the table, whatever stands under a null."""
        return self.codes if self.valid is None else np.where(plane_bits(self.valid, len(self.codes)), self.codes, 0)

    def every(self) -> tuple[Codes, list[Any]]:
        """Codes of all rows, nulls too, and the table of values with None last."""
        if self.valid is None:
            return self.codes, self.values
        return np.where(plane_bits(self.valid, len(self.codes)), self.codes, len(self.values)), [*self.values, None]


def plane_bits(plane: Plane, rows: int) -> Bools:
    """The bits of a plane."""
    return np.unpackbits(plane.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


def single(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() if column.num_chunks else pa.array([], column.type)
    return column


def bit_plane(buffer: pa.Buffer | None, offset: int, rows: int) -> Plane | None:
    """Arrow's bits as words: the buffer itself where it begins on a whole word, else a copy shifted into place."""
    if buffer is None:
        return None
    words = (rows + 63) // 64
    if offset % 64 == 0 and buffer.size >= (offset // 64 + words) * 8 and (buffer.address + offset // 8) % 8 == 0:
        return np.frombuffer(buffer, np.uint64, words, offset // 8)
    taken = np.frombuffer(buffer, np.uint8)[offset // 8 : (offset + rows + 7) // 8]
    return pack(np.unpackbits(taken, bitorder="little")[offset % 8 : offset % 8 + rows].view(np.bool_))


def validity(array: pa.Array) -> Plane | None:
    """The plane of rows that are not null; None if none is."""
    if array.null_count == 0:
        return None
    if pa.types.is_null(array.type):
        return np.zeros((len(array) + 63) // 64, np.uint64)
    return bit_plane(array.buffers()[0], array.offset, len(array))


def distinct(array: pa.Array) -> Distinct:
    """The distinct values of any column as plain Python values; rows of dictionary columns keep their codes."""
    kind = array.type
    if pa.types.is_null(kind):
        return Distinct(np.zeros(len(array), np.uint8), [None])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_fixed_size_list(kind):
        codes, texts = factorised([None if item is None else json.dumps(item, default=str) for item in array.to_pylist()])
        return Distinct(codes, [None if text is None else json.loads(text) for text in texts])
    encoded = array if pa.types.is_dictionary(kind) else pc.dictionary_encode(array)
    indices = encoded.indices
    valid = validity(indices)
    values = [text_of(value) for value in encoded.dictionary.to_pylist()]
    codes = (
        np.zeros(len(array), np.uint8) if not values else np.frombuffer(indices.buffers()[1], _dtype(indices.type), len(indices), indices.offset * (indices.type.bit_width // 8))
    )
    return Distinct(codes, values or [None], valid)


def text_of(value: Any) -> Any:
    """Bytes as text where they are UTF-8."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _dtype(kind: pa.DataType) -> npt.DTypeLike:
    found: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return found


def number_array(array: pa.Array) -> Codes:
    """The numbers of an Arrow column without a copy."""
    return np.frombuffer(array.buffers()[1], _dtype(array.type), len(array), array.offset * (array.type.bit_width // 8))


class Reader:
    """Reads the fact columns of one vocabulary. Times are left to the sheet, which knows each row's zone."""

    def __init__(self, lexicon: Lexicon, agency_fact: str) -> None:
        self.lexicon = lexicon
        self.typer = FactTyper(lexicon, dt.UTC, dt.datetime(2000, 1, 1, tzinfo=dt.UTC), agency_fact)
        self._typed: dict[tuple[str, Any], FactValue | str] = {}

    def read(self, fact: str, array: pa.Array, faults: list[Fault]) -> Column:
        """A fact's column. Rows that cannot be read are told in `faults`.

        Raises:
            BadInput: no value of the column's type could ever fit the fact.
        """
        declared = self.lexicon.facts[fact]
        kind = array.type
        if declared.type == "bool" and pa.types.is_boolean(kind):
            true = bit_plane(array.buffers()[1], array.offset, len(array))
            assert true is not None
            return Flags(fact, len(array), validity(array), None, true)
        if declared.type == "number" and (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not pa.types.is_float16(kind):
            return self._numbers(fact, array, faults)
        self.check(fact, declared, kind)
        return self.words(fact, distinct(array), faults)

    def check(self, fact: str, declared: Fact, kind: pa.DataType) -> None:
        """Refuse a column whose type can never hold the fact.

        Raises:
            BadInput: one line that names both types.
        """
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        texts = pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner) or pa.types.is_binary(inner) or pa.types.is_null(inner)
        fits = {
            "bool": pa.types.is_boolean(inner),
            "number": pa.types.is_integer(inner) or pa.types.is_floating(inner),
            "time": pa.types.is_timestamp(inner) or pa.types.is_date(inner),
            "date": pa.types.is_timestamp(inner) or pa.types.is_date(inner),
            "set": pa.types.is_list(inner) or pa.types.is_large_list(inner),
            "list": pa.types.is_list(inner) or pa.types.is_large_list(inner),
            "text": pa.types.is_integer(inner) or pa.types.is_floating(inner),
        }.get(declared.type, False)
        if not texts and not fits:
            valid = f": {listed(list(declared.values))}" if declared.values else ""
            raise BadInput([Problem(f"column {fact}", 0, 0, f"holds {kind}; `{fact}` is of type {declared.type}{valid}")])

    def _numbers(self, fact: str, array: pa.Array, faults: list[Fault]) -> Numbers:
        numbers, valid = number_array(array), validity(array)
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            bad = ~np.isfinite(numbers)
            if valid is not None:
                bad &= plane_bits(valid, len(numbers))
            if bad.any():
                faults.append(Fault(np.flatnonzero(bad), fact, "not finite", f"`{fact}` is a number; found one that is not finite"))
            numbers = np.where(np.isfinite(numbers), numbers, 0)
        return Numbers(fact, len(numbers), valid, None, numbers)

    def words(self, fact: str, found: Distinct, faults: list[Fault]) -> Words:
        """A column from its distinct plain values."""
        values: list[FactValue | None] = []
        for code, value in enumerate(found.values):
            if value is None:
                values.append(None)
                continue
            typed, reason = self.one(fact, value)
            if reason is not None:
                rows = found.rows(code)
                if len(rows):
                    faults.append(Fault(rows, fact, value, reason))
            values.append(typed)
        return Words(fact, len(found.codes), found.valid, None, found.codes, values)

    def one(self, fact: str, value: Any) -> tuple[FactValue | None, str | None]:
        """One plain value typed as a scenario file's would be, or the reason why it does not fit."""
        if isinstance(value, bytes):
            return None, f"`{fact}` holds bytes that are not UTF-8 text"
        declared = self.lexicon.facts[fact]
        problems: list[Problem] = []
        raw = plain(value, declared.type)
        typed = self.typer.one(Document("row", None, None), fact, raw, (), problems)
        return typed, problems[0].message if problems else None


def plain(value: Any, kind: str) -> Any:
    """A cell of text as the value that it writes; other values as they are, empty fields of records left out."""
    if kind == "list":
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return value
        return [_record(item) for item in value] if isinstance(value, list) else value
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "unknown":
        return text
    if kind == "bool":
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    if kind == "set":
        return _set(text)
    return text


def _record(item: Any) -> Any:
    return {key: value for key, value in item.items() if value is not None} if isinstance(item, dict) else item


def _set(text: str) -> Any:
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return [part.strip() for part in text.strip("[]").split(",")]
    return [part.strip() for part in text.split(SEPARATOR)]


def as_text(column: pa.ChunkedArray) -> pa.Array:
    """A column of any type as text; bytes that are not UTF-8 are marked as such."""
    array = single(column)
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_dictionary(array.type) and pa.types.is_string(array.type.value_type):
        return array.dictionary_decode()
    codes, values = distinct(array).every()
    words = [None if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
    return pa.array(words, pa.string()).take(pa.array(codes.astype(np.int64)))
