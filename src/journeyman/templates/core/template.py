"""A tool chat template made of functions: how to write a conversation and how to read a turn.

Each template's module holds one `TEMPLATE = ToolTemplate(...)`; nothing else registers it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from journeyman.templates.base import StreamEvent
from journeyman.templates.core.cursor import Cursor, Reader
from journeyman.templates.core.turn import TurnBuilder, dump_json
from journeyman.types import Message, ParsedTurn, ToolSpec

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

__all__ = ["ToolTemplate", "TurnParser"]

ReadTurn = Callable[[Cursor, TurnBuilder], Reader]
WriteConversation = Callable[[Sequence[Message], Sequence[ToolSpec], bool], str]
WriteTurn = Callable[[Message], str]
CanHold = Callable[[Message, Mapping[str, ToolSpec]], bool]


def _holds_anything(message: Message, tools: Mapping[str, ToolSpec]) -> bool:
    return True


def _without_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding can carry; rare, so that looking is cheap."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text


class TurnParser:
    """Runs a template's reader over text that arrives in pieces."""

    def __init__(
        self, read: ReadTurn, tools: Sequence[ToolSpec], *, is_streamed: bool = True
    ) -> None:
        by_name: Mapping[str, ToolSpec] = {tool.name: tool for tool in tools}
        self._turn = TurnBuilder(by_name, is_streamed=is_streamed)
        self._cursor = Cursor()
        self._reader = read(self._cursor, self._turn)
        self._is_done = False

    def feed(self, delta: str) -> list[StreamEvent]:
        """Take the next piece and return what has become certain."""
        if not delta.isascii():
            delta = _without_surrogates(delta)
        cursor = self._cursor
        if cursor.stop is not None and cursor.stop(delta) is None:
            cursor.base += len(delta)
            cursor.emit(delta)
        else:
            cursor.push(delta)
            self._advance()
        return self._turn.drain()

    def read_whole(self, text: str) -> ParsedTurn:
        """Take a text of which nothing else comes, before or after; return its turn."""
        self._cursor.push(_without_surrogates(text))
        return self.close()[1]

    def close(self) -> tuple[list[StreamEvent], ParsedTurn]:
        """End the text: the last events, and the whole turn."""
        self._cursor.is_closed = True
        self._advance()
        return self._turn.drain(), self._turn.finish(self._cursor.base + len(self._cursor.text))

    def _advance(self) -> None:
        if not self._is_done:
            try:
                next(self._reader)
            except StopIteration:
                self._is_done = True
        if self._is_done:
            self._cursor.at = len(self._cursor.text)


@dataclass(frozen=True)
class ToolTemplate:
    """One tool chat template."""

    name: str
    definition_format: str
    """How tools are declared: JSON, XML, TypeScript, Python or Text."""
    call_format: str
    """How calls are written: JSON, XML, Python, mixed or Text and JSON."""
    source: str
    """The model or program whose format it is."""
    stop: tuple[str, ...]
    """Texts that end an assistant turn; a sampler stops at the first."""
    read: ReadTurn
    """Reads one assistant turn from a cursor into a turn builder."""
    write: WriteConversation
    """Writes messages and tools; the flag asks for the generation prompt."""
    write_turn: WriteTurn
    """Writes one assistant turn as a model would, from the generation prompt to the stop text."""
    is_stand_in: bool = False
    """Whether the genuine format is not public and this one is ours."""
    notes: tuple[str, ...] = ()
    """What a user should know: losses, ambiguities, differences from the original."""
    keeps_reasoning: bool = False
    """Whether reasoning survives from `render_turn` to `parse`."""
    keeps_text_with_calls: bool = True
    """Whether content beside calls survives."""
    max_calls: int = 1_000_000
    """How many calls a turn may hold."""
    delimiters: tuple[str, ...] = ()
    """Texts that neither content nor reasoning can hold, because they are read as syntax."""
    trims_content: bool = False
    """Whether content loses the white space around it even where no call follows."""
    can_hold: CanHold = _holds_anything
    """Whether a turn's calls survive, given the tools by name."""

    def can_write(self, message: Message, tools: Sequence[ToolSpec] = ()) -> bool:
        """Whether `parse` gives back exactly the turn that `render_turn` writes, without errors.

        What a format cannot represent is refused here; a few turns that would survive may be, too.
        """
        content, reasoning, calls = message.content, message.reasoning, message.tool_calls
        if reasoning and (not self.keeps_reasoning or reasoning != reasoning.strip()):
            return False
        if content and calls and not self.keeps_text_with_calls:
            return False
        if len(calls) > self.max_calls or _LONE_SURROGATE.search(dump_json(message.model_dump())):
            return False
        if (calls or self.trims_content or reasoning) and content != content.strip():
            return False
        stops = (*self.delimiters, *self.stop)
        if any(mark in text for mark in stops for text in (content, reasoning)):
            return False
        return self.can_hold(message, {tool.name: tool for tool in tools})

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        add_generation_prompt: bool = True,
    ) -> str:
        """Write a conversation as the text a model reads."""
        return self.write(messages, tools, add_generation_prompt)

    def render_turn(self, message: Message) -> str:
        """Write one assistant turn as the model would, without its stop text."""
        return self.write_turn(message)

    def parse(self, text: str, tools: Sequence[ToolSpec] = ()) -> ParsedTurn:
        """Read one assistant turn. Never raises; what is malformed becomes a `FormatError`."""
        return TurnParser(self.read, tools, is_streamed=False).read_whole(text)

    def stream(self, tools: Sequence[ToolSpec] = ()) -> TurnParser:
        """Return a parser for one assistant turn that arrives in pieces."""
        return TurnParser(self.read, tools)
