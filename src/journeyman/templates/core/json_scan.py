"""Copy JSON out of a text that is still arriving, mending what can be mended.

What is emitted is always valid JSON once the value is complete, whatever was read: single quotes,
Python's `True`, raw line breaks in strings, trailing commas and missing ends are repaired and
reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from json.encoder import encode_basestring
from math import isfinite

from journeyman.templates.core.coercion import MAX_DEPTH
from journeyman.templates.core.cursor import Cursor, skip_space

__all__ = ["Emit", "Report", "copy_json", "copy_string", "read_number"]

Emit = Callable[[str], object]
Report = Callable[[str, str, int, int], object]
"""Takes kind, message, start and end of a fault."""

_PLAIN = {'"': re.compile(r'[^"\\\x00-\x1f]+'), "'": re.compile(r"[^\"'\\\x00-\x1f]+")}
_STOP = {'"': re.compile(r'["\\\x00-\x1f]').search, "'": re.compile(r"[\"'\\\x00-\x1f]").search}
_ESCAPES = re.compile(
    r'(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    r"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))+"
)
_UNICODE = re.compile(r"\\u[0-9a-fA-F]{4}")
_MAX_WORD = 512
_WORD = re.compile(rf"[^\s,:\[\]{{}}\"'<]{{0,{_MAX_WORD}}}")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,400})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_WORDS = {"True": "true", "False": "false", "None": "null"}


def copy_string(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy a quoted string, the cursor standing at its quote; False if the text ended first."""
    quote, start = cursor.text[cursor.at], cursor.offset
    if quote == "'":
        report("bad_json", "strings take double quotes", start, start + 1)
    cursor.at += 1
    emit('"')
    while True:
        match = _PLAIN[quote].match(cursor.text, cursor.at)
        if match is not None:
            emit(cursor.take(match.end()))
        if cursor.at == len(cursor.text):
            if cursor.is_closed:
                emit('"')
                report("bad_json", "the string has no end", start, cursor.offset)
                return False
            cursor.idle(_STOP[quote], emit)
            yield
            continue
        character = cursor.text[cursor.at]
        if character == quote:
            cursor.at += 1
            emit('"')
            return True
        if character == "\\":
            if not _copy_escape(cursor, emit, report):
                yield
        else:
            if character != '"':
                report("bad_json", "a raw control character", cursor.offset, cursor.offset + 1)
            emit(encode_basestring(cursor.take(cursor.at + 1))[1:-1])


def _copy_escape(cursor: Cursor, emit: Emit, report: Report) -> bool:
    """Copy the escapes at the cursor, mending bad ones; False if more text is needed."""
    match = _ESCAPES.match(cursor.text, cursor.at)
    if match is not None:
        emit(cursor.take(match.end()))
        return True
    rest = cursor.text[cursor.at : cursor.at + 12]
    if len(rest) < 12 and not cursor.is_closed and (rest == "\\" or rest[1] == "u"):
        return False
    start = cursor.offset
    if _UNICODE.match(rest):
        report("bad_json", "half of a surrogate pair", start, start + 6)
        cursor.at += 6
        emit("\\ufffd")
    elif rest.startswith("\\'"):
        report("bad_json", "no such escape", start, start + 2)
        cursor.at += 2
        emit("'")
    else:
        report("bad_json", "no such escape", start, start + 2)
        cursor.at += 1
        emit("\\\\")
    return True


def copy_json(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy one value; False where it was cut short or broken off, with its ends supplied."""
    closers: list[str] = []
    while True:
        is_whole = yield from _copy_start(cursor, emit, report, closers)
        while is_whole:
            if not closers:
                return True
            character = yield from skip_space(cursor)
            if character == ",":
                cursor.at += 1
                if (yield from skip_space(cursor)) == closers[-1]:
                    report("bad_json", "a comma before the end", cursor.offset, cursor.offset)
                    continue
                is_whole = yield from _copy_comma(cursor, emit, report, closers)
                break
            if character == closers[-1]:
                cursor.at += 1
                emit(closers.pop())
            else:
                message = "a comma or an end is missing" if character else "the value has no end"
                report("bad_json", message, cursor.offset, cursor.offset + len(character))
                is_whole = False
        if not is_whole:
            emit("".join(reversed(closers)))
            return False


def _copy_start(
    cursor: Cursor, emit: Emit, report: Report, closers: list[str]
) -> Generator[None, None, bool]:
    """Copy a scalar, or container openings down to the first scalar or empty container."""
    while True:
        character = yield from skip_space(cursor)
        if character and character in "\"'":
            return (yield from copy_string(cursor, emit, report))
        if not character or character not in "{[":
            return (yield from _copy_word(cursor, emit, report))
        if len(closers) >= MAX_DEPTH:
            report("too_deep", "nested too deeply", cursor.offset, cursor.offset + 1)
            emit("null")
            return False
        closers.append("}" if character == "{" else "]")
        emit(character)
        cursor.at += 1
        character = yield from skip_space(cursor)
        if character == closers[-1]:
            cursor.at += 1
            emit(closers.pop())
            return True
        if not character:
            report("bad_json", "the value has no end", cursor.offset, cursor.offset)
            return False
        if closers[-1] == "}" and not (yield from _copy_key(cursor, emit, report)):
            return False


def _copy_comma(
    cursor: Cursor, emit: Emit, report: Report, closers: list[str]
) -> Generator[None, None, bool]:
    """Go on behind a comma: an object's next key; True unless the value is broken there."""
    if not (yield from skip_space(cursor)):
        report("bad_json", "a comma before the end", cursor.offset, cursor.offset)
        return False
    emit(", ")
    if closers[-1] == "]":
        return True
    return (yield from _copy_key(cursor, emit, report))


def _copy_key(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy a key and its colon; where they are broken, what was emitted is still JSON."""
    if cursor.text[cursor.at] in "\"'":
        is_whole = yield from copy_string(cursor, emit, report)
    else:
        word = yield from _take_word(cursor)
        emit(json.dumps(word, ensure_ascii=False))
        report("bad_json", "a key without quotes", cursor.offset - len(word), cursor.offset)
        is_whole = bool(word)
    emit(": ")
    character = (yield from skip_space(cursor)) if is_whole else ""
    if character != ":":
        if is_whole:
            report("bad_json", "a colon is missing", cursor.offset, cursor.offset + 1)
        emit("null")
        return False
    cursor.at += 1
    return True


def _take_word(cursor: Cursor) -> Generator[None, None, str]:
    while True:
        match = _WORD.match(cursor.text, cursor.at)
        end = match.end() if match else cursor.at
        if end < len(cursor.text) or cursor.is_closed or end - cursor.at >= _MAX_WORD:
            return cursor.take(end)
        yield


def read_number(word: str) -> int | float:
    """Read a number as JSON writes it; raises `ValueError` for what a reader cannot hold."""
    if len(word) < _MAX_WORD and _NUMBER.match(word):
        if word.lstrip("-").isdigit():
            return int(word)
        value = float(word)
        if isfinite(value):
            return value
    raise ValueError("no number that a reader can hold")


def _is_number(word: str) -> bool:
    try:
        read_number(word)
    except ValueError:
        return False
    return True


def _copy_word(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy a number or a constant."""
    start = cursor.offset
    word = yield from _take_word(cursor)
    if word in ("true", "false", "null") or _is_number(word):
        emit(word)
        return True
    if word in _WORDS:
        report("bad_json", f"{word} is Python, not JSON", start, cursor.offset)
        emit(_WORDS[word])
        return True
    report("bad_json", "a value is missing or is no JSON", start, max(cursor.offset, start + 1))
    emit(json.dumps(word, ensure_ascii=False) if word else "null")
    return bool(word)
