"""YAML read with positions kept: plain Python data, and the place of every key and value in it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policy_engine.language.problems import BadInput, Problem

Loc = tuple[str | int, ...]

MAX_DEPTH = 60
MAX_VALUES = 2_000_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = yaml.constructor.SafeConstructor()
_TAG = "tag:yaml.org,2002:"
_BRACKET = re.compile(r"[\[\]{}]")
_LEAD = re.compile(r"[ \t?-]*")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, and the node tree that tells where each part stands."""

    file: str
    data: Any
    node: yaml.Node | None

    def position(self, loc: Loc, *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at `loc`, or of its key. The nearest parent if it is not there."""
        node: yaml.Node | None = self.node
        at: yaml.Node | None = node
        for step in loc:
            found = _child(node, step)
            if found is None:
                break
            at = found[0] if key else found[1]
            node = found[1]
        mark = at.start_mark if at is not None else None
        return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)

    def part(self, loc: Loc) -> Document:
        """The part at `loc` as a document of its own, its positions kept."""
        node, data = self.node, self.data
        for step in loc:
            found = _child(node, step)
            node, data = found[1] if found else None, data[step]
        return Document(self.file, data, node)

    def problem(self, loc: Loc, message: str, *, key: bool = False, offset: int = 0) -> Problem:
        """A fault at `loc`; `offset` counts characters into a scalar."""
        line, column = self.position(loc, key=key)
        return Problem(self.file, line, column + offset, message)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value == str(step):
                return name, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return node.value[step], node.value[step]
    return None


def read_text(path: Path, name: str | None = None) -> str:
    """The text of a UTF-8 file.

    Raises:
        BadInput: the file is missing, unreadable or not UTF-8.
    """
    shown = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput.one(f"cannot be read: {error.strerror or error}", shown) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise BadInput.one(f"byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8", shown, line, column) from None


def parse(text: str, file: str) -> list[Document]:
    """All documents of a YAML text.

    Raises:
        BadInput: the text is not YAML, repeats a key, nests too deeply or refers to itself.
    """
    _refuse_deep(text, file)
    documents: list[Document] = []
    try:
        loader = _LOADER(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is None:
                    continue
                documents.append(Document(file, _Builder(file).build(node), node))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        found = " ".join(part for part in (error.problem, error.context) if part)
        raise BadInput.one(f"not valid YAML: {found}", file, line, column) from None
    except yaml.YAMLError as error:
        raise BadInput.one(f"not valid YAML: {' '.join(str(error).split())}", file, 1, 1) from None
    except RecursionError:
        raise BadInput.one(f"nested more than {MAX_DEPTH} levels deep", file, 1, 1) from None
    return documents


def read(path: Path, name: str | None = None) -> list[Document]:
    """All documents of a YAML file; `name` is how messages call it."""
    return parse(read_text(path, name), name or str(path))


def _refuse_deep(text: str, file: str) -> None:
    """Refuse what would overrun the stack of the C parser. Brackets inside quotes count too: 60 of them open is too many anyway."""
    deep = 0
    for found in _BRACKET.finditer(text):
        deep = deep + 1 if found.group() in "[{" else max(deep - 1, 0)
        if deep > MAX_DEPTH:
            raise _too_deep(text, found.start(), file)
    for number, line in enumerate(text.splitlines(), 1):
        lead = _LEAD.match(line)
        if lead and (lead.end() > 40 * MAX_DEPTH or lead.group().count("- ") + lead.group().count("? ") > MAX_DEPTH):
            raise BadInput.one(f"nested more than {MAX_DEPTH} levels deep", file, number, 1)


def _too_deep(text: str, at: int, file: str) -> BadInput:
    line = text.count("\n", 0, at) + 1
    return BadInput.one(f"nested more than {MAX_DEPTH} levels deep", file, line, at - text.rfind("\n", 0, at))


class _Builder:
    """Turns YAML nodes into plain data."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self.open: list[yaml.Node] = []

    def fail(self, node: yaml.Node, message: str) -> BadInput:
        return BadInput.one(message, self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: yaml.Node) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.fail(node, f"more than {MAX_VALUES} values once its aliases are written out")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if any(node is parent for parent in self.open):
            raise self.fail(node, "an alias refers to the value it stands in")
        if len(self.open) >= MAX_DEPTH:
            raise self.fail(node, f"nested more than {MAX_DEPTH} levels deep")
        self.open.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child) for child in node.value]
            return dict(self.pairs(node))
        finally:
            self.open.pop()

    def pairs(self, node: yaml.Node) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "a key must be a plain name")
            name = str(key.value)
            if name == "on" or key.tag != _TAG + "bool":
                pass
            elif key.style is None and name not in ("true", "false"):
                raise self.fail(key, f"YAML reads the bare key `{name}` as true or false; quote it: `'{name}'`")
            if name in seen:
                raise self.fail(key, f"key `{name}` stands twice in one mapping; first on line {seen[name]}")
            seen[name] = key.start_mark.line + 1
            yield name, self.build(value)

    def scalar(self, node: yaml.ScalarNode) -> Any:
        kind = node.tag.removeprefix(_TAG)
        text = str(node.value)
        try:
            if kind == "str":
                return text
            if kind == "null":
                return None
            if kind == "bool":
                return _SCALARS.construct_yaml_bool(node)
            if kind == "int":
                return text if ":" in text else _SCALARS.construct_yaml_int(node)
            if kind == "float":
                return text if ":" in text else _SCALARS.construct_yaml_float(node)
            if kind == "timestamp":
                return _SCALARS.construct_yaml_timestamp(node)
        except (ValueError, OverflowError) as error:
            raise self.fail(node, f"`{text}` cannot be read as {kind}: {error}") from None
        raise self.fail(node, f"tag `{node.tag}` is not allowed; plain values only")


def as_date(value: object) -> dt.date | None:
    """`value` as a calendar date if it is one, else None."""
    if isinstance(value, dt.datetime):
        return None
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return None
