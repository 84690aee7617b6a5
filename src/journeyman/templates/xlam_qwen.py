"""xLAM-2 on Qwen: JSON declarations, calls as one JSON list (§A.2).

The genuine chat template drops text beside calls; ours writes it before them.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
    '[{"name": "read", "arguments": {"path": "a.py"}}]'
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence

from journeyman.templates.core.bare_calls import BareCalls
from journeyman.templates.core.call_object import read_call_object
from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.cursor import Cursor, skip_space
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_STOP = ("<|im_end|>", "<|endoftext|>")
_PERSONA = "You are a helpful assistant. You are developed by Salesforce xLAM team."
_FORMAT = (
    "You have access to a set of tools. When using tools, make calls in a single JSON array: \n\n"
    '[{"name": "tool_call_name", "arguments": {"arg1": "value1", "arg2": "value2"}}, '
    "... (additional parallel tool calls as needed)]\n\n"
    "If no tool is suitable, state that explicitly. If the user's input lacks required "
    "parameters, ask for clarification. Do not interpret or respond until tool results are "
    "returned. Once they are available, process them or make additional calls if needed. For "
    "tasks that don't require tools, such as casual conversation or general advice, respond "
    "directly in plain text. The available tools are:\n\n"
)


def _write_turn(message: Message) -> str:
    content = message.content.strip()
    if not message.tool_calls:
        return content
    calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    return f"{content}\n" * bool(content) + dump_json(calls)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    system, rest = split_system(messages)
    head = f"{_PERSONA if system is None else system.strip()}\n"
    if system is None and tools:
        head += _FORMAT
    listed = (json.dumps(tool_dictionary(tool), ensure_ascii=False, indent=4) for tool in tools)
    head += "".join(f"{tool}\n\n" for tool in listed)
    parts = [f"<|im_start|>system\n{head}<|im_end|>\n"]
    for message in rest:
        body = message.content if message.role == "tool" else message.content.strip()
        if message.role == "assistant":
            body = _write_turn(message)
        parts.append(f"<|im_start|>{message.role}\n{body}<|im_end|>\n")
    return "".join(parts) + ("<|im_start|>assistant\n" if add_prompt else "")


def _read_list(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    start = first = cursor.offset
    cursor.at += 1
    has_comma = False
    while (character := (yield from skip_space(cursor))) == "{":
        close = yield from read_call_object(cursor, turn, first)
        if close is not None:
            close(cursor.offset)
        character = yield from skip_space(cursor)
        has_comma = character == ","
        if not has_comma:
            break
        cursor.at += 1
        yield from skip_space(cursor)
        first = cursor.offset
    if character == "]":
        if has_comma:
            turn.fault("bad_json", "a comma before the end", cursor.offset, cursor.offset)
        cursor.at += 1
    else:
        turn.fault("unclosed_call", "] is missing", start, cursor.offset)


_CALLS = BareCalls(
    starts=(("[", "{", '"name"', ":"), ("[", "{", "'name'", ":")),
    stops=_STOP,
    read_calls=_read_list,
)

TEMPLATE = ToolTemplate(
    name="xlam_qwen",
    definition_format="JSON",
    call_format="JSON",
    source="xLAM-2 on Qwen2.5",
    stop=_STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    trims_content=True,
    can_hold=_CALLS.can_hold,
    notes=(
        "The genuine template drops text beside calls; ours writes it before them.",
        "As in the genuine template, the format of calls is explained only where the caller gives "
        "no system prompt.",
        'Text that holds `[{"name":` is read as calls.',
        "Content is trimmed. Reasoning is not written.",
    ),
)
