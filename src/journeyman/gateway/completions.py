"""OpenAI's plain Completions: a raw prompt, text or tokens, that no template touches."""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import Field

from journeyman.gateway.dialect import Writer, event, new_id, openai_error
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_chat import MaxTokens, Seed, Stop, StreamOptions, read_stop
from journeyman.gateway.openai_chat_writer import token_text, usage
from journeyman.gateway.reading import Body, read_json
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.models.base import Piece

__all__ = ["Completions"]

# The protocol's own; chat has none.
_DEFAULT_MAX_TOKENS = 16

Token = Annotated[int, Field(ge=0, lt=2**32)]


class CompletionBody(Body):
    """A request."""

    model: str
    prompt: str | list[str] | list[Token] | list[list[Token]]
    max_tokens: MaxTokens | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: Stop | None = None
    seed: Seed | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    best_of: Annotated[int, Field(ge=1, le=1)] | None = None
    logprobs: int | None = Field(default=None, ge=0, le=5)
    echo: bool | None = None
    suffix: str | None = None


class Completions:
    """`POST /v1/completions`."""

    name = "openai_completions"

    def read(self, data: bytes) -> tuple[ModelRequest, Writer]:
        """Read a request's body. Raises `GatewayError`."""
        body = read_json(CompletionBody, data)
        for field, value in (("echo", body.echo), ("suffix", body.suffix)):
            if value:
                raise GatewayError("invalid_request", "is not supported", param=field)
        prompt = _single(body.prompt)
        request = ModelRequest(
            model=body.model,
            protocol=self.name,
            text=prompt if isinstance(prompt, str) else None,
            token_ids=None if isinstance(prompt, str) else prompt,
            temperature=body.temperature,
            top_p=body.top_p,
            max_tokens=body.max_tokens or _DEFAULT_MAX_TOKENS,
            stop=read_stop(body.stop),
            seed=body.seed,
            has_logprobs=body.logprobs is not None,
            is_streamed=bool(body.stream),
        )
        options = body.stream_options
        has_usage = options is not None and bool(options.include_usage)
        return request, CompletionWriter(request, has_usage=has_usage)

    def error(self, error: GatewayError) -> tuple[int, dict[str, Any]]:
        """Shape a refusal."""
        return openai_error(error)


def _single(prompt: str | list[str] | list[int] | list[list[int]]) -> str | tuple[int, ...]:
    if isinstance(prompt, str):
        return prompt
    first = prompt[0] if prompt else None
    if isinstance(first, int):
        return tuple(it for it in prompt if isinstance(it, int))
    if first is None or len(prompt) > 1:
        raise GatewayError("invalid_request", "holds not exactly one prompt", param="prompt")
    return first if isinstance(first, str) else tuple(first)


class CompletionWriter:
    """Shapes one answer."""

    ping = b": still here\n\n"

    def __init__(self, request: ModelRequest, *, has_usage: bool) -> None:
        self._request = request
        self._has_usage = has_usage
        self._length = 0
        self._frame = {
            "id": new_id("cmpl-"),
            "object": "text_completion",
            "created": int(time.time()),
            "model": request.model,
        }

    def begin(self) -> bytes:
        """Nothing comes before the text."""
        return b""

    def write(self, batch: Batch) -> bytes:
        """Write the text of a piece."""
        text = "".join(it.text for it in batch.events)
        logprobs = self._logprobs((batch.piece,))
        return event(self._frame | {"choices": [_choice(text, logprobs, None)]})

    def end(self, outcome: Outcome) -> bytes:
        """Say why it ended, and what it took where that was asked."""
        choice = _choice("", None, outcome.finish_reason)
        last = event(self._frame | {"choices": [choice]})
        if self._has_usage:
            last += event(self._frame | {"choices": [], "usage": usage(outcome)})
        return last + b"data: [DONE]\n\n"

    def fail(self, error: GatewayError) -> bytes:
        """Say what went wrong."""
        return event(openai_error(error)[1])

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """Write a completion."""
        logprobs = self._logprobs(outcome.pieces)
        choice = _choice(outcome.message.content, logprobs, outcome.finish_reason)
        return self._frame | {"choices": [choice], "usage": usage(outcome)}

    def _logprobs(self, pieces: tuple[Piece, ...]) -> dict[str, Any] | None:
        if not self._request.has_logprobs:
            return None
        found: dict[str, Any] = {"tokens": [], "token_logprobs": [], "top_logprobs": []}
        found["text_offset"] = []
        for text, value in (pair for piece in pieces for pair in token_text(piece)):
            found["tokens"].append(text)
            found["token_logprobs"].append(value)
            found["top_logprobs"].append({text: value})
            found["text_offset"].append(self._length)
            self._length += len(text)
        return found


def _choice(
    text: str, logprobs: dict[str, Any] | None, finish_reason: str | None
) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}
