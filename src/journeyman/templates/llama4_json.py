"""Llama 4 with JSON calls: JSON declarations in the first user turn, bare JSON calls (§A.2).

The words and bytes of the template that vLLM ships for the model.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
    '{"name": "read", "parameters": {"path": "a.py"}}'
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence

from journeyman.templates.core.bare_calls import BareCalls
from journeyman.templates.core.call_object import read_call_object
from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.cursor import WAIT, Cursor
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.prose import followed_by
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_STOP = ("<|eot|>", "<|eom|>")
_PERSONA = (
    "You are a helpful assistant with tool calling capabilities. Only reply with a tool call if "
    "the function exists in the library provided by the user. If it doesn't exist, just reply "
    "directly in natural language. When you receive a tool call response, use the output to "
    "format an answer to the original user question."
)
_LEAD = """\
Tools: You have access to the following tools. You might need to use one or more function/tool \
calls to fulfill the task.\x20
If none are needed, then proceed to the response.

Tool Call Syntax: You can call tools using the following syntax:
{"name": function name, "parameters": dictionary of argument name and its value}.
Separate multiple function calls by "; ". Do not use variables.
Do not include anything else when calling the tools with the syntax above.

Here is a list of functions in JSON format that you can invoke.
"""


def _write_turn(message: Message) -> str:
    calls = (
        f'{{"name": {dump_json(call.name)}, "parameters": {dump_json(call.arguments)}}}'
        for call in message.tool_calls
    )
    return message.content.strip() + "".join(calls)


def _turn(role: str, body: str, end: str = "<|eot|>") -> str:
    return f"<|header_start|>{role}<|header_end|>\n\n{body}\n{end}"


def _declare(tools: Sequence[ToolSpec]) -> str:
    listed = (json.dumps(tool_dictionary(tool), ensure_ascii=False, indent=4) for tool in tools)
    return _LEAD + "".join(f"{tool}\n\n" for tool in listed) if tools else ""


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    system, rest = split_system(messages)
    text = _PERSONA if system is None else system.strip()
    parts = ["<|begin_of_text|>", _turn("system", text), "\n"]
    lead = _declare(tools)
    if lead and (not rest or rest[0].role != "user"):
        parts.append(_turn("user", lead.rstrip()))
        lead = ""
    for message in rest:
        content = message.content.strip()
        if message.role == "tool":
            parts.append("\n" + _turn("ipython", content, "<|eom|>"))
        elif message.tool_calls:
            parts.append("\n" + _turn("assistant", _write_turn(message)))
        else:
            parts.append(_turn(message.role, lead + content))
            lead = ""
    return "".join(parts) + ("\n<|header_start|>assistant<|header_end|>\n\n" * add_prompt)


def _read_call(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    close = yield from read_call_object(cursor, turn, cursor.offset)
    if close is not None:
        close(cursor.offset)
    while True:
        is_followed, end = followed_by(cursor, cursor.at, (";",))
        if is_followed is not WAIT:
            break
        yield
    if is_followed:
        cursor.at = end


_CALLS = BareCalls(
    starts=(("{", '"name"', ":"), ("{", "'name'", ":")),
    stops=_STOP,
    read_calls=_read_call,
)

TEMPLATE = ToolTemplate(
    name="llama4_json",
    definition_format="JSON",
    call_format="JSON",
    source="Llama 4",
    stop=_STOP,
    read=_CALLS.read,
    write=_write,
    write_turn=_write_turn,
    trims_content=True,
    can_hold=_CALLS.can_hold,
    notes=(
        "The report leaves one of its templates unnamed; this is the likeliest.",
        "Several calls are written back to back, as the genuine template does, although it tells "
        "the model to put `; ` between them; both are read.",
        'Text that holds `{"name":` is read as a call.',
        "Content is trimmed. Reasoning is not written.",
    ),
)
