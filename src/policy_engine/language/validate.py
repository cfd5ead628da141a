"""A YAML document against a pydantic model: the model, or one line for each fault with its place."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ValidationError

from policy_engine.language.problems import BadInput, Problem, unknown_name
from policy_engine.language.yamlfile import Document, Loc

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "string_pattern_mismatch": "a name of letters, digits, dots, hyphens and underscores",
}


def validate(document: Document, model: type[M]) -> M:
    """The document as `model`.

    Raises:
        BadInput: one problem for each fault, with the position of the key or value at fault.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(_problem(document, model, dict(item)) for item in error.errors(include_url=False)) from None
    except RecursionError:
        raise BadInput.one("nested too deeply", document.file, 1, 1) from None


def _problem(document: Document, model: type[BaseModel], error: dict[str, Any]) -> Problem:
    loc = _plain(document, error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        parent = _model_at(model, error["loc"][:-1])
        valid = _keys(parent) if parent else []
        return document.problem(loc, unknown_name("key", str(error["loc"][-1]), valid), key=True)
    if kind == "missing":
        return document.problem(loc[:-1], f"key `{error['loc'][-1]}` is missing")
    found = _shown(error.get("input"))
    if kind == "literal_error" or kind == "enum":
        expected = str(error["ctx"]["expected"]).replace("'", "`")
        return document.problem(loc, f"found {found}; valid: {expected}")
    if kind == "value_error":
        return document.problem(loc, str(error["ctx"]["error"]))
    expected = _EXPECTED.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    return document.problem(loc, f"found {found}; valid: {expected}")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _plain(document: Document, loc: tuple[Any, ...]) -> Loc:
    """The part of pydantic's location that is really in the file (it adds names of union members and of key checks)."""
    steps: list[str | int] = []
    data: Any = document.data
    for step in loc:
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            data = data[step]
        elif isinstance(data, dict) and f"{step}".rstrip("_") in data:
            step = f"{step}".rstrip("_")
            data = data[step]
        elif isinstance(step, str) and (step.startswith("[") or "[" in step):
            continue
        elif not isinstance(data, (dict, list)):
            break
        else:
            steps.append(step)
            break
        steps.append(step)
    return tuple(steps)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], loc: tuple[Any, ...]) -> type[BaseModel] | None:
    here: Any = model
    for step in loc:
        here = _unwrap(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = next((f for name, f in here.model_fields.items() if step in (name, f.alias)), None)
            if field is None:
                return None
            here = field.annotation
            continue
        origin, args = typing.get_origin(here), typing.get_args(here)
        if origin is dict:
            here = args[1]
        elif origin in (tuple, list) and isinstance(step, int):
            here = args[0]
    here = _unwrap(here)
    if typing.get_origin(here) in (tuple, list):
        here = _unwrap(typing.get_args(here)[0])
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _unwrap(annotation: Any) -> Any:
    while True:
        origin = typing.get_origin(annotation)
        if origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            options = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
            annotation = next((o for o in options if isinstance(_unwrap(o), type) and issubclass(_unwrap(o), BaseModel)), options[0])
        else:
            return annotation


def require_mapping(document: Document, what: str) -> None:
    """Raise `BadInput` unless the document is a mapping."""
    if not isinstance(document.data, dict):
        found = _shown(document.data)
        raise BadInput.one(f"{what} is a mapping of keys to values; found {found}", document.file, 1, 1)
