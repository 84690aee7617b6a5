"""The rule-based format check of §4.2.4: does a parsed turn keep to its tools' declarations?

>>> validate(ParsedTurn(calls=(ToolCall(name="fly"),)), [])[0].kind
'unknown_tool'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from journeyman.templates.core.coercion import parameter_schema, schema_types
from journeyman.types import FormatError, ParsedTurn, ToolCall, ToolSpec

__all__ = ["fits", "token_ranges", "validate"]


def validate(turn: ParsedTurn, tools: Sequence[ToolSpec]) -> tuple[FormatError, ...]:
    """Return the parser's errors and every breach of the tools' declarations, by position.

    A breach spans its whole call. What the parser reported for a call is not reported twice.
    """
    by_name = {tool.name: tool for tool in tools}
    found = list(turn.errors)
    seen = {(error.kind, error.message) for error in found}
    for index, call in enumerate(turn.calls):
        start, end = turn.call_spans[index] if index < len(turn.call_spans) else (0, 0)
        for kind, message in _breaches(call, by_name.get(call.name)):
            if (kind, message) not in seen:
                found.append(FormatError(kind=kind, message=message, start=start, end=end))
    return tuple(sorted(found, key=lambda error: (error.start, error.end)))


def _breaches(call: ToolCall, tool: ToolSpec | None) -> Iterator[tuple[str, str]]:
    if tool is None:
        yield "unknown_tool", f"no tool is named `{call.name}`"
        return
    properties = tool.parameters.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    for name in tool.parameters.get("required") or ():
        if name not in call.arguments:
            yield "missing_argument", f"`{name}` is required by `{call.name}`"
    allows_more = tool.parameters.get("additionalProperties", False)
    for name, value in call.arguments.items():
        if name in known:
            if not fits(value, parameter_schema(tool, name)):
                yield "wrong_type", f"`{name}` does not fit its schema"
        elif allows_more is False:
            yield "extra_argument", f"`{name}` is no parameter of `{call.name}`"


def fits(value: Any, schema: Mapping[str, Any] | None) -> bool:
    """Whether a value has a type and, where there is a list, one of the values of a schema."""
    if not schema:
        return True
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return False
    kinds = schema_types(schema)
    return not kinds or any(_is_of(value, kind) for kind in kinds)


def _is_of(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        if isinstance(value, float):
            return kind == "number" or value.is_integer()
        return isinstance(value, int) and not isinstance(value, bool)
    expected: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    return isinstance(value, expected.get(kind, object))


def token_ranges(
    spans: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """Map character spans to half-open token ranges through a tokenizer's offsets, in order.

    A token belongs to a span if they share a character; an empty span gets the token that holds
    it, or the last one.

        >>> token_ranges([(3, 5)], [(0, 2), (2, 4), (4, 6)])
        ((1, 3),)
    """
    return tuple(_token_range(start, end, offsets) for start, end in spans)


def _token_range(start: int, end: int, offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    stop = max(end, start + 1)
    inside = [i for i, (first, last) in enumerate(offsets) if first < stop and last > start]
    if inside:
        return inside[0], inside[-1] + 1
    return max(len(offsets) - 1, 0), len(offsets)
