"""Read calls written in tags with bare text as values, as Qwen3-Coder, GLM and MiniMax write them.

A `TagCalls` is one dialect: a call's tags, an argument's tags, and what wraps the calls. Values have
no escapes, so a value that holds a closing tag is ended by it only where the text behind goes on as
a call would. That recovers what was meant for every value but those that hold a whole piece of the
format's own syntax; most other parsers end a value at the first closing tag.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass

from journeyman.templates.core.arguments import ArgumentWriter
from journeyman.templates.core.cursor import (
    WAIT,
    Cursor,
    Marks,
    Verdict,
    marks_of,
    scan,
    skip_space,
)
from journeyman.templates.core.prose import (
    Thinking,
    end_turn,
    followed_by,
    read_stray,
    read_thinking,
    stray_emitter,
)
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["TagCalls"]

_REACH = 256
"""How far an opening tag may run."""
_IN_CALL = ("text_in_call", "stray text in the call")


@dataclass(frozen=True)
class TagCalls:
    """One dialect. Opening tags are given by how they begin and by a pattern with groups.

    The pattern of a call has the group `name`; that of an argument `key` and, where the text says
    whether a value is bare text, `string` (`true` or `false`).
    """

    stops: tuple[str, ...]
    opener: str = "<tool_call>"
    """Wraps one or more calls; empty where nothing does."""
    closer: str = "</tool_call>"
    call_start: str = "<function="
    call_pattern: re.Pattern[str] = re.compile(r"<function=\s{0,8}(?P<name>[^<>\n]{1,200})>")
    call_end: str = "</function>"
    argument_start: str = "<parameter="
    argument_pattern: re.Pattern[str] = re.compile(r"<parameter=\s{0,8}(?P<key>[^<>\n]{1,200})>")
    argument_end: str = "</parameter>"
    has_newlines: bool = True
    """Whether a newline stands on either side of each value, and is not part of it."""
    reads_python: bool = False
    """Whether Python literals are a right way to write lists and dictionaries."""
    thinking: Thinking | None = None

    # --- the turn --------------------------------------------------------------------------

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read reasoning, content and calls to the end of the turn."""
        starts = [self.opener, self.call_start] if self.opener else [self.call_start]
        if self.thinking is not None:
            yield from read_thinking(cursor, turn, self.thinking, (*starts, *self.stops))
        marks = marks_of(*starts, *self.stops)
        emit = stray_emitter(cursor, turn)
        while True:
            match = yield from scan(cursor, marks, emit, self._is_call)
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
                if self.opener:
                    message = f"{self.opener} is missing"
                    turn.fault("unopened_call", message, start, start + len(mark))
                yield from self._read_call(cursor, turn, start)
                yield from self._skip_closer(cursor)

    def _is_call(self, cursor: Cursor, match: re.Match[str]) -> Verdict:
        """A call without its opener counts only with a whole tag; every other mark counts."""
        if match.group() != self.call_start:
            return True
        return True if not self.opener else self._is_header(cursor, match.start(), "call")

    def _is_header(self, cursor: Cursor, at: int, kind: str) -> Verdict:
        pattern = self.call_pattern if kind == "call" else self.argument_pattern
        if pattern.match(cursor.text, at):
            return True
        rest = cursor.text[at + 1 : at + _REACH]
        is_open = len(rest) < _REACH - 1 and "\n\n" not in rest
        if pattern is TagCalls.call_pattern or pattern is TagCalls.argument_pattern:
            is_open = is_open and not re.search(r"[<>\n]", rest)
        return WAIT if is_open and not cursor.is_closed else False

    # --- calls -----------------------------------------------------------------------------

    def _read_block(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        """Read the calls between opener and closer, the cursor standing behind the opener."""
        marks = marks_of(self.call_start, self.closer, self.opener, *self.stops)
        num_read, first = 0, start
        while True:
            mark = yield from read_stray(cursor, turn, marks, *_IN_CALL)
            if mark == self.call_start:
                yield from self._read_call(cursor, turn, first)
                num_read += 1
                first = cursor.offset
                continue
            end = cursor.offset + len(mark)
            if mark == self.closer:
                cursor.at += len(mark)
            else:
                turn.fault("unclosed_call", f"{self.closer} is missing", start, cursor.offset)
            if num_read == 0:
                turn.fault("bad_syntax", "there is no call in the tags", start, end)
            return

    def _read_call(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        """Read one call, the cursor standing at its opening tag."""
        opened = cursor.offset
        header = yield from self._take_header(cursor, self.call_pattern)
        name = header.group("name").strip() if header else ""
        if not name:
            if header is None:
                cursor.at += len(self.call_start)
            turn.fault("missing_name", "the call names no tool", opened, cursor.offset)
            return
        turn.open_call(name, start)
        writer = ArgumentWriter(turn, turn.tools.get(name), reads_python=self.reads_python)
        ends = [mark for mark in (self.closer, self.opener, self.call_start) if mark]
        marks = marks_of(self.argument_start, self.call_end, *ends, *self.stops)
        while True:
            mark = yield from read_stray(cursor, turn, marks, *_IN_CALL)
            if mark != self.argument_start:
                break
            yield from self._read_argument(cursor, turn, writer)
        if mark == self.call_end:
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_call", f"{self.call_end} is missing", opened, cursor.offset)
        arguments, end = writer.finish(), cursor.offset
        if self.closer and (yield from skip_space(cursor)):
            end += yield from self._distance(cursor, end)
        turn.close_call(arguments, end)

    def _distance(self, cursor: Cursor, end: int) -> Generator[None, None, int]:
        """How far the closer reaches past `end`, if it comes next; 0 where it does not."""
        while (is_next := cursor.has(self.closer)) is None:
            yield
        return cursor.offset + len(self.closer) - end if is_next else 0

    def _skip_closer(self, cursor: Cursor) -> Generator[None, None, None]:
        if self.closer and (yield from skip_space(cursor)):
            distance = yield from self._distance(cursor, cursor.offset)
            cursor.at += distance

    def _take_header(
        self, cursor: Cursor, pattern: re.Pattern[str]
    ) -> Generator[None, None, re.Match[str] | None]:
        """Take an opening tag; None where it is malformed, and nothing was taken."""
        while True:
            # A name may end where the text does; a line break stands in for what never came.
            text = cursor.text + "\n" if cursor.is_closed else cursor.text
            match = pattern.match(text, cursor.at)
            if match is not None:
                cursor.at = min(match.end(), len(cursor.text))
                return match
            if cursor.is_closed or len(cursor.text) - cursor.at > _REACH:
                return None
            yield

    # --- arguments -------------------------------------------------------------------------

    def _read_argument(
        self, cursor: Cursor, turn: TurnBuilder, writer: ArgumentWriter
    ) -> Generator[None, None, None]:
        start = cursor.offset
        header = yield from self._take_header(cursor, self.argument_pattern)
        key = header.group("key").strip() if header else ""
        if header is None or not key:
            if header is None:
                cursor.at += len(self.argument_start)
            turn.fault("bad_syntax", "the argument has no name", start, cursor.offset)
            return
        is_string = None
        if "string" in self.argument_pattern.groupindex:
            is_string = {"true": True, "false": False}.get(header.group("string") or "")
            if is_string is None:
                turn.fault("bad_syntax", "string= must be true or false", start, cursor.offset)
        emit = writer.open(key, start, is_string)
        if self.has_newlines:
            yield from _skip_newline(cursor)
        match = yield from scan(
            cursor, self._value_marks(), emit, lambda c, m: self._ends_value(c, m, writer)
        )
        mark = match.group() if match else ""
        if mark.endswith(self.argument_end):
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_argument", f"{self.argument_end} is missing", start, cursor.offset)
        writer.close(cursor.offset)

    def _value_marks(self) -> Marks:
        others = [self.call_end, self.argument_start, *([self.closer] if self.closer else [])]
        framed = ["\n" + mark for mark in others]
        if self.has_newlines:
            framed.append("\n" + self.argument_end)
        return marks_of(self.argument_end, *others, *framed, *self.stops)

    def _ends_value(self, cursor: Cursor, match: re.Match[str], writer: ArgumentWriter) -> Verdict:
        mark, end = match.group().lstrip("\n"), match.end()
        behind = [self.opener or self.call_start, *self.stops]
        if mark in self.stops:
            return followed_by(cursor, end, ("\0",))[0]
        if mark == self.argument_end:
            inside = [self.argument_start, self.call_end, *([self.closer] if self.closer else [])]
            return followed_by(cursor, end, (*inside, *behind))[0]
        if mark == self.argument_start:
            return self._begins_argument(cursor, match, writer)
        if mark == self.call_end and self.closer:
            verdict, end = followed_by(cursor, end, (self.closer, self.call_start))
            if not verdict or cursor.text.endswith(self.call_start, 0, end):
                return verdict
        return followed_by(cursor, end, behind)[0]

    def _begins_argument(
        self, cursor: Cursor, match: re.Match[str], writer: ArgumentWriter
    ) -> Verdict:
        """Whether an argument begins though the last was not closed: a declared, missing one."""
        at = match.end() - len(self.argument_start)
        verdict = match.group().startswith("\n") and self._is_header(cursor, at, "argument")
        if not verdict:
            return verdict
        header = self.argument_pattern.match(cursor.text, at)
        return header is not None and writer.lacks(header.group("key").strip())


def _skip_newline(cursor: Cursor) -> Generator[None, None, None]:
    while cursor.at == len(cursor.text) and not cursor.is_closed:
        yield
    if cursor.text.startswith("\n", cursor.at):
        cursor.at += 1
