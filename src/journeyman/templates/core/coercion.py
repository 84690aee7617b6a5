"""Turn the text of an argument into the value that the tool's JSON Schema asks for.

XML-like formats write values as bare text: `6` is a number for one tool and a string for another,
and only the schema tells which.

    >>> coerce("6", {"type": "integer"})
    Coerced(value=6, is_valid=True, is_python=False)
    >>> coerce("six", {"type": "integer"})
    Coerced(value='six', is_valid=False, is_python=False)
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from journeyman.types import ToolSpec

__all__ = ["Coerced", "coerce", "is_text", "load_json", "parameter_schema", "schema_types"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
MAX_DEPTH = 100


class Coerced(NamedTuple):
    """A value, whether it fits the schema, and whether it was spelt as a Python literal."""

    value: Any
    is_valid: bool
    is_python: bool = False


def parameter_schema(tool: ToolSpec | None, name: str) -> dict[str, Any] | None:
    """Return the schema of a tool's parameter, references resolved; None if it has none."""
    if tool is None:
        return None
    properties = tool.parameters.get("properties")
    schema = properties.get(name) if isinstance(properties, Mapping) else None
    return resolve(schema, tool.parameters) if isinstance(schema, Mapping) else None


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a local `$ref` (at most 16 of them in a row)."""
    found: Any = schema
    for _ in range(16):
        reference = found.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target: Any = root
        for part in reference[2:].split("/"):
            target = target.get(part) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            break
        found = target
    return dict(found)


def schema_types(schema: Mapping[str, Any] | None, depth: int = 0) -> frozenset[str]:
    """Return the JSON types that a schema admits; empty where it admits anything."""
    if not schema or depth > 8:
        return frozenset()
    declared = schema.get("type")
    if isinstance(declared, str):
        return frozenset([declared])
    if isinstance(declared, list):
        return frozenset(name for name in declared if isinstance(name, str))
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list):
            kinds = [schema_types(b, depth + 1) for b in branches if isinstance(b, Mapping)]
            return frozenset() if not all(kinds) else frozenset().union(*kinds)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return frozenset(_TYPES.get(type(value), "object") for value in values)
    if "properties" in schema:
        return frozenset(["object"])
    return frozenset(["array"]) if "items" in schema else frozenset()


def is_text(schema: Mapping[str, Any] | None) -> bool:
    """Whether every text is taken as it is: the schema asks for a string or for nothing."""
    return schema_types(schema) <= {"string"}


def load_json(text: str) -> Any:
    """Read JSON; raises `ValueError` on whatever is not, too deep or too long a number."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("{") + text.count("[") > MAX_DEPTH and is_too_deep(value):
        raise ValueError("nested too deeply")
    return value


def is_too_deep(value: Any) -> bool:
    """Whether lists and dictionaries are nested more than `MAX_DEPTH` deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def coerce(text: str, schema: Mapping[str, Any] | None) -> Coerced:
    """Turn text into the value that `schema` asks for; the text itself where it cannot be."""
    kinds = schema_types(schema)
    if kinds <= {"string"}:
        return Coerced(text, True)
    chosen = schema.get("enum") if schema else None
    if isinstance(chosen, list) and text in [item for item in chosen if isinstance(item, str)]:
        return Coerced(text, True)
    stripped = text.strip()
    for kind in ("null", "boolean", "integer", "number", "array", "object"):
        if kind in kinds:
            found = _COERCIONS[kind](stripped)
            if found is not None:
                return found
    return Coerced(text, "string" in kinds)


def _null(text: str) -> Coerced | None:
    return Coerced(None, True) if text in ("null", "None") else None


def _boolean(text: str) -> Coerced | None:
    lowered = text.lower()
    return Coerced(lowered == "true", True) if lowered in ("true", "false") else None


def _integer(text: str) -> Coerced | None:
    value = _number(text)
    if value is None:
        return None
    number = value.value
    if isinstance(number, float):
        return Coerced(int(number), True) if number.is_integer() else None
    return value


def _number(text: str) -> Coerced | None:
    if not _NUMBER.match(text):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return (
        None
        if isinstance(value, float) and value in (float("inf"), -float("inf"))
        else Coerced(value, True)
    )


def _array(text: str) -> Coerced | None:
    return _structure(text, "[", list)


def _object(text: str) -> Coerced | None:
    return _structure(text, "{", dict)


def _structure(text: str, opening: str, kind: type) -> Coerced | None:
    if not text.startswith(opening):
        return None
    is_python = False
    try:
        value = load_json(text)
    except ValueError:
        value, is_python = _python_literal(text), True
    return Coerced(value, True, is_python) if isinstance(value, kind) else None


def _python_literal(text: str) -> Any:
    """Read a Python literal that is JSON but for its spelling; None where it is not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python keeps as they are
            value = ast.literal_eval(text)
        return None if is_too_deep(value) else json.loads(json.dumps(value))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


_COERCIONS = {
    "null": _null,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "object": _object,
}
