"""The protocol of a model: prompt in, tokens out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol, runtime_checkable

from journeyman.errors import AttributedError
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["ContextOverflowError", "Model", "Piece", "Streamer", "Tokenizer"]


class ContextOverflowError(AttributedError):
    """The prompt does not fit the model's context: the agent's doing, not the server's."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("model_refused", detail)


class Model(Protocol):
    """Anything that completes a prompt."""

    name: str
    """What reports call it."""
    reads_text: bool
    """True if it wants `Prompt.text` rendered by a template and answers with raw text; False if it
    speaks a chat protocol of its own and answers with `Completion.message`."""

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete one prompt. Raises `AttributedError` with a `model_*` cause."""
        ...

    async def close(self) -> None:
        """Release what the model holds (a server process, connections). Safe to call twice."""
        ...


@runtime_checkable
class Tokenizer(Protocol):
    """What a model that reads text may also do: turn text into its own tokens."""

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; at the start of a prompt, with what the model puts first."""
        ...


class Piece(NamedTuple):
    """A part of a completion as it is drawn; the texts of all pieces make up `Completion.text`."""

    text: str
    token_ids: tuple[int, ...] = ()
    """Empty where the model does not tell."""
    logprobs: tuple[float, ...] = ()
    """One for each of `token_ids`, or none."""
    reasoning: str = ""
    """What the model thought, where its own server tells that from `text`."""


@runtime_checkable
class Streamer(Protocol):
    """What a model may also do: hand its completion over while it draws it.

    One that speaks a chat protocol of its own may stream content and reasoning; the calls are in the
    completion.
    """

    streams_tokens: bool
    """Whether what is streamed carries tokens and log-probabilities as `Model.complete` gives them."""

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield pieces as they are drawn, and the whole completion last.

        Closing the iterator ends the drawing. Raises as `Model.complete` does.
        """
        ...
