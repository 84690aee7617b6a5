"""DeepSeek-V3.1 without thinking: declarations as text, calls as special tokens and JSON (§A.2).

>>> from journeyman.types import Message, ToolCall
>>> call = ToolCall(name="refresh")
>>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
'<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>refresh<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
"""

from __future__ import annotations

from collections.abc import Sequence

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
    SEPARATOR,
    USER,
    DeepSeekTokens,
    join_systems,
)
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_DIALECT = DeepSeekTokens(is_fenced=False)
_OPENING = f"{ASSISTANT}</think>"
_FORMAT = f"""
IMPORTANT: ALWAYS adhere to this exact format for tool use:
{CALLS_BEGIN}{CALL_BEGIN}tool_call_name{SEPARATOR}tool_call_arguments{CALL_END}\
{{{{additional_tool_calls}}}}{CALLS_END}

Where:

- `tool_call_name` must be an exact match to one of the available tools
- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
- For multiple tool calls, chain them directly without separators or spaces
"""


def _declare(tool: ToolSpec) -> str:
    schema = dump_json(tool.parameters)
    return f"\n### {tool.name}\nDescription: {tool.description}\n\nParameters: {schema}\n"


def _system(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
    text = join_systems(messages)
    if not tools:
        return text
    declared = "".join(map(_declare, tools))
    return f"{text}\n\n## Tools\nYou have access to the following tools:\n{declared}{_FORMAT}"


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    parts = [BEGIN, _system(messages, tools)]
    previous = "system"
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "user":
            parts.append(USER + message.content)
        elif message.role == "tool":
            parts.append(f"{OUTPUT_BEGIN}{message.content}{OUTPUT_END}")
        else:
            parts.append(_OPENING if previous == "user" else "")
            parts.append(_write_turn(message) + END)
        previous = message.role
    if add_prompt and previous == "user":
        parts.append(_OPENING)
    return "".join(parts)


def _write_turn(message: Message) -> str:
    return message.content + _DIALECT.write_calls(message.tool_calls)


TEMPLATE = ToolTemplate(
    name="deepseekv31",
    definition_format="Text",
    call_format="mixed",
    source="DeepSeek-V3.1",
    stop=(END,),
    read=_DIALECT.read,
    write=_write,
    write_turn=_write_turn,
    delimiters=(CALLS_BEGIN, CALL_BEGIN),
    notes=(
        "The non-thinking mode: a turn is opened by `</think>`, and reasoning is not written.",
        "Behind tool results the model goes on without being opened again.",
    ),
)
