"""Read a call written as one JSON object, `{"name": ..., "arguments": {...}}`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from typing import Any

from journeyman.templates.core.coercion import load_json
from journeyman.templates.core.cursor import Cursor, skip_space
from journeyman.templates.core.json_scan import copy_json, copy_string
from journeyman.templates.core.json_whole import take_object
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message

__all__ = ["has_plain_names", "read_arguments", "read_call_object"]

_UNSAFE = re.compile(r'["\\\x00-\x1f]')
ARGUMENT_KEYS = ("arguments", "parameters")


def has_plain_names(message: Message, tools: object) -> bool:
    """Whether a turn's calls survive where a template writes their names unescaped."""
    return not any(_UNSAFE.search(call.name) for call in message.tool_calls)


def read_arguments(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, dict[str, Any]]:
    """Read a call's JSON arguments, streaming them; anything but an object becomes a fault."""
    character = yield from skip_space(cursor)
    start = cursor.offset
    pieces: list[str] = []
    if character != "{":
        yield from copy_json(cursor, pieces.append, turn.fault)
        turn.fault("wrong_type", "the arguments are no object", start, cursor.offset)
        arguments = _load_object("".join(pieces))
        turn.argument_text(json.dumps(arguments, ensure_ascii=False))
        return arguments

    if not turn.is_streamed:
        whole = take_object(cursor)
        if whole is not None:
            return whole

    def emit(text: str) -> None:
        pieces.append(text)
        turn.argument_text(text)

    yield from copy_json(cursor, emit if turn.is_streamed else pieces.append, turn.fault)
    return _load_object("".join(pieces))


def _load_object(text: str) -> dict[str, Any]:
    """Load an object, also one that was written as JSON inside a JSON string."""
    for _ in range(2):
        try:
            value = load_json(text)
        except ValueError:
            return {}
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            return {}
        text = value
    return {}


def read_call_object(
    cursor: Cursor, turn: TurnBuilder, start: int
) -> Generator[None, None, Callable[[int], None] | None]:
    """Read one call object at the cursor; return what closes the call at an offset.

    The arguments stream as soon as the name is known. Returns None where there was no call.
    """
    name = ""
    arguments: dict[str, Any] | None = None
    early: list[str] = []
    cursor.at += 1
    has_comma = False
    while True:
        character = yield from skip_space(cursor)
        if character not in ('"', "'"):
            break
        has_comma = False
        key = yield from _take_string(cursor, turn)
        if (yield from skip_space(cursor)) != ":":
            break
        cursor.at += 1
        if key == "name" and not name:
            name = yield from _take_name(cursor, turn)
            if name:
                turn.open_call(name, start)
        elif key in ARGUMENT_KEYS and arguments is None and name:
            arguments = yield from read_arguments(cursor, turn)
        else:
            pieces = early if key in ARGUMENT_KEYS and not early else []
            yield from skip_space(cursor)
            yield from copy_json(cursor, pieces.append, turn.fault)
        if (yield from skip_space(cursor)) != ",":
            break
        cursor.at += 1
        has_comma = True
    character = yield from skip_space(cursor)
    if character == "}":
        if has_comma:
            turn.fault("bad_json", "a comma before the end", cursor.offset, cursor.offset)
        cursor.at += 1
    else:
        turn.fault("bad_json", "the call object has no end", cursor.offset, cursor.offset)
    if not name:
        turn.fault("missing_name", "the call names no tool", start, cursor.offset)
        return None
    if arguments is None:
        arguments = _load_object("".join(early))
        turn.argument_text(json.dumps(arguments, ensure_ascii=False))
        if not early:
            turn.fault("bad_json", "the call has no arguments", start, cursor.offset)
    found = arguments
    return lambda end: turn.close_call(found, end)


def _take_string(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, str]:
    pieces: list[str] = []
    yield from copy_string(cursor, pieces.append, turn.fault)
    return str(json.loads("".join(pieces)))


def _take_name(cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, str]:
    character = yield from skip_space(cursor)
    if character and character in "\"'":
        return (yield from _take_string(cursor, turn))
    yield from copy_json(cursor, lambda text: None, turn.fault)
    return ""
