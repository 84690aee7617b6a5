"""Renders a conversation with a genuine Jinja chat template, as `transformers` would.

What our renderers are compared with. Not a general Jinja renderer: that is
`journeyman.templates`' own, for templates that users bring.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import jinja2
import jinja2.ext
import jinja2.sandbox

from journeyman.types import Message, ToolSpec


def _tojson(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, **options)


def _raise(message: str) -> str:
    raise jinja2.exceptions.TemplateError(message)


def environment() -> jinja2.Environment:
    """Return the environment that `transformers` compiles chat templates in."""
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = _tojson
    made.globals["raise_exception"] = _raise
    made.globals["strftime_now"] = lambda _: "2026-01-02"
    return made


def wire_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Wrap tools as the OpenAI protocol does."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def wire_message(message: Message) -> dict[str, Any]:
    """Write a message as the OpenAI protocol does, arguments as a mapping."""
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning:
        wire["reasoning_content"] = message.reasoning
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": dict(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        wire |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return wire


def render(
    source: str,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[ToolSpec],
    *,
    add_generation_prompt: bool,
    **variables: Any,
) -> str:
    """Render with a template's source; raises Jinja's own errors."""
    extra = {"tools": wire_tools(tools)} if tools else {"tools": None}
    return (
        environment()
        .from_string(source)
        .render(
            messages=messages, add_generation_prompt=add_generation_prompt, **(extra | variables)
        )
    )
