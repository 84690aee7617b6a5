"""Read turns whose calls are written in tags, as Qwen3-Coder, GLM and MiniMax write them.

A `TagCalls` is one dialect: a call's tags, its arguments' tags, and what wraps the calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from journeyman.templates.core.arguments import ArgumentWriter
from journeyman.templates.core.cursor import Cursor, Verdict, marks_of, scan, skip_space
from journeyman.templates.core.prose import end_turn, read_stray, stray_emitter
from journeyman.templates.core.tag_arguments import IN_CALL, Tag, TagArguments
from journeyman.templates.core.thinking import Thinking, read_thinking
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message, ToolSpec

__all__ = ["FUNCTION", "PARAMETER", "TagCalls"]

FUNCTION = Tag(("<function=",), re.compile(r"<function=(?P<name>[^<>\n]{1,200})>"))
PARAMETER = Tag(("<parameter=",), re.compile(r"<parameter=(?P<name>[^<>\n]{1,200})>"))


@dataclass(frozen=True)
class TagCalls:
    """One dialect."""

    stops: tuple[str, ...]
    opener: str = "<tool_call>"
    """Wraps one or more calls; empty where nothing does."""
    closer: str = "</tool_call>"
    call: Tag = FUNCTION
    call_end: str = "</function>"
    argument: Tag = PARAMETER
    argument_end: str = "</parameter>"
    has_newlines: bool = True
    """Whether a newline stands on either side of each value, and is not part of it."""
    reads_python: bool = False
    """Whether Python literals are a right way to write lists and dictionaries."""
    thinking: Thinking | None = None
    reads_cdata: bool = False
    """Whether a value may be given in CDATA sections."""
    by_tool: Mapping[str, TagArguments] = field(default_factory=dict)
    """How the arguments of single tools are read, where names are tags."""

    @cached_property
    def _arguments(self) -> TagArguments:
        return TagArguments(
            tag=self.argument,
            closer=self.argument_end,
            call_end=self.call_end,
            block_end=self.closer,
            behind=(*([self.opener] if self.opener else []), *self.call.starts),
            stops=self.stops,
            has_newlines=self.has_newlines,
            reads_cdata=self.reads_cdata,
        )

    def arguments_of(self, name: str) -> TagArguments:
        """Return how the arguments of a tool are read."""
        return self.by_tool.get(name) or self._arguments

    def can_hold(
        self,
        message: Message,
        tools: Mapping[str, ToolSpec],
        write_value: Callable[[object], str],
        *,
        says_type: bool = False,
    ) -> bool:
        """Whether a turn's calls survive being written with `write_value` and read back."""
        return all(
            self.arguments_of(call.name).can_hold(call, tools, write_value, says_type=says_type)
            for call in message.tool_calls
        )

    # --- the turn --------------------------------------------------------------------------

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Generator[None, None, None]:
        """Read reasoning, content and calls to the end of the turn."""
        starts = (*([self.opener] if self.opener else []), *self.call.starts)
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
        if not self.opener or match.group() not in self.call.starts:
            return True
        return self.call.check(cursor, match.start())

    # --- calls -----------------------------------------------------------------------------

    def _read_block(
        self, cursor: Cursor, turn: TurnBuilder, start: int
    ) -> Generator[None, None, None]:
        """Read the calls between opener and closer, the cursor standing behind the opener."""
        marks = marks_of(*self.call.starts, self.closer, self.opener, *self.stops)
        num_read, first = 0, start
        while True:
            mark = yield from read_stray(cursor, turn, marks, *IN_CALL)
            if mark in self.call.starts:
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
        header = yield from self.call.take(cursor)
        name = header.group("name").strip() if header else ""
        if not name:
            turn.fault("missing_name", "the call names no tool", opened, cursor.offset)
            return
        turn.open_call(name, start)
        writer = ArgumentWriter(turn, turn.tools.get(name), reads_python=self.reads_python)
        syntax = self.arguments_of(name)
        mark = yield from syntax.read(cursor, turn, writer)
        if mark == syntax.call_end:
            cursor.at += len(mark)
        else:
            turn.fault("unclosed_call", f"{syntax.call_end} is missing", opened, cursor.offset)
        arguments, end = writer.finish(), cursor.offset
        if self.closer and (yield from skip_space(cursor)):
            distance = yield from self._distance(cursor)
            end = cursor.offset + distance if distance else end
        turn.close_call(arguments, end)

    def _distance(self, cursor: Cursor) -> Generator[None, None, int]:
        """How far the closer reaches, if it comes next; 0 where it does not."""
        while (is_next := cursor.has(self.closer)) is None:
            yield
        return len(self.closer) if is_next else 0

    def _skip_closer(self, cursor: Cursor) -> Generator[None, None, None]:
        if self.closer and (yield from skip_space(cursor)):
            cursor.at += yield from self._distance(cursor)
