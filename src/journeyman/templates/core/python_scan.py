"""Copy Python literals out of a text that is still arriving, written as JSON.

What is emitted is valid JSON once the value is complete, whatever was read. Strings may have
either quote, three of them, every escape and a raw prefix; neighbouring ones are joined. Tuples
become lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from math import isfinite

from journeyman.templates.core.coercion import MAX_DEPTH
from journeyman.templates.core.cursor import Cursor, skip_space
from journeyman.templates.core.json_scan import Emit, Report
from journeyman.templates.core.python_string import QUOTES, copy_python_string

__all__ = ["copy_python"]

_CLOSERS = {"[": "]", "(": ")", "{": "}"}
_ENDS = {"]": "]", ")": "]", "}": "}"}
_WORD = re.compile(r"[^\s,:\[\](){}\"'=<]{0,512}")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,400})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_ODD_NUMBER = re.compile(r"[+-]?[0-9.][0-9a-fA-FxXoO_.+-]{0,40}\Z")
_PREFIX = re.compile(r"[rRuUbBfF]{1,2}\Z")
_WORDS = {"True": "true", "False": "false", "None": "null"}


def copy_python(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy one literal; False where it was cut short or broken off, with its ends supplied."""
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
                    continue
                is_whole = yield from _copy_comma(cursor, emit, report, closers)
                break
            if character == closers[-1]:
                cursor.at += 1
                emit(_ENDS[closers.pop()])
            else:
                message = "a comma or an end is missing" if character else "the value has no end"
                report("bad_syntax", message, cursor.offset, cursor.offset + len(character))
                is_whole = False
        if not is_whole:
            emit("".join(_ENDS[closer] for closer in reversed(closers)))
            return False


def _copy_start(
    cursor: Cursor, emit: Emit, report: Report, closers: list[str]
) -> Generator[None, None, bool]:
    """Copy a scalar, or container openings down to the first scalar or empty container."""
    while True:
        character = yield from skip_space(cursor)
        if character not in _CLOSERS:
            return (yield from _copy_scalar(cursor, emit, report))
        if len(closers) >= MAX_DEPTH:
            report("too_deep", "nested too deeply", cursor.offset, cursor.offset + 1)
            emit("null")
            return False
        closers.append(_CLOSERS[character])
        emit("{" if character == "{" else "[")
        cursor.at += 1
        character = yield from skip_space(cursor)
        if character == closers[-1]:
            cursor.at += 1
            emit(_ENDS[closers.pop()])
            return True
        if not character:
            report("bad_syntax", "the value has no end", cursor.offset, cursor.offset)
            return False
        if closers[-1] == "}" and not (yield from _copy_key(cursor, emit, report)):
            return False


def _copy_comma(
    cursor: Cursor, emit: Emit, report: Report, closers: list[str]
) -> Generator[None, None, bool]:
    """Go on behind a comma: a dictionary's next key; True unless the value is broken there."""
    if not (yield from skip_space(cursor)):
        report("bad_syntax", "the value has no end", cursor.offset, cursor.offset)
        return False
    emit(", ")
    return True if closers[-1] != "}" else (yield from _copy_key(cursor, emit, report))


def _copy_key(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy a key and its colon; where they are broken, what was emitted is still JSON."""
    if cursor.text[cursor.at] in QUOTES:
        is_whole = yield from copy_python_string(cursor, emit, report)
    else:
        word = yield from _take_word(cursor)
        emit(json.dumps(word, ensure_ascii=False))
        start = cursor.offset - len(word)
        report("bad_syntax", "a key that is no string", start, cursor.offset)
        is_whole = bool(word)
    emit(": ")
    character = (yield from skip_space(cursor)) if is_whole else ""
    if character != ":":
        if is_whole:
            report("bad_syntax", "a colon is missing", cursor.offset, cursor.offset + 1)
        emit("null")
        return False
    cursor.at += 1
    return True


def _take_word(cursor: Cursor) -> Generator[None, None, str]:
    while True:
        match = _WORD.match(cursor.text, cursor.at)
        end = match.end() if match else cursor.at
        if end < len(cursor.text) or cursor.is_closed or end - cursor.at >= 512:
            return cursor.take(end)
        yield


def _number(word: str) -> str | None:
    """Return a number as JSON writes it; None for what is no number that a reader can hold."""
    if _NUMBER.match(word):
        is_held = word.lstrip("-").isdigit() or isfinite(float(word))
        return word if is_held else None
    if not _ODD_NUMBER.match(word):
        return None
    value: float
    try:
        value = int(word, 0)
    except ValueError:
        if word.lstrip("+-").replace("_", "").isdigit():  # 01.5 is a number in Python, 01 is not
            return None
        try:
            value = float(word)
        except ValueError:
            return None
    return json.dumps(value) if isfinite(value) else None


def _copy_scalar(cursor: Cursor, emit: Emit, report: Report) -> Generator[None, None, bool]:
    """Copy a string, a number or a constant."""
    start = cursor.offset
    word = yield from _take_word(cursor)
    is_string = cursor.at < len(cursor.text) and cursor.text[cursor.at] in QUOTES
    if is_string and (not word or _PREFIX.match(word)):
        kind = word.lower()
        if kind not in ("", "r", "u"):
            report("bad_syntax", "a string of another kind", start, cursor.offset)
        return (yield from copy_python_string(cursor, emit, report, is_raw="r" in kind))
    if word in _WORDS:
        emit(_WORDS[word])
        return True
    number = _number(word)
    if number is not None:
        emit(number)
        return True
    if word in _WORDS.values():
        report("bad_syntax", f"{word} is JSON, not Python", start, cursor.offset)
        emit(word)
        return True
    report("bad_syntax", "a value is missing or no literal", start, max(cursor.offset, start + 1))
    emit(json.dumps(word, ensure_ascii=False) if word else "null")
    return bool(word)
