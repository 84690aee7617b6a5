"""Mistral Large 3 and Ministral 3: JSON declarations, calls as a name and JSON (§A.2).

Byte for byte the models' own template, without the default system prompt of the reasoning ones.

    >>> from journeyman.types import Message, ToolCall
    >>> call = ToolCall(name="read", arguments={"path": "a.py"})
    >>> TEMPLATE.render_turn(Message(role="assistant", tool_calls=(call,)))
    '[TOOL_CALLS]read[ARGS]{"path": "a.py"}'
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from journeyman.templates.core.call_object import read_arguments
from journeyman.templates.core.conversation import split_system
from journeyman.templates.core.cursor import Cursor, marks_of, scan
from journeyman.templates.core.declaration import tool_dictionary
from journeyman.templates.core.prose import end_turn, stray_emitter
from journeyman.templates.core.template import ToolTemplate
from journeyman.templates.core.thinking import Thinking, read_thinking
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolSpec

__all__ = ["TEMPLATE"]

_END, _CALL, _ID, _ARGUMENTS = "</s>", "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
_THINKING = Thinking(opener="[THINK]", closer="[/THINK]")


def _write_body(message: Message) -> str:
    calls = (
        f"{_CALL}{call.name}{_ARGUMENTS}{dump_json(call.arguments)}" for call in message.tool_calls
    )
    return message.content + "".join(calls)


def _write_turn(message: Message) -> str:
    thoughts = f"[THINK]{message.reasoning}[/THINK]" if message.reasoning else ""
    return thoughts + _write_body(message)


def _write(messages: Sequence[Message], tools: Sequence[ToolSpec], add_prompt: bool) -> str:
    system, rest = split_system(messages)
    parts = ["<s>"]
    if system is not None:
        parts.append(f"[SYSTEM_PROMPT]{system}[/SYSTEM_PROMPT]")
    if tools:
        declared = dump_json([tool_dictionary(tool) for tool in tools])
        parts.append(f"[AVAILABLE_TOOLS]{declared}[/AVAILABLE_TOOLS]")
    for message in rest:
        if message.role == "assistant":
            parts.append(_write_body(message) + _END)
        elif message.role == "tool":
            parts.append(f"[TOOL_RESULTS]{message.content}[/TOOL_RESULTS]")
        elif message.role == "user":
            parts.append(f"[INST]{message.content}[/INST]")
        else:
            parts.append(f"[SYSTEM_PROMPT]{message.content}[/SYSTEM_PROMPT]")
    return "".join(parts)


def _read(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    yield from read_thinking(cursor, turn, _THINKING, (_CALL, _END))
    marks = marks_of(_CALL, _END)
    emit = stray_emitter(cursor, turn)
    while True:
        match = yield from scan(cursor, marks, emit)
        mark = match.group() if match else ""
        if mark != _CALL:
            yield from end_turn(cursor, turn, mark)
            return
        yield from _read_call(cursor, turn)


def _read_call(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    start = cursor.offset
    cursor.at += len(_CALL)
    name, mark = yield from _read_head(cursor)
    call_id = ""
    if mark == _ID:
        cursor.at += len(mark)
        call_id, mark = yield from _read_head(cursor)
    if not name or mark not in (_ARGUMENTS, "{"):
        kind = "bad_syntax" if name else "missing_name"
        turn.fault(kind, "no name and arguments in the call", start, cursor.offset)
        return
    if mark == _ARGUMENTS:
        cursor.at += len(mark)
    else:
        turn.fault("bad_syntax", f"{_ARGUMENTS} is missing", start, cursor.offset)
    turn.open_call(name, start, call_id)
    arguments = yield from read_arguments(cursor, turn)
    turn.close_call(arguments, cursor.offset)


def _read_head(cursor: Cursor) -> Generator[None, None, tuple[str, str]]:
    """Read a name or an id; return it and the delimiter behind it."""
    pieces: list[str] = []
    match = yield from scan(cursor, marks_of(_ARGUMENTS, _ID, "{", _CALL, _END), pieces.append)
    return "".join(pieces).strip(), match.group() if match else ""


def _can_hold(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    names = [call.name for call in message.tool_calls]
    marks = (_ARGUMENTS, _ID, "{", _CALL, _END)
    are_plain = all(name and name == name.strip() for name in names)
    return are_plain and not any(mark in name for name in names for mark in marks)


TEMPLATE = ToolTemplate(
    name="mistral3",
    definition_format="JSON",
    call_format="Text and JSON",
    source="Mistral Large 3",
    stop=(_END,),
    read=_read,
    write=_write,
    write_turn=_write_turn,
    keeps_reasoning=True,
    delimiters=(_CALL, "[THINK]", "[/THINK]"),
    can_hold=_can_hold,
    notes=(
        "The generation prompt is empty: the model answers behind `[/INST]` or `[/TOOL_RESULTS]`.",
        "Results are paired with calls by their order; the ids of older generations are read.",
        "The genuine template refuses a user message right behind tool results; ours writes it.",
        "History keeps no reasoning.",
    ),
)
