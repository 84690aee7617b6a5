"""DeepSeek-R1 with tools: JSON declarations, calls as special tokens around fenced JSON (§A.2).

The turns are the model's own; the tool declaration is that of the template which vLLM ships for
it, because the model's own template declares none. Reasoning is read from a turn, and left out of
history as the model's template leaves it out.

    >>> from journeyman.types import Message
    >>> TEMPLATE.render([Message(role="user", content="hello")])
    '<｜begin▁of▁sentence｜><｜User｜>hello<｜Assistant｜>'
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.deepseek_tokens import (
    ASSISTANT,
    BEGIN,
    CALL_BEGIN,
    CALL_END,
    CALLS_BEGIN,
    CALLS_END,
    END,
    OUTPUT_BEGIN,
    OUTPUT_END,
    OUTPUTS_BEGIN,
    OUTPUTS_END,
    SEPARATOR,
    USER,
    DeepSeekTokens,
    join_systems,
)
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import write_thinking
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE", "write_messages"]

_DIALECT = DeepSeekTokens(is_fenced=True, thinks=True)
_INSTRUCTION = (
    "You are a helpful assistant with tool calling capabilities. When a tool call is needed, "
    "you MUST use the following format to issue the call:\n"
    f"{CALLS_BEGIN}{CALL_BEGIN}function{SEPARATOR}FUNCTION_NAME\n"
    '```json\n{"param1": "value1", "param2": "value2"}\n```'
    f"{CALL_END}{CALLS_END}\n\n"
    "Make sure the JSON is valid.## Tools\n\n### Function\n\n"
    "You have the following functions available:\n\n"
)


def write_messages(messages: Sequence[Message], add_prompt: bool) -> str:
    """Write all but the system messages, as R1 and V3 do."""
    parts: list[str] = []
    previous = "system"
    for message in messages:
        if message.role == "system":
            continue
        if previous == "tool" and message.role != "tool":
            parts.append(OUTPUTS_END)
        if message.role == "user":
            parts.append(f"{USER}{message.content}{ASSISTANT}")
        elif message.role == "assistant":
            calls = _DIALECT.write_calls(message.tool_calls)
            parts.append(message.content.rpartition("</think>")[2] + calls + END)
        else:
            parts.append("\n" if previous == "tool" else OUTPUTS_BEGIN)
            parts.append(f"{OUTPUT_BEGIN}{message.content}{OUTPUT_END}")
        previous = message.role
    if previous == "tool":
        parts.append(OUTPUTS_END)
    elif previous != "user" and add_prompt:
        parts.append(ASSISTANT)
    return "".join(parts)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    declared = "".join(f"\n```json\n{dump_json(tool_dictionary(tool))}\n```\n" for tool in tools)
    system = join_systems(messages) + (f"\n\n{_INSTRUCTION}{declared}" if tools else "")
    return BEGIN + system + write_messages(messages, add_prompt)


def _write_turn(message: Message) -> str:
    body = message.content + _DIALECT.write_calls(message.tool_calls)
    return write_thinking(message.reasoning) + body


TEMPLATE = ToolTemplate(
    name="deepseekr1",
    definition_format="JSON",
    call_format="mixed",
    source="DeepSeek-R1",
    stop=(END,),
    read=_DIALECT.read,
    write=_write,
    write_turn=_write_turn,
    delimiters=(CALLS_BEGIN, CALL_BEGIN, "<think>", "</think>"),
    keeps_reasoning=True,
    notes=(
        "The model's own template declares no tools; the declaration is that of vLLM's example.",
        "The assistant is opened right behind a user's text, so the generation prompt is empty "
        "there and behind tool results.",
        "History keeps no reasoning.",
    ),
)
