"""Mapping files: how a foreign table's columns become facts, as data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from policy_engine.language.models import Model, Name
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.yamlfile import read


def _pattern(value: object) -> object:
    try:
        return re.compile(str(value), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"found `{value}`; no regular expression: {error}") from None


Pattern = Annotated[Any, BeforeValidator(_pattern), WithJsonSchema({"type": "string", "description": "a regular expression, searched without regard to case"})]


class Match(Model):
    """A regular expression and the value it stands for; `\\1` in the value is the first group."""

    pattern: Pattern
    value: Any


class PlaceLookup(Model):
    """A place of the registry: the one above it by its name in a column, then its own name taken from a column by patterns.

    Where no place of that name is known below the one above, `otherwise` says what to take: the place above, or no row.
    """

    above: Name
    named: Name | None = None
    patterns: tuple[Match, ...] = ()
    otherwise: Annotated[str, Field(pattern="^(above|reject)$")] = "above"


class Rule(Model):
    """Where the value of one column comes from.

    Attributes:
        value: the same for every row.
        source: `from`, the foreign column; every other key says how its cells are read.
        values: a cell to a value; `yes`, `no`: cells that mean true and false.
        match: patterns tried in order.
        date: formats of times, as `strptime` has them; `at`: the hour that a bare day stands for.
        number: a number, times `times`.
        other: for a cell that nothing above fits: `reject` the row, leave the fact `absent`, or take a value.
        elements: for a set, each element and the rule that says whether it is in; absent where one of them is.
        place: a look-up in the registry.
        default: for an empty cell.
    """

    value: Any = None
    source: Annotated[str | None, Field(alias="from")] = None
    values: dict[str, Any] = {}
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    match: tuple[Match, ...] = ()
    date: tuple[str, ...] = ()
    at: str | None = None
    number: bool = False
    times: float = 1
    other: Any = "reject"
    elements: dict[str, Rule] = {}
    place: PlaceLookup | None = None
    default: Any = None

    @model_validator(mode="after")
    def _complete(self) -> Rule:
        if sum((self.value is not None, self.source is not None, bool(self.elements), self.place is not None)) != 1:
            raise ValueError("exactly one of `value`, `from`, `elements`, `place` says where a value comes from")
        return self


class Skip(Model):
    """Rows to leave out: those whose cell is one of `values`, fits `pattern`, or is empty."""

    source: Annotated[str, Field(alias="from")]
    values: tuple[str, ...] = ()
    pattern: Pattern | None = None
    empty: bool = False
    because: str = Field(min_length=4)


class MappingFile(Model):
    """A mapping."""

    name: str
    says: str = ""
    source: str = ""
    id: str | None = None
    keep: tuple[str, ...] = ()
    skip: tuple[Skip, ...] = ()
    columns: dict[str, Rule]


def load_mapping(path: Path) -> MappingFile:
    """A mapping file.

    Raises:
        BadInput: every fault with file, line and column.
    """
    documents = read(path)
    if len(documents) != 1:
        raise BadInput.one(f"found {len(documents)} YAML documents; valid: one", str(path))
    require_mapping(documents[0], "a mapping")
    return validate(documents[0], MappingFile)


MAPPINGS = "mappings"


def mapping_path(name: str, rulebook: Rulebook) -> Path:
    """The file of a mapping: a path, or the name of one that comes with the rulebook.

    Raises:
        BadInput: neither.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = {path.stem: path for path in sorted((rulebook.root / MAPPINGS).glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    raise BadInput.one(unknown_name("mapping", name, shipped) + " (or give the path of a file)", "--map")
