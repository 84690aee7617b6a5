"""What a reader builds: the events of an assistant turn as they become certain, and the whole.

Content loses white space around calls (no template keeps it), so trailing white space is held back
until it is known what follows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.templates.base import StreamEvent
from journeyman.templates.core.faults import FAULTS
from journeyman.types import FormatError, ParsedTurn, ToolCall, ToolSpec

__all__ = ["TurnBuilder", "dump_json"]


def dump_json(value: object) -> str:
    """Write JSON as chat templates do: default separators, non-ASCII kept."""
    return json.dumps(value, ensure_ascii=False)


class TurnBuilder:
    """Collects events, calls and errors of one turn."""

    def __init__(self, tools: Mapping[str, ToolSpec], *, is_streamed: bool = True) -> None:
        self.tools = tools
        self.is_streamed = is_streamed
        """Whether anyone takes the events; without, only the whole turn is built."""
        self.events: list[StreamEvent] = []
        self.calls: list[ToolCall] = []
        self.strips_lead = False
        """Whether white space before the content is the template's, not the content's."""
        self._content: list[str] = []
        self._space: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_space: list[str] = []
        self._faults: list[tuple[int, int, str, str]] = []
        self._spans: list[tuple[int, int]] = []
        self._name: str | None = None
        self._start = 0
        self._id = ""
        self._pending: list[str] = []
        self._stray: tuple[int, int] | None = None

    # --- text ------------------------------------------------------------------------------

    def content(self, text: str) -> None:
        """Add to the content; trailing white space waits for what follows."""
        body = text.rstrip()
        tail = text[len(body) :]
        if body:
            space = "".join(self._space)
            self._space.clear()
            if not self._content and (self.calls or self.strips_lead):
                space, body = "", body.lstrip()
            self._content.append(space + body)
            self._add(StreamEvent(kind="content", text=space + body))
        if tail:
            self._space.append(tail)

    def stray(self, text: str, end: int) -> None:
        """Add text that ends at offset `end` to the content; an error where calls came before."""
        body = text.strip()
        if self.calls and body:
            start = end - len(text.lstrip())
            end -= len(text) - len(text.rstrip())
            if self._stray is None:
                self._stray = (start, end)
            self._stray = (self._stray[0], end)
        self.content(text)

    def _end_stray(self) -> None:
        if self._stray is not None:
            message = "text follows the call"
            self.fault("text_after_call", message, *self._stray)
            self._stray = None

    def drop_space(self) -> None:
        """Forget held white space: it only separated content from what follows."""
        self._space.clear()

    def flush_space(self) -> None:
        """Add held white space to the content after all: the turn ends in it."""
        text = "".join(self._space)
        self._space.clear()
        if text and not self.calls and (self._content or not self.strips_lead):
            self._content.append(text)
            self._add(StreamEvent(kind="content", text=text))

    def reasoning(self, text: str) -> None:
        """Add to the reasoning, which loses trailing white space."""
        body = text.rstrip()
        if body:
            body = "".join(self._reasoning_space) + body
            self._reasoning_space.clear()
            self._reasoning.append(body)
            self._add(StreamEvent(kind="reasoning", text=body))
        tail = text[len(text.rstrip()) :]
        if tail:
            self._reasoning_space.append(tail)

    @property
    def has_content(self) -> bool:
        """Whether any content other than held white space was read."""
        return bool(self._content)

    # --- calls -----------------------------------------------------------------------------

    def open_call(self, name: str, start: int, call_id: str = "") -> None:
        """Begin a call whose text starts at offset `start`."""
        self.drop_space()
        self._end_stray()
        self._name, self._start, self._id = name, start, call_id
        self._add(StreamEvent(kind="call_start", call=len(self.calls), name=name))

    def argument_text(self, text: str) -> None:
        """Add a piece of the JSON text of the open call's arguments."""
        if self.is_streamed:
            self._pending.append(text)

    def _add(self, event: StreamEvent) -> None:
        if self.is_streamed:
            self._flush_arguments()
            self.events.append(event)

    def _flush_arguments(self) -> None:
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        if text:
            self.events.append(StreamEvent("arguments", text, len(self.calls)))

    def close_call(self, arguments: dict[str, Any], end: int) -> None:
        """End the open call, whose text ends at offset `end`."""
        if self._name is None:
            return
        self._add(StreamEvent(kind="call_end", call=len(self.calls)))
        self.calls.append(ToolCall(name=self._name, arguments=arguments, id=self._id))
        self._spans.append((self._start, end))
        self._name = None

    # --- errors and the end ----------------------------------------------------------------

    def fault(self, kind: str, message: str, start: int, end: int) -> None:
        """Report a part of the text that breaks the template's rules."""
        if kind not in FAULTS:
            raise KeyError(f"unknown kind of format error {kind!r}")
        self._faults.append((start, end, kind, message))

    def drain(self) -> list[StreamEvent]:
        """Return the events since the last time."""
        if self._pending:
            self._flush_arguments()
        events, self.events = self.events, []
        return events

    def finish(self, end: int) -> ParsedTurn:
        """Return the whole turn, whose text is `end` characters long."""
        self._end_stray()
        inside = [
            (min(start, end), min(stop, end), kind, message)
            for start, stop, kind, message in self._faults
        ]
        inside.sort(key=lambda fault: fault[:3])
        errors = [
            FormatError(kind=kind, message=message, start=start, end=stop)
            for start, stop, kind, message in inside
        ]
        return ParsedTurn(
            content="".join(self._content),
            reasoning="".join(self._reasoning),
            calls=tuple(self.calls),
            errors=tuple(errors),
            call_spans=tuple(self._spans),
        )
