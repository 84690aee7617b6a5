"""The protocol of a tool chat template, and the events that streaming yields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from journeyman.types import Message, ParsedTurn, ToolSpec

__all__ = ["StreamEvent", "StreamParser", "Template"]


class StreamEvent(NamedTuple):
    """A piece of a turn that is certain: content, reasoning, the start of a call or its arguments.

    Concatenating the `text` of `arguments` events of one `call` gives the JSON text of its
    arguments; of `content` and `reasoning` events, the turn's content and reasoning.
    """

    kind: Literal["content", "reasoning", "call_start", "arguments", "call_end"]
    text: str = ""
    call: int = -1
    """Index of the call that the event belongs to."""
    name: str = ""
    """On `call_start`: the tool's name."""


class StreamParser(Protocol):
    """Reads a turn piece by piece; the same result as parsing it whole, however it is cut."""

    def feed(self, delta: str) -> list[StreamEvent]:
        """Take the next piece and return what has become certain."""
        ...

    def close(self) -> tuple[list[StreamEvent], ParsedTurn]:
        """End the text: the last events, and the whole turn as `Template.parse` would give it."""
        ...


class Template(Protocol):
    """How tools are declared, calls written and results wrapped as text."""

    @property
    def name(self) -> str:
        """What configs and reports call it."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end an assistant turn; a sampler stops at the first."""
        ...

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        add_generation_prompt: bool = True,
    ) -> str:
        """Write a conversation as the text a model reads."""
        ...

    def parse(self, text: str, tools: Sequence[ToolSpec] = ()) -> ParsedTurn:
        """Read one assistant turn. Never raises; what is malformed becomes a `FormatError`."""
        ...

    def stream(self, tools: Sequence[ToolSpec] = ()) -> StreamParser:
        """Return a parser for one assistant turn that arrives in pieces."""
        ...
