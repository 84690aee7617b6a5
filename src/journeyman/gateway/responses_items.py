"""The items that a response is made of, whole or as they grow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from journeyman.gateway.responses_input import CUSTOM_INPUT

__all__ = ["Entries", "call_item", "custom_input", "message_item", "reasoning_item", "text_part"]


Entries = Sequence[dict[str, Any]]
"""An entry for each drawn token with its log-probability; none where nobody asked."""


def text_part(text: str, logprobs: Entries = ()) -> dict[str, Any]:
    """A text of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}


def message_item(
    item_id: str, text: str | None, status: str, logprobs: Entries = ()
) -> dict[str, Any]:
    """A message; without a text it has no part yet."""
    content = [] if text is None else [text_part(text, logprobs)]
    item = {"type": "message", "id": item_id, "role": "assistant", "status": status}
    return item | {"content": content}


def reasoning_item(item_id: str, text: str | None, status: str) -> dict[str, Any]:
    """What the model thought; without a text it has no part yet."""
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    item = {"type": "reasoning", "id": item_id, "summary": [], "content": content}
    return item | {"encrypted_content": None, "status": status}


def call_item(
    item_id: str, call_id: str, name: str, arguments: str, status: str, *, is_custom: bool
) -> dict[str, Any]:
    """A call; of a custom tool, `arguments` are what `custom_input` gives."""
    item = {"id": item_id, "call_id": call_id, "name": name, "status": status}
    if is_custom:
        return {"type": "custom_tool_call", **item, "input": arguments}
    return {"type": "function_call", **item, "arguments": arguments}


def custom_input(arguments: str) -> str:
    """Return the bare text in the JSON of a custom tool's arguments, as far as it came."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        return arguments
    return str(found.get(CUSTOM_INPUT, "")) if isinstance(found, dict) else arguments
