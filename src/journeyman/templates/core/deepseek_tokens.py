"""The turns and calls that DeepSeek R1, V3 and V3.1 share: special tokens around JSON arguments.

R1 and V3 write `function`, the name and a fenced JSON block; V3.1 writes the name and bare JSON.
"""

# ruff: noqa: RUF001 - the tokens are spelt with full-width bars

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from journeyman.templates.core.call_object import read_arguments
from journeyman.templates.core.cursor import Cursor, marks_of, scan, skip_space
from journeyman.templates.core.prose import end_turn, read_stray, stray_emitter
from journeyman.templates.core.thinking import read_thinking
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ToolCall

__all__ = [
    "ASSISTANT",
    "BEGIN",
    "CALLS_BEGIN",
    "CALLS_END",
    "CALL_BEGIN",
    "CALL_END",
    "END",
    "OUTPUTS_BEGIN",
    "OUTPUTS_END",
    "OUTPUT_BEGIN",
    "OUTPUT_END",
    "SEPARATOR",
    "USER",
    "DeepSeekTokens",
    "join_systems",
]

BEGIN = "<｜begin▁of▁sentence｜>"
END = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
CALLS_BEGIN = "<｜tool▁calls▁begin｜>"
CALLS_END = "<｜tool▁calls▁end｜>"
CALL_BEGIN = "<｜tool▁call▁begin｜>"
CALL_END = "<｜tool▁call▁end｜>"
OUTPUTS_BEGIN = "<｜tool▁outputs▁begin｜>"
OUTPUTS_END = "<｜tool▁outputs▁end｜>"
OUTPUT_BEGIN = "<｜tool▁output▁begin｜>"
OUTPUT_END = "<｜tool▁output▁end｜>"
SEPARATOR = "<｜tool▁sep｜>"
_FENCE = "```"
_KIND = "function"


def join_systems(messages: Sequence[Message]) -> str:
    """Return all system messages as one text: DeepSeek's templates put them first."""
    return "\n\n".join(message.content for message in messages if message.role == "system")


@dataclass(frozen=True)
class DeepSeekTokens:
    """One dialect of the calls."""

    is_fenced: bool
    """Whether calls carry the word `function` and a fence, as R1's and V3's do."""
    thinks: bool = False
    """Whether a turn may open with `<think>`."""

    def write_calls(self, calls: Sequence[ToolCall]) -> str:
        """Write the block of a turn's calls, "" for none."""
        separator = "\n" if self.is_fenced else ""
        body = separator.join(map(self._write_call, calls))
        return f"{CALLS_BEGIN}{body}{CALLS_END}" if calls else ""

    def _write_call(self, call: ToolCall) -> str:
        arguments = dump_json(call.arguments)
        if self.is_fenced:
            arguments = f"{call.name}\n{_FENCE}json\n{arguments}\n{_FENCE}"
            return f"{CALL_BEGIN}{_KIND}{SEPARATOR}{arguments}{CALL_END}"
        return f"{CALL_BEGIN}{call.name}{SEPARATOR}{arguments}{CALL_END}"

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read reasoning, content and calls to the end of the turn."""
        if self.thinks:
            yield from read_thinking(cursor, turn)
        marks = marks_of(CALLS_BEGIN, CALL_BEGIN, END)
        emit = stray_emitter(cursor, turn)
        while True:
            match = yield from scan(cursor, marks, emit)
            if match is None:
                turn.flush_space()
                return
            mark, start = match.group(), cursor.offset
            if mark == END:
                yield from end_turn(cursor, turn, END)
                return
            if mark == CALL_BEGIN:
                message = f"{CALLS_BEGIN} is missing"
                turn.fault("unopened_call", message, start, start + len(mark))
            else:
                cursor.at += len(mark)
            yield from self._read_block(cursor, turn, start)

    def _read_block(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        marks = marks_of(CALL_BEGIN, CALLS_END, END)
        while True:
            mark = yield from read_stray(
                cursor, turn, marks, "text_in_call", "stray text between the calls"
            )
            if mark == CALL_BEGIN:
                yield from self._read_call(cursor, turn)
                continue
            if mark == CALLS_END:
                cursor.at += len(mark)
            else:
                turn.fault("unclosed_call", f"{CALLS_END} is missing", start, cursor.offset)
            return

    def _read_call(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        start = cursor.offset
        cursor.at += len(CALL_BEGIN)
        name = yield from self._read_name(cursor, turn, start)
        arguments = None
        if name:
            turn.open_call(name, start)
            is_fenced = yield from self._skip_fence(cursor)
            if self.is_fenced and not is_fenced:
                turn.fault("bad_syntax", "the fence is missing", cursor.offset, cursor.offset)
            arguments = yield from read_arguments(cursor, turn)
            if is_fenced:
                yield from self._skip_fence(cursor)
        else:
            turn.fault("missing_name", "the call names no tool", start, cursor.offset)
        marks = marks_of(CALL_END, CALL_BEGIN, CALLS_END, END)
        mark = yield from read_stray(cursor, turn, marks, "text_in_call", "stray text in the call")
        if mark == CALL_END:
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_call", f"{CALL_END} is missing", start, cursor.offset)
        if arguments is not None:
            turn.close_call(arguments, cursor.offset)

    def _read_name(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, str]:
        """Read what stands before the arguments; either dialect's form, the other's reported."""
        marks = marks_of(SEPARATOR, CALL_END, CALL_BEGIN, CALLS_END, END)
        pieces: list[str] = []
        match = yield from scan(cursor, marks, pieces.append)
        head = "".join(pieces).strip()
        if match is None or match.group() != SEPARATOR:
            return ""
        cursor.at += len(SEPARATOR)
        is_fenced = head == _KIND and (yield from skip_space(cursor)) not in ("{", "")
        if is_fenced != self.is_fenced:
            message = "the call is written as another DeepSeek model writes it"
            turn.fault("bad_syntax", message, start, cursor.offset)
        if not is_fenced:
            return head
        pieces.clear()
        marks = marks_of("\n", "{", CALL_END, CALL_BEGIN, CALLS_END, END)
        yield from scan(cursor, marks, pieces.append)
        return "".join(pieces).strip()

    def _skip_fence(self, cursor: Cursor) -> Generator[None, None, bool]:
        """Move past a fence and its `json`; whether there is one."""
        yield from skip_space(cursor)
        for word in (_FENCE, "json"):
            while (known := cursor.has(word)) is None:
                yield
            if not known:
                return word != _FENCE
            cursor.at += len(word)
        return True
