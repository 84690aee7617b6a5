"""Tools and messages in the OpenAI protocol's shape, which most templates print as JSON."""

from __future__ import annotations

from typing import Any

from journeyman.types import Message, ToolSpec

__all__ = ["message_dictionary", "tool_dictionary"]


def tool_dictionary(tool: ToolSpec) -> dict[str, Any]:
    """Return a tool in the wrapper that chat templates expect."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def message_dictionary(message: Message) -> dict[str, Any]:
    """Return a message with the keys that chat templates expect."""
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning:
        found["reasoning_content"] = message.reasoning
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "type": "function",
                "id": call.id,
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    for key in ("tool_call_id", "name"):
        if getattr(message, key):
            found[key] = getattr(message, key)
    return found
