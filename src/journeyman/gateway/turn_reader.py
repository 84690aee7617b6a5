"""Reads one turn of a model as it arrives: events for the client, and at the end the whole turn.

reader = TurnReader(get_template("hermes").stream(tools), "call_")
batch = reader.feed(Piece("Let me "))
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from journeyman.gateway.request import Batch, CutCall
from journeyman.models.base import Piece
from journeyman.templates.base import StreamEvent, StreamParser
from journeyman.types import FormatError, Message, ParsedTurn, ToolCall

__all__ = ["MessageParser", "PlainParser", "TurnReader"]

_NUM_ID_BYTES = 12


class PlainParser:
    """Reads text in which there is nothing to find."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def feed(self, delta: str) -> list[StreamEvent]:
        """Take the next piece."""
        self._pieces.append(delta)
        return [StreamEvent("content", delta)] if delta else []

    def close(self) -> tuple[list[StreamEvent], ParsedTurn]:
        """End the text."""
        return [], ParsedTurn(content="".join(self._pieces))


class MessageParser:
    """Tells a turn that is whole from the start."""

    def __init__(self, message: Message, errors: tuple[FormatError, ...]) -> None:
        self._events = _message_events(message)
        self._turn = ParsedTurn(
            content=message.content,
            reasoning=message.reasoning,
            calls=message.tool_calls,
            errors=errors,
        )

    def feed(self, delta: str) -> list[StreamEvent]:
        """Tell everything."""
        return self._events

    def close(self) -> tuple[list[StreamEvent], ParsedTurn]:
        """Return the turn."""
        return [], self._turn


class TurnReader:
    """Feeds a parser, names the calls, and knows which of them are whole."""

    def __init__(self, parser: StreamParser, call_prefix: str, *, keeps_pieces: bool) -> None:
        self._parser = parser
        self._prefix = call_prefix
        self._keeps_pieces = keeps_pieces
        self.call_ids: list[str] = []
        self.pieces: list[Piece] = []
        """Every piece, where they are kept."""
        self.texts: list[str] = []
        self.num_whole = 0
        """Calls that have ended."""
        self.cut_call: CutCall | None = None
        self._name = ""
        self._arguments: list[str] = []
        self._has_content = False
        self._is_shown = False

    def feed(self, piece: Piece) -> Batch:
        """Take the next piece."""
        self.texts.append(piece.text)
        if self._keeps_pieces:
            self.pieces.append(piece)
        events = self._parser.feed(piece.text) if piece.text else []
        if piece.reasoning:
            events = [StreamEvent("reasoning", piece.reasoning), *events]
        self._is_shown = self._is_shown or bool(events)
        self._note(events)
        return Batch(events, piece, self.call_ids)

    def take(self, parser: StreamParser, piece: Piece) -> Batch:
        """Take the whole turn from `parser` in place of text; of text that was told, only the calls."""
        self._parser = parser
        if self._keeps_pieces:
            self.pieces.append(piece)
        events = [it for it in parser.feed("") if it.call >= 0 or not self._is_shown]
        self._note(events)
        return Batch(list(events), piece, self.call_ids)

    def lead(self, text: str) -> Batch:
        """Take what the prompt has already written of the turn."""
        self.texts.append(text)
        events = self._parser.feed(text)
        self._note(events)
        return Batch(events, Piece(""), self.call_ids)

    def close(self, *, is_cut: bool) -> tuple[Batch, ParsedTurn]:
        """End the turn; a call that was open when it was cut stays as it is."""
        events, parsed = self._parser.close()
        if is_cut:
            num_started = len(self.call_ids)
            if num_started > self.num_whole:
                self.cut_call = CutCall(self.call_ids[-1], self._name, "".join(self._arguments))
            events = [event for event in events if event.call < 0]
            parsed = parsed.model_copy(
                update={
                    "calls": parsed.calls[: self.num_whole],
                    "call_spans": parsed.call_spans[: self.num_whole],
                }
            )
        self._note(events)
        if parsed.errors and not (self._has_content or self.call_ids or is_cut):
            # A turn that is all malformed would look empty, and the client would think it done.
            text = "".join(self.texts)
            self._has_content = True
            events = [*events, StreamEvent("content", text)]
            parsed = parsed.model_copy(update={"content": text})
        return Batch(events, Piece(""), self.call_ids), parsed

    def _note(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            if event.kind == "content":
                self._has_content = self._has_content or bool(event.text)
            elif event.kind == "call_start":
                self.call_ids.append(self._prefix + secrets.token_hex(_NUM_ID_BYTES))
                self._name = event.name
                self._arguments = []
            elif event.kind == "arguments":
                self._arguments.append(event.text)
            elif event.kind == "call_end":
                self.num_whole += 1

    def named(self, message: Message) -> tuple[Message, Message, dict[str, str]]:
        """Return the turn as the client and as the template know it, and from id to id.

        A call without an identifier of the template's own keeps the client's.
        """
        calls = message.tool_calls
        while len(self.call_ids) < len(calls):
            self.call_ids.append(self._prefix + secrets.token_hex(_NUM_ID_BYTES))
        known = [
            call.model_copy(update={"id": wire})
            for call, wire in zip(calls, self.call_ids, strict=False)
        ]
        own = [
            call if call.id else call.model_copy(update={"id": wire})
            for call, wire in zip(calls, self.call_ids, strict=False)
        ]
        wires = {wire.id: call.id for wire, call in zip(known, own, strict=True)}
        shown = message.model_copy(update={"tool_calls": tuple(known)})
        return shown, message.model_copy(update={"tool_calls": tuple(own)}), wires


def _message_events(message: Message) -> list[StreamEvent]:
    """Return the events of a turn that is whole from the start."""
    events: list[StreamEvent] = []
    if message.reasoning:
        events.append(StreamEvent("reasoning", message.reasoning))
    if message.content:
        events.append(StreamEvent("content", message.content))
    for index, call in enumerate(message.tool_calls):
        events += _call_events(index, call)
    return events


def _call_events(index: int, call: ToolCall) -> list[StreamEvent]:
    return [
        StreamEvent("call_start", call=index, name=call.name),
        StreamEvent("arguments", json.dumps(call.arguments), call=index),
        StreamEvent("call_end", call=index),
    ]
