"""Copy a Python string literal out of a text that is still arriving, written as a JSON string."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator
from json.encoder import encode_basestring

from journeyman.templates.core.cursor import Cursor, skip_space
from journeyman.templates.core.json_scan import Emit, Report

__all__ = ["QUOTES", "copy_python_string"]

QUOTES = ("'", '"')

# What JSON spells in the same way, so that code is copied in long runs.
_PLAIN = {
    "'": re.compile(r"""(?:[^'"\\\x00-\x1f]+|\\[nrtbf"\\])+"""),
    '"': re.compile(r"""(?:[^"\\\x00-\x1f]+|\\[nrtbf"\\])+"""),
}
_RAW = {quote: re.compile(r"""[^'"\\\x00-\x1f]+""") for quote in QUOTES}
_STOP = re.compile(r"""['"\\\x00-\x1f]""").search
_CODE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3}))")
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_NAME = re.compile(r"\\N\{([^{}]{1,88})\}")
_SIMPLE = {"a": "\a", "v": "\v", "'": "'", "\n": "", "n": "\n", "r": "\r", "t": "\t"}
_SIMPLE |= {"b": "\b", "f": "\f", '"': '"', "\\": "\\"}
_REACH = {"x": 4, "u": 12, "U": 10, "N": 93} | dict.fromkeys("01234567", 4)


def copy_python_string(
    cursor: Cursor, emit: Emit, report: Report, *, is_raw: bool = False
) -> Generator[None, None, bool]:
    """Copy neighbouring strings as one, the cursor standing at a quote; False if cut short."""
    emit('"')
    is_whole = yield from _copy_part(cursor, emit, report, is_raw)
    while is_whole and (yield from skip_space(cursor)) in QUOTES:
        is_whole = yield from _copy_part(cursor, emit, report, False)
    emit('"')
    return is_whole


def _take_opener(cursor: Cursor) -> Generator[None, None, str]:
    """Move past the opening quotes; return what closes the string, "" for an empty one."""
    quote = cursor.text[cursor.at]
    for opener, closer in ((quote * 3, quote * 3), (quote * 2, "")):
        while (known := cursor.has(opener)) is None:
            yield
        if known:
            cursor.at += len(opener)
            return closer
    cursor.at += 1
    return quote


def _copy_part(
    cursor: Cursor, emit: Emit, report: Report, is_raw: bool
) -> Generator[None, None, bool]:
    quote, start = cursor.text[cursor.at], cursor.offset
    closer = yield from _take_opener(cursor)
    plain = _RAW[quote] if is_raw else _PLAIN[quote]
    while closer:
        match = plain.match(cursor.text, cursor.at)
        if match is not None:
            emit(cursor.take(match.end()))
        if cursor.at == len(cursor.text):
            if cursor.is_closed:
                report("bad_syntax", "the string has no end", start, cursor.offset)
                return False
            cursor.idle(_STOP, emit)
            yield
            continue
        character = cursor.text[cursor.at]
        if character == quote and (is_end := cursor.has(closer)) is not False:
            if is_end:
                cursor.at += len(closer)
                return True
            yield
        elif character == "\\":
            if not (_copy_raw(cursor, emit) if is_raw else _copy_escape(cursor, emit, report)):
                yield
        else:
            if character in "\r\n" and closer == quote:
                report("bad_syntax", "a raw line break", cursor.offset, cursor.offset + 1)
            emit(_quoted(cursor.take(cursor.at + 1)))
    return True


def _quoted(text: str) -> str:
    return encode_basestring(text)[1:-1]


def _copy_raw(cursor: Cursor, emit: Emit) -> bool:
    """Copy a backslash and what it shields; False if more text is needed."""
    if cursor.at + 1 == len(cursor.text) and not cursor.is_closed:
        return False
    emit(_quoted(cursor.take(min(cursor.at + 2, len(cursor.text)))))
    return True


def _copy_escape(cursor: Cursor, emit: Emit, report: Report) -> bool:
    """Copy the escape at the cursor; False if more text is needed."""
    kind = cursor.text[cursor.at + 1 : cursor.at + 2]
    reach = _REACH.get(kind, 2)
    rest = cursor.text[cursor.at : cursor.at + reach]
    if len(rest) < reach and not cursor.is_closed and not (kind == "N" and "}" in rest):
        return False
    start = cursor.offset
    text, length = _decoded(rest)
    if text is None:
        if kind in _REACH:
            report("bad_syntax", "no such escape", start, start + 2)
        text, length = "\\", 1  # Python, too, keeps the backslash of an escape it does not know
    elif "\ud800" <= text <= "\udfff":
        report("bad_syntax", "half of a surrogate pair", start, start + length)
        text = "\ufffd"
    cursor.at += length
    emit(_quoted(text))
    return True


def _decoded(rest: str) -> tuple[str | None, int]:
    """Return what an escape stands for, None if nothing, and its length."""
    simple = _SIMPLE.get(rest[1:2])
    if simple is not None:
        return simple, 2
    if pair := _PAIR.match(rest):
        high, low = (int(half, 16) for half in pair.groups())
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00), pair.end()
    if code := _CODE.match(rest):
        octal = code[4]
        number = int(octal, 8) if octal else int(code[1] or code[2] or code[3], 16)
        return (chr(number) if number < 0x110000 else None), code.end()
    if name := _NAME.match(rest):
        try:
            return unicodedata.lookup(name[1]), name.end()
        except KeyError:
            return None, 1
    return None, 1
