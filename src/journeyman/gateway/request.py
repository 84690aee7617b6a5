"""A call of a model as every protocol is read into, and what comes back before it is shaped again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from journeyman.models.base import Piece
from journeyman.templates.base import StreamEvent
from journeyman.types import Message, Sampling, ToolSpec

__all__ = ["ANY_TOOL", "Batch", "CutCall", "ModelRequest", "Outcome"]

ANY_TOOL = ""
"""As `ModelRequest.forced_tool`: some tool must be called, whichever."""

SMALLEST_TOP_P = 1e-6
"""Clients may ask for 0, the likeliest token alone."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a client asks for. None leaves a setting to the gateway."""

    model: str
    protocol: str
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    text: str | None = None
    """A raw prompt in place of messages."""
    token_ids: tuple[int, ...] | None = None
    """A raw prompt's tokens in place of messages."""
    forced_tool: str | None = None
    """The tool that must be called; `ANY_TOOL` leaves the choice, None leaves it all."""
    has_parallel_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    json_schema: dict[str, Any] | None = None
    """What the whole answer must be JSON of."""
    has_logprobs: bool = False
    is_streamed: bool = False
    num_leading: int = 0
    """How many of `messages` go before what `previous_id` stands for."""
    previous_id: str = ""
    """An answer that `messages` continue, in place of the history."""
    answer_id: str = ""
    """What this answer may be continued by; empty if it shall not be kept."""
    call_prefix: str = "call_"
    """What the identifiers of calls begin with."""

    def asked_sampling(self) -> Sampling:
        """Return temperature and nucleus as the client asks for them."""
        return Sampling(
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else max(self.top_p, SMALLEST_TOP_P),
        )


@dataclass(slots=True)
class Batch:
    """What one piece of the model's text made certain."""

    events: list[StreamEvent]
    piece: Piece
    call_ids: list[str]
    """The identifiers of all calls so far, by their index; shared by all batches of a turn."""


@dataclass(frozen=True, slots=True)
class CutCall:
    """A call that the token limit cut off."""

    id: str
    name: str
    arguments: str
    """The JSON text as far as it is certain; not valid by itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole turn as the client is told of it."""

    message: Message
    """Whole calls only, with the identifiers that the client knows them by."""
    finish_reason: str
    """`stop`, `tool_calls` or `length`."""
    cut_call: CutCall | None = None
    stop_sequence: str | None = None
    """The client's own stop text that ended the turn."""
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    """How many of the prompt's tokens were kept from the turn before."""
    num_completion_tokens: int = 0
    pieces: tuple[Piece, ...] = field(default=())
    """All pieces in order, where log-probabilities were asked for."""
    model_version: str = ""
