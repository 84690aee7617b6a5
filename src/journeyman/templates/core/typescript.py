"""Declare tools as TypeScript types, byte for byte as openai-harmony does.

Its corners are kept, e.g. that a nested object repeats its description behind the property's name.

    >>> schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    >>> print(declare_namespace("functions", [ToolSpec(name="read", parameters=schema)]))
    ## functions
    <BLANKLINE>
    namespace functions {
    <BLANKLINE>
    type read = (_: {
    path: string,
    }) => any;
    <BLANKLINE>
    } // namespace functions
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from journeyman.types import ToolSpec

__all__ = ["declare_namespace", "typescript_type"]

_SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}
_MAX_DEPTH = 60

Schema = Mapping[str, Any]


def declare_namespace(name: str, tools: Sequence[ToolSpec]) -> str:
    """Declare tools as functions in a namespace; one without parameters takes nothing."""
    lines = [f"## {name}\n", f"namespace {name} {{\n"]
    for tool in tools:
        text = tool.description.removesuffix("\n")
        lines += [f"// {line}" for line in text.split("\n")] if text else []
        takes = (
            f"_: {typescript_type(tool.parameters)}" if tool.parameters.get("properties") else ""
        )
        lines.append(f"type {tool.name} = ({takes}) => any;\n")
    return "\n".join([*lines, f"}} // namespace {name}"])


def typescript_type(schema: Any, indent: str = "") -> str:
    """Write a JSON Schema as a type; `any` for what TypeScript or openai-harmony does not know."""
    if not isinstance(schema, Mapping) or len(indent) > 4 * _MAX_DEPTH:
        return "any"
    variants, kind = schema.get("oneOf"), schema.get("type")
    if isinstance(variants, list):
        return "".join(f"\n{indent} | {_variant(variant, indent)}" for variant in variants)
    if isinstance(kind, list):
        names = [name for name in kind if isinstance(name, str)]
        return " | ".join("number" if n == "integer" else n for n in names) or "any"
    if kind == "object":
        return _object(schema, indent)
    if kind == "array":
        has_items = "items" in schema
        return f"{typescript_type(schema['items'], indent)}[]" if has_items else "Array<any>"
    if kind == "string" and isinstance(schema.get("enum"), list):
        values = [f'"{value}"' for value in schema["enum"] if isinstance(value, str)]
        return " | ".join(values) or "string"
    return _SCALARS.get(kind, "any") if isinstance(kind, str) else "any"


def _object(schema: Schema, indent: str) -> str:
    properties, required = schema.get("properties"), schema.get("required") or ()
    head = _comment(schema.get("description"), indent)
    body = "".join(
        _property(f"{key}{'' if key in required else '?'}", value, indent)
        for key, value in (properties if isinstance(properties, Mapping) else {}).items()
        if isinstance(value, Mapping)
    )
    return f"{head}{{\n{body}{indent}}}"


def _property(key: str, schema: Schema, indent: str) -> str:
    head = "".join(_comments(schema, indent))
    if isinstance(schema.get("oneOf"), list):
        return head + _union_property(key, schema, indent)
    default = f" // {_default(schema)}" if "default" in schema else ""
    return f"{head}{indent}{key}: {_nullable(schema, indent + '    ')},{default}\n"


def _comments(schema: Schema, indent: str) -> Iterator[str]:
    """Yield the lines above a property: title, description and examples."""
    if isinstance(schema.get("title"), str):
        yield f"{indent}// {schema['title']}\n{indent}//\n"
    if "oneOf" not in schema:
        yield _comment(schema.get("description"), indent)
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        yield f"{indent}// Examples:\n"
        yield from (f'{indent}// - "{text}"\n' for text in examples if isinstance(text, str))


def _union_property(key: str, schema: Schema, indent: str) -> str:
    """Write a property with `oneOf`; a description that two places share is written once."""
    variants, text = schema["oneOf"], schema.get("description")
    first = variants[0].get("description") if variants else None
    is_above = isinstance(text, str) and text != first
    lines = [_comment(text, indent) if is_above else ""]
    if "default" in schema:
        lines.append(f"{indent}// {_default(schema)}\n")
    lines.append(f"{indent}{key}:\n")
    for index, variant in enumerate(variants):
        is_silent = (index == 0 and is_above) or variant.get("description") == text
        lines.append(f"{indent} | {_variant(variant, indent, is_silent=is_silent)}\n")
    return "".join(lines) + f"{indent},\n"


def _variant(schema: Schema, indent: str, *, is_silent: bool = False) -> str:
    notes = []
    if not is_silent and isinstance(schema.get("description"), str):
        notes.append(schema["description"])
    if "default" in schema:
        notes.append(_default(schema))
    return _nullable(schema, indent + "   ") + (f" // {' '.join(notes)}" if notes else "")


def _nullable(schema: Schema, indent: str) -> str:
    text = typescript_type(schema, indent)
    return f"{text} | null" if schema.get("nullable") is True and "null" not in text else text


def _default(schema: Schema) -> str:
    value = schema["default"]
    if isinstance(value, str):
        return f"default: {value}" if schema.get("enum") else f'default: "{value}"'
    return f"default: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"


def _comment(text: Any, indent: str) -> str:
    return f"{indent}// {text}\n" if isinstance(text, str) else ""
