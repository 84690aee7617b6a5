"""Read the arguments of a call that are written in tags with bare text as values.

Values have no escapes, so a value that holds a closing tag is ended by it only where the text behind
goes on as a call would. That recovers what was meant for every value but those that hold a whole
piece of the format's own syntax; most other parsers end a value at the first closing tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from journeyman.templates.core.arguments import ArgumentWriter, keeps_value
from journeyman.templates.core.cursor import (
    WAIT,
    Cursor,
    Marks,
    Verdict,
    marks_of,
    scan,
    skip_space,
)
from journeyman.templates.core.prose import followed_by, read_stray
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import ToolCall, ToolSpec

__all__ = ["CDATA_CLOSE", "CDATA_OPEN", "IN_CALL", "Tag", "TagArguments", "json_text"]

IN_CALL = ("text_in_call", "stray text in the call")
CDATA_OPEN, CDATA_CLOSE = "<![CDATA[", "]]>"
_REACH = 256
"""How far an opening tag may run."""
_SAFE_NAME = re.compile(r"[\w.:@$-]{1,100}")


def json_text(value: object) -> str:
    """Write an argument's value: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else dump_json(value)


@dataclass(frozen=True)
class Tag:
    """An opening tag: what it begins with, the whole of it, and what cannot come inside."""

    starts: tuple[str, ...]
    pattern: re.Pattern[str]
    """The whole tag, with a group `name`; on arguments perhaps `string`, `true` or `false`."""
    breaks: re.Pattern[str] = re.compile(r"[<\n]")
    """What shows, behind the first character, that this can become no such tag."""

    def check(self, cursor: Cursor, at: int) -> Verdict:
        """Whether a whole tag stands at `at`."""
        if self.pattern.match(cursor.text, at):
            return True
        return WAIT if self._is_cut(cursor, at) and not cursor.is_closed else False

    def _is_cut(self, cursor: Cursor, at: int) -> bool:
        """Whether the text ends inside what may be a tag."""
        rest = cursor.text[at + 1 : at + _REACH]
        return len(rest) < _REACH - 1 and not self.breaks.search(rest)

    def take(self, cursor: Cursor) -> Generator[None, None, re.Match[str] | None]:
        """Take the tag at which the cursor stands; None where it is malformed, its start taken."""
        while (verdict := self.check(cursor, cursor.at)) is WAIT:
            yield
        if verdict:
            match = self.pattern.match(cursor.text, cursor.at)
            cursor.at = match.end() if match else cursor.at
            return match
        if self._is_cut(cursor, cursor.at):
            # A name may end where the text does; a line break stands in for what never came.
            match = self.pattern.match(cursor.text[cursor.at :] + "\n")
            if match:
                cursor.at = min(cursor.at + match.end(), len(cursor.text))
                return match
        cursor.at += next(
            len(start) for start in self.starts if cursor.text.startswith(start, cursor.at)
        )
        return None


@dataclass(frozen=True)
class TagArguments:
    """How arguments are written, and what may stand around them."""

    tag: Tag
    closer: str
    """Ends a value; `{}` stands for the argument's name."""
    call_end: str
    block_end: str = ""
    """May stand behind `call_end`; empty where nothing wraps the calls."""
    behind: tuple[str, ...] = ()
    """What else may follow a call: the next one's opening, the end of the turn."""
    stops: tuple[str, ...] = ()
    has_newlines: bool = False
    """Whether a newline stands on either side of a value, and is not part of it."""
    reads_cdata: bool = False
    """Whether a value may be given in CDATA sections."""

    def read(
        self, cursor: Cursor, turn: TurnBuilder, writer: ArgumentWriter
    ) -> Generator[None, None, str]:
        """Read arguments up to what ends the call; return it, the cursor standing there."""
        ends = [mark for mark in (self.call_end, self.block_end) if mark]
        marks = marks_of(*self.tag.starts, *ends, *self.behind, *self.stops)
        while True:
            mark = yield from read_stray(cursor, turn, marks, *IN_CALL)
            if mark not in self.tag.starts:
                return mark
            yield from self._read_argument(cursor, turn, writer)

    def _read_argument(
        self, cursor: Cursor, turn: TurnBuilder, writer: ArgumentWriter
    ) -> Generator[None, None, None]:
        start = cursor.offset
        header = yield from self.tag.take(cursor)
        key = header.group("name").strip() if header else ""
        if header is None or not key:
            turn.fault("bad_syntax", "the argument has no name", start, cursor.offset)
            return
        is_string = None
        if "string" in self.tag.pattern.groupindex:
            is_string = {"true": True, "false": False}.get(header.group("string") or "")
            if is_string is None:
                turn.fault("bad_syntax", "string= must be true or false", start, cursor.offset)
        emit = writer.open(key, start, is_string)
        closer = self.closer.replace("{}", key)
        if self.has_newlines:
            yield from _skip_newline(cursor)
        if self.reads_cdata:
            yield from _read_cdata(cursor, emit)
        match = yield from scan(
            cursor,
            self._value_marks(closer),
            emit,
            lambda cursor, match: self._ends_value(cursor, match, closer, writer),
        )
        if match is not None and match.group().endswith(closer):
            cursor.at = match.end()
        else:
            turn.fault("unclosed_argument", f"{closer} is missing", start, cursor.offset)
        writer.close(cursor.offset)

    def _value_marks(self, closer: str) -> Marks:
        ends = [self.call_end, *([self.block_end] if self.block_end else [])]
        framed = ["\n" + mark for mark in (*ends, *self.tag.starts)]
        if self.has_newlines:
            framed.append("\n" + closer)
        return marks_of(closer, *ends, *framed, *self.stops)

    def _ends_value(
        self, cursor: Cursor, match: re.Match[str], closer: str, writer: ArgumentWriter
    ) -> Verdict:
        mark, end = match.group().lstrip("\n"), match.end()
        after_call = (*self.behind, *self.stops)
        if mark in self.stops:
            return followed_by(cursor, end, ("\0",))[0]
        if mark == closer:
            inside = [
                *self.tag.starts,
                self.call_end,
                *([self.block_end] if self.block_end else []),
            ]
            return followed_by(cursor, end, (*inside, *after_call))[0]
        if mark in self.tag.starts:
            return self._begins_argument(cursor, end - len(mark), writer)
        if mark == self.call_end and self.block_end:
            verdict, end = followed_by(cursor, end, (self.block_end, *self.behind))
            if not verdict or not cursor.text.endswith(self.block_end, 0, end):
                return verdict
        return followed_by(cursor, end, after_call or ("\0",))[0]

    def _begins_argument(self, cursor: Cursor, at: int, writer: ArgumentWriter) -> Verdict:
        """Whether an argument begins though the last was not closed: a declared, missing one."""
        verdict = self.tag.check(cursor, at)
        if not verdict:
            return verdict
        header = self.tag.pattern.match(cursor.text, at)
        return header is not None and writer.lacks(header.group("name").strip())

    # --- what can be written ---------------------------------------------------------------

    def can_hold(
        self,
        call: ToolCall,
        tools: Mapping[str, ToolSpec],
        write_value: Callable[[object], str],
        *,
        says_type: bool = False,
    ) -> bool:
        """Whether a call survives being written with `write_value` and read back."""
        if not _SAFE_NAME.fullmatch(call.name):
            return False
        tool = tools.get(call.name)
        for key, value in call.arguments.items():
            if not _SAFE_NAME.fullmatch(key) or not keeps_value(
                tool, key, value, write_value(value), says_type=says_type
            ):
                return False
            text = value if isinstance(value, str) else write_value(value)
            if not self.reads_cdata and self._hazard(key).search(
                text + "\n" + self.closer.replace("{}", key)
            ):
                return False
        return True

    def _hazard(self, key: str) -> re.Pattern[str]:
        """What in a value would be read as the end of it: syntax that goes on as a call would."""

        def any_of(*marks: str) -> str:
            return "|".join(re.escape(mark) for mark in marks if mark)

        closer = self.closer.replace("{}", key)
        after_call = any_of(*self.behind, *self.stops)
        after_value = any_of(*self.tag.starts, self.call_end, self.block_end)
        pairs = [
            rf"(?:{any_of(closer)})\s*(?:{after_value}{'|' if after_call else ''}{after_call})",
            rf"(?:{any_of(self.call_end, self.block_end)})\s*"
            rf"(?:{any_of(self.block_end, *self.behind, *self.stops) or '(?!)'})",
            rf"\n(?:{any_of(*self.tag.starts)})",
        ]
        return re.compile("|".join(pairs))


def _skip_newline(cursor: Cursor) -> Generator[None, None, None]:
    while cursor.at == len(cursor.text) and not cursor.is_closed:
        yield
    if cursor.text.startswith("\n", cursor.at):
        cursor.at += 1


def _read_cdata(cursor: Cursor, emit: Callable[[str], object]) -> Generator[None, None, None]:
    """Read the CDATA sections that a value may consist of, and white space behind them."""
    marks = marks_of(CDATA_CLOSE)
    while True:
        while (is_section := cursor.has(CDATA_OPEN)) is None:
            yield
        if not is_section:
            return
        cursor.at += len(CDATA_OPEN)
        if (yield from scan(cursor, marks, emit)) is not None:
            cursor.at += len(CDATA_CLOSE)
            yield from skip_space(cursor)
