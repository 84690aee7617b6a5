"""Read the body that Qwen3-Coder gave the world: `<function=N>`, `<parameter=K>`, values between.

Values have no escapes, so a value that holds a closing tag is ended by it only where the text
behind goes on as a call would: that recovers what was meant for every value but those that hold
a whole piece of the format's own syntax. Genuine parsers differ: most end at the first closing tag.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass

from journeyman.templates.core.cursor import WAIT, Cursor, Marks, Verdict, scan, skip_space
from journeyman.templates.core.prose import (
    end_turn,
    followed_by,
    read_stray,
    stray_emitter,
)
from journeyman.templates.core.tags import ArgumentWriter
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["FunctionTags"]

_FUNCTION = re.compile(r"<function=([^<>\n]{1,200})>")
_PARAMETER = re.compile(r"<parameter=([^<>\n]{1,200})>")
_HEADER_REACH = 220


def _header(cursor: Cursor, pattern: re.Pattern[str]) -> Generator[None, None, str]:
    """Take an opening tag; return its name, or "" where the tag is malformed (nothing taken)."""
    while True:
        match = pattern.match(cursor.text, cursor.at)
        if match is not None:
            cursor.at = match.end()
            return match.group(1).strip()
        rest = len(cursor.text) - cursor.at
        if cursor.is_closed or rest > _HEADER_REACH or "\n" in cursor.text[cursor.at :]:
            return ""
        yield


@dataclass(frozen=True)
class FunctionTags:
    """One dialect: what wraps calls, what ends a turn, whether newlines frame values."""

    opener: str = "<tool_call>"
    closer: str = "</tool_call>"
    stops: tuple[str, ...] = ("<|im_end|>", "<|endoftext|>")
    has_newlines: bool = True

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read content and calls to the end of the turn."""
        marks = Marks(self.opener, "<function=", *self.stops)
        emit = stray_emitter(cursor, turn)
        while True:
            match = yield from scan(cursor, marks, emit, _is_call)
            if match is None:
                turn.flush_space()
                return
            mark, start = match.group(), cursor.offset
            if mark in self.stops:
                yield from end_turn(cursor, turn, mark)
                return
            if mark == self.opener:
                cursor.at += len(mark)
                yield from self._read_block(cursor, turn, start)
            else:
                turn.fault("unopened_call", f"{self.opener} is missing", start, start + len(mark))
                yield from self._read_function(cursor, turn, start)
                yield from self._skip_closer(cursor)

    def _read_block(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        """Read the functions between opener and closer, the cursor standing behind the opener."""
        marks = Marks("<function=", self.closer, self.opener, *self.stops)
        num_read = 0
        first = start
        while True:
            mark = yield from read_stray(
                cursor, turn, marks, "text_in_call", "stray text in the call"
            )
            if mark == "<function=":
                yield from self._read_function(cursor, turn, first)
                num_read += 1
                first = cursor.offset
                continue
            end = cursor.offset + len(mark)
            if mark == self.closer:
                cursor.at += len(mark)
            else:
                turn.fault("unclosed_call", f"{self.closer} is missing", start, cursor.offset)
            if num_read == 0:
                turn.fault("bad_syntax", "the call holds no function", start, end)
            return

    def _read_function(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        """Read one function, the cursor standing at its opening tag."""
        opened = cursor.offset
        name = yield from _header(cursor, _FUNCTION)
        if not name:
            cursor.at += len("<function=")
            turn.fault("missing_name", "the function has no name", opened, cursor.offset)
            return
        turn.open_call(name, start)
        writer = ArgumentWriter(turn, turn.tools.get(name))
        marks = Marks("<parameter=", "</function>", self.closer, self.opener, *self.stops)
        while True:
            mark = yield from read_stray(
                cursor, turn, marks, "text_in_call", "stray text in the call"
            )
            if mark == "<parameter=":
                yield from self._read_parameter(cursor, turn, writer)
                continue
            if mark == "</function>":
                cursor.at += len(mark)
            else:
                turn.fault("unclosed_call", "</function> is missing", opened, cursor.offset)
            break
        arguments = writer.finish()
        end = cursor.offset
        if (yield from skip_space(cursor)) and (yield from self._at(cursor, self.closer)):
            end = cursor.offset + len(self.closer)
        turn.close_call(arguments, end)

    def _read_parameter(
        self, cursor: Cursor, turn: TurnBuilder, writer: ArgumentWriter
    ) -> Generator[None, None, None]:
        start = cursor.offset
        key = yield from _header(cursor, _PARAMETER)
        if not key:
            cursor.at += len("<parameter=")
            turn.fault("bad_syntax", "the parameter has no name", start, cursor.offset)
            return
        emit = writer.open(key, start)
        newline = "\n" if self.has_newlines else ""
        if newline:
            while cursor.at == len(cursor.text) and not cursor.is_closed:
                yield
            if cursor.text.startswith("\n", cursor.at):
                cursor.at += 1
        endings = ["</parameter>", "</function>", "<parameter="]
        framed = [newline + ending for ending in endings] if newline else []
        marks = Marks(*endings, *framed, *self.stops)

        def decide(cursor: Cursor, match: re.Match[str]) -> Verdict:
            return self._ends_value(cursor, match, writer)

        match = yield from scan(cursor, marks, emit, decide)
        mark = match.group() if match else ""
        if mark.endswith("</parameter>"):
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_argument", "</parameter> is missing", start, cursor.offset)
        writer.close(cursor.offset)

    def _ends_value(self, cursor: Cursor, match: re.Match[str], writer: ArgumentWriter) -> Verdict:
        mark, end = match.group().lstrip("\n"), match.end()
        if mark in self.stops:
            return followed_by(cursor, end, ("\0\0",))[0]
        if mark == "</parameter>":
            behind = ("<parameter=", "</function>", self.closer, self.opener, *self.stops)
            return followed_by(cursor, end, behind)[0]
        if mark == "</function>":
            verdict, position = followed_by(cursor, end, (self.closer,))
            if verdict and position < len(cursor.text):
                return followed_by(cursor, position, (self.opener, *self.stops))[0]
            return WAIT if verdict and not cursor.is_closed else verdict
        header = _PARAMETER.match(cursor.text, end - len(mark))
        if header is None:
            rest = cursor.text[end : end + _HEADER_REACH]
            is_open = len(rest) < _HEADER_REACH and not re.search(r"[<>\n]", rest)
            return WAIT if is_open and not cursor.is_closed else False
        return match.group().startswith("\n") and writer.lacks(header.group(1).strip())

    def _skip_closer(self, cursor: Cursor) -> Generator[None, None, None]:
        if (yield from skip_space(cursor)) and (yield from self._at(cursor, self.closer)):
            cursor.at += len(self.closer)

    def _at(self, cursor: Cursor, literal: str) -> Generator[None, None, bool]:
        while (known := cursor.has(literal)) is None:
            yield
        return known


def _is_call(cursor: Cursor, match: re.Match[str]) -> Verdict:
    """A bare `<function=` counts only with a whole tag; every other mark counts."""
    if match.group() != "<function=":
        return True
    if _FUNCTION.match(cursor.text, match.start()):
        return True
    rest = cursor.text[match.end() : match.end() + _HEADER_REACH]
    is_open = len(rest) < _HEADER_REACH and not re.search(r"[<>\n]", rest)
    return WAIT if is_open and not cursor.is_closed else False
