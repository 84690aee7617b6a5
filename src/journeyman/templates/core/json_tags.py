"""Read calls written as JSON objects between tags, as Hermes and Qwen2.5 write them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from journeyman.templates.core.call_object import read_call_object
from journeyman.templates.core.cursor import Cursor, marks_of, scan, skip_space
from journeyman.templates.core.prose import end_turn, read_stray, stray_emitter
from journeyman.templates.core.thinking import Thinking, read_thinking
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["JsonTags"]

_IN_CALL = ("text_in_call", "stray text in the call")


@dataclass(frozen=True)
class JsonTags:
    """One dialect: the tags around a call, and what ends a turn."""

    opener: str = "<tool_call>"
    closer: str = "</tool_call>"
    stops: tuple[str, ...] = ("<|im_end|>", "<|endoftext|>")
    holds_many: bool = False
    """Whether several calls may stand between one pair of tags."""
    thinking: Thinking | None = None

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read reasoning, content and calls to the end of the turn."""
        marks = marks_of(self.opener, *self.stops)
        if self.thinking is not None:
            yield from read_thinking(cursor, turn, self.thinking, self.stops)
        emit = stray_emitter(cursor, turn)
        while True:
            match = yield from scan(cursor, marks, emit)
            if match is None:
                turn.flush_space()
                return
            mark = match.group()
            if mark in self.stops:
                yield from end_turn(cursor, turn, mark)
                return
            yield from self._read_block(cursor, turn)

    def _read_block(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        start = first = cursor.offset
        cursor.at += len(self.opener)
        close = None
        ends = (self.closer, self.opener, *self.stops)
        marks = marks_of(*ends, "{") if self.holds_many else marks_of(*ends)
        mark = yield from skip_space(cursor)
        if mark != "{":
            turn.fault("bad_syntax", "no JSON object in the call", start, cursor.offset)
            mark = yield from read_stray(cursor, turn, marks, *_IN_CALL)
        while mark == "{":
            close = yield from read_call_object(cursor, turn, first)
            end = cursor.offset
            mark = yield from read_stray(cursor, turn, marks, *_IN_CALL)
            if mark == "{":
                first = cursor.offset
                if close is not None:
                    close(end)
        if mark == self.closer:
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_call", f"{self.closer} is missing", start, cursor.offset)
        if close is not None:
            close(cursor.offset)
