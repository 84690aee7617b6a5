"""Kimi K2: JSON declarations, calls as special tokens around an id and JSON arguments (§A.2).

The id carries the name: `functions.NAME:NUMBER`, numbered over the whole conversation.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="refresh")
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))[28:76]
    '<|tool_call_begin|>functions.refresh:0<|tool_cal'
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence

from journeyman.templates.core.call_object import read_arguments
from journeyman.templates.core.conversation import in_turns, pair_results
from journeyman.templates.core.cursor import Cursor, marks_of, scan
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.prose import end_turn, read_stray, stray_emitter
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["TEMPLATE"]

_END = "<|im_end|>"
_SECTION, _SECTION_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_SECTIONS = (_SECTION, "<|tool_call_section_begin|>")
_SECTION_ENDS = (_SECTION_END, "<|tool_call_section_end|>")
_CALL, _CALL_END, _ARGUMENTS = (
    "<|tool_call_begin|>",
    "<|tool_call_end|>",
    "<|tool_call_argument_begin|>",
)
_PERSONA = "You are Kimi, an AI assistant created by Moonshot AI."
_ID = re.compile(r"functions\.(.+):[0-9]+", re.DOTALL)


def _with_ids(calls: Sequence[ToolCall], first: int) -> list[ToolCall]:
    """Return the calls with ids of Kimi's form: their own, or numbered from `first`."""
    named = []
    for number, call in enumerate(calls, first):
        own = _ID.fullmatch(call.id)
        is_own = own is not None and own[1] == call.name
        call_id = call.id if is_own else f"functions.{call.name}:{number}"
        named.append(call.model_copy(update={"id": call_id}))
    return named


def _write_calls(calls: Sequence[ToolCall]) -> str:
    body = "".join(
        f"{_CALL}{call.id}{_ARGUMENTS}{dump_json(call.arguments)}{_CALL_END}" for call in calls
    )
    return f"{_SECTION}{body}{_SECTION_END}" if calls else ""


def _write_turn(message: Message) -> str:
    return message.content + _write_calls(_with_ids(message.tool_calls, 0))


def _system(name: str, text: str) -> str:
    return f"<|im_system|>{name}<|im_middle|>{text}{_END}"


def _write_results(results: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    """Write results under the ids that their calls were written with."""
    by_id = {result.tool_call_id for result in results} & {call.id for call in calls}
    found = []
    for result, call in pair_results(results, calls):
        is_known = call is not None and (call.id in by_id or not by_id)
        call_id = call.id if call is not None and is_known else result.tool_call_id
        found.append(_system(result.name or "tool", f"## Return of {call_id}\n{result.content}"))
    return "".join(found)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    parts = []
    if tools:
        listed = [tool_dictionary(tool) for tool in tools]
        separators = (",", ":")
        text = json.dumps(listed, ensure_ascii=False, separators=separators, sort_keys=True)
        parts.append(_system("tool_declare", text))
    if not messages or messages[0].role != "system":
        parts.append(_system("system", _PERSONA) + "\n")
    calls: list[ToolCall] = []
    num_calls = 0
    for turn in in_turns(messages):
        message = turn[0]
        if message.role == "tool":
            parts.append(_write_results(turn, calls))
        elif message.role == "assistant":
            calls = _with_ids(message.tool_calls, num_calls)
            num_calls += len(calls)
            body = message.content + _write_calls(calls)
            parts.append(f"<|im_assistant|>assistant<|im_middle|>{body}{_END}")
        elif message.role == "user":
            parts.append(f"<|im_user|>user<|im_middle|>{message.content}{_END}")
        else:
            parts.append(_system("system", message.content))
    return "".join(parts) + ("<|im_assistant|>assistant<|im_middle|>" if add_prompt else "")


def _read(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    marks = marks_of(*_SECTIONS, _CALL, _END)
    emit = stray_emitter(cursor, turn)
    while True:
        match = yield from scan(cursor, marks, emit)
        mark, start = match.group() if match else "", cursor.offset
        if mark in (_END, ""):
            yield from end_turn(cursor, turn, mark)
            return
        if mark == _CALL:
            turn.fault("unopened_call", f"{_SECTION} is missing", start, start + len(mark))
        else:
            cursor.at += len(mark)
        yield from _read_section(cursor, turn, start)


def _read_section(cursor: Cursor, turn: TurnBuilder, start: int) -> Generator[None, None, None]:
    marks = marks_of(_CALL, *_SECTION_ENDS, _END)
    stray = ("text_in_call", "stray text between the calls")
    while (mark := (yield from read_stray(cursor, turn, marks, *stray))) == _CALL:
        yield from _read_call(cursor, turn)
    if mark in _SECTION_ENDS:
        cursor.at += len(mark)
    else:
        turn.fault("unclosed_call", f"{_SECTION_END} is missing", start, cursor.offset)


def _read_call(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    start = cursor.offset
    cursor.at += len(_CALL)
    ends = (_CALL_END, _CALL, *_SECTION_ENDS, _END)
    pieces: list[str] = []
    match = yield from scan(cursor, marks_of(_ARGUMENTS, *ends), pieces.append)
    call_id = "".join(pieces).strip()
    name, arguments = _name(call_id), None
    if match is not None and match.group() == _ARGUMENTS:
        cursor.at += len(_ARGUMENTS)
    else:
        name = ""
    if name:
        if not _ID.fullmatch(call_id):
            turn.fault("bad_syntax", "the id is not functions.NAME:NUMBER", start, cursor.offset)
        turn.open_call(name, start, call_id)
        arguments = yield from read_arguments(cursor, turn)
    else:
        turn.fault("missing_name", "the call names no tool", start, cursor.offset)
    stray = ("text_in_call", "stray text in the call")
    mark = yield from read_stray(cursor, turn, marks_of(*ends), *stray)
    if mark == _CALL_END:
        cursor.at += len(mark)
    else:
        turn.fault("unclosed_call", f"{_CALL_END} is missing", start, cursor.offset)
    if arguments is not None:
        turn.close_call(arguments, cursor.offset)


def _name(call_id: str) -> str:
    head, colon, number = call_id.rpartition(":")
    is_numbered = bool(colon) and number.isdigit()
    return (head if is_numbered else call_id).removeprefix("functions.")


def _can_hold(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    names = [call.name for call in message.tool_calls]
    return not any(not name or name != name.strip() or "<|" in name for name in names)


TEMPLATE = ToolTemplate(
    name="kimik2",
    definition_format="JSON",
    call_format="mixed",
    source="Kimi K2",
    stop=(_END,),
    read=_read,
    write=_write,
    write_turn=_write_turn,
    delimiters=(*_SECTIONS, _CALL),
    can_hold=_can_hold,
    notes=(
        "A call's own id is written if it has the form `functions.NAME:NUMBER`; otherwise calls are "
        "numbered over the conversation, as the model was trained.",
        "Both spellings of the section tokens are read, `tool_calls_section` and "
        "`tool_call_section`.",
        "Reasoning is not written.",
    ),
)
