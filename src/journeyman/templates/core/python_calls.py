"""Calls written as a Python list, `[name(key="value"), other()]`: how to read and write them."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from journeyman.templates.core.bare_calls import BareCalls
from journeyman.templates.core.cursor import Cursor, skip_space
from journeyman.templates.core.python_scan import copy_python
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolCall, ToolSpec

__all__ = ["PythonCalls", "write_python_calls"]

_NAME = re.compile(r"[^\W\d][\w.-]{0,127}")
_KEY = re.compile(r"[^\W\d]\w{0,127}")


def write_python_calls(calls: Sequence[ToolCall]) -> str:
    """Write a turn's calls as one list, "" for none."""
    return f"[{', '.join(map(_write_call, calls))}]" if calls else ""


def _write_call(call: ToolCall) -> str:
    arguments = ", ".join(f"{key}={_literal(value)}" for key, value in call.arguments.items())
    return f"{call.name}({arguments})"


def _literal(value: Any) -> str:
    """Write a value as Python reads it, every text in double quotes with JSON's escapes.

    `repr` chooses the quotes by what comes later in the text. Whoever writes a token at a time cannot.
    """
    if isinstance(value, str):
        return dump_json(value)
    if isinstance(value, dict):
        pairs = (f"{_literal(key)}: {_literal(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)


class PythonCalls(BareCalls):
    """The dialect that Llama 4 and ToolACE share."""

    def __init__(self, stops: tuple[str, ...], *, trims: bool) -> None:
        starts = (("[", _NAME, "(", ")"), ("[", _NAME, "(", _KEY, "="))
        super().__init__(starts, stops, _read_list, trims)

    def can_hold(self, message: Message, tools: Mapping[str, ToolSpec]) -> bool:
        """Whether names and keys are Python's, and no content would be taken for a call."""
        keys = [key for call in message.tool_calls for key in call.arguments]
        return (
            all(_NAME.fullmatch(call.name) for call in message.tool_calls)
            and all(_KEY.fullmatch(key) for key in keys)
            and super().can_hold(message, tools)
        )


def _read_list(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
    start = cursor.offset
    cursor.at += 1
    while (character := (yield from skip_space(cursor))) != "]":
        first = start if cursor.offset - start == 1 else cursor.offset
        name = yield from _take(cursor, _NAME)
        if (yield from skip_space(cursor)) != "(" or not name:
            kind = "missing_name" if character in "()," else "bad_syntax"
            turn.fault(kind, "a call is missing", first, cursor.offset)
            return
        turn.open_call(name, first)
        arguments, is_whole = yield from _read_arguments(cursor, turn)
        turn.close_call(arguments, cursor.offset)
        character = yield from skip_space(cursor)
        if character != "]" and (character != "," or not is_whole):
            turn.fault("unclosed_call", "] is missing", start, cursor.offset)
            return
        cursor.at += character == ","
    cursor.at += 1


def _take(cursor: Cursor, pattern: re.Pattern[str]) -> Generator[None, None, str]:
    """Take a word; "" where there is none."""
    while True:
        match = pattern.match(cursor.text, cursor.at)
        end = match.end() if match else cursor.at
        if end < len(cursor.text) or cursor.is_closed:
            return cursor.take(end)
        yield


def _read_arguments(
    cursor: Cursor, turn: TurnBuilder
) -> Generator[None, None, tuple[dict[str, Any], bool]]:
    """Read a call's arguments from its parenthesis on; also whether they were closed."""
    pieces: list[str] = []
    keys: set[str] = set()

    def emit(text: str) -> None:
        pieces.append(text)
        turn.argument_text(text)

    emit("{")
    cursor.at += 1
    while (yield from skip_space(cursor)) not in (")", ""):
        start = cursor.offset
        key = yield from _take(cursor, _KEY)
        if (yield from skip_space(cursor)) != "=" or not key:
            turn.fault("bad_syntax", "an argument without a name", start, cursor.offset)
            break
        cursor.at += 1
        emit((", " if keys else "") + dump_json(key) + ": ")
        is_whole = yield from copy_python(cursor, emit, turn.fault)
        if key in keys:
            message = f"`{key}` is given twice"
            turn.fault("duplicate_argument", message, start, cursor.offset)
        keys.add(key)
        if not is_whole or (yield from skip_space(cursor)) != ",":
            break
        cursor.at += 1
    emit("}")
    is_closed = (yield from skip_space(cursor)) == ")"
    if is_closed:
        cursor.at += 1
    else:
        turn.fault("unclosed_call", ") is missing", cursor.offset, cursor.offset)
    # One level deeper than a value may be: the arguments are an object of their own.
    return json.loads("".join(pieces)), is_closed
