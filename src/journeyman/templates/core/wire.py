"""Reads conversations as other programs write them: OpenAI's shape, or our own.

Not a template: nothing here is text that a model reads. `read_conversation` takes what a
conversation file holds, either a list of messages or `{"messages": [...], "tools": [...]}`.

    >>> messages, tools = read_conversation([{"role": "user", "content": "hello"}])
    >>> messages[0].content
    'hello'
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["read_conversation", "read_message", "read_tool"]

_ROLES = {"developer": "system", "function": "tool", "ipython": "tool"}
_HINT = 'a conversation is {"messages": [{"role": ..., "content": ...}], "tools": [...]}'


def read_conversation(data: Any) -> tuple[list[Message], list[ToolSpec]]:
    """Read a whole conversation; anything else is a `JourneymanError`."""
    if isinstance(data, list):
        data = {"messages": data}
    if not isinstance(data, Mapping) or not isinstance(data.get("messages"), list):
        raise JourneymanError("this is not a conversation", _HINT)
    messages = [read_message(message) for message in data["messages"]]
    return messages, [read_tool(tool) for tool in data.get("tools") or ()]


def read_message(data: Any) -> Message:
    """Read one message."""
    if not isinstance(data, Mapping):
        raise JourneymanError(f"a message is an object, not {data!r}", _HINT)
    role = str(data.get("role", ""))
    fields = {
        "role": _ROLES.get(role, role),
        "content": _text(data.get("content")),
        "reasoning": _text(data.get("reasoning_content") or data.get("reasoning")),
        "tool_calls": tuple(_call(call) for call in data.get("tool_calls") or ()),
        "tool_call_id": data.get("tool_call_id") or "",
        "name": data.get("name") or "",
    }
    try:
        return Message.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise JourneymanError(f"a message's {where}: {first['msg']}", _HINT) from None


def read_tool(data: Any) -> ToolSpec:
    """Read one tool: OpenAI's wrapper, its inner object, or Anthropic's `input_schema`."""
    inner = data.get("function", data) if isinstance(data, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise JourneymanError("a tool needs a name", '{"name": ..., "parameters": {...}}')
    parameters = inner.get("parameters") or inner.get("input_schema")
    fields = {"name": inner["name"], "description": inner.get("description") or ""}
    try:
        return ToolSpec.model_validate(
            fields | ({"parameters": parameters} if parameters is not None else {})
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise JourneymanError(f"tool {inner['name']}: {first['msg']}", _HINT) from None


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, Mapping))
    return json.dumps(content, ensure_ascii=False)


def _call(data: Any) -> ToolCall:
    inner = data.get("function", data) if isinstance(data, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise JourneymanError("a tool call needs a name", _HINT)
    arguments = inner.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            arguments = None
    if not isinstance(arguments, dict):
        raise JourneymanError(f"the arguments of {inner['name']} are not a JSON object", _HINT)
    return ToolCall(name=inner["name"], arguments=arguments, id=str(data.get("id") or ""))
