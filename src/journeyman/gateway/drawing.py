"""Draws one turn from a model and tells of it as it goes.

completion, parsed = await Drawing(model, template, request, emit).run(prompt, sampling, lead)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from journeyman.errors import AttributedError
from journeyman.gateway.request import Batch, ModelRequest
from journeyman.gateway.turn_reader import MessageParser, PlainParser, TurnReader
from journeyman.models.base import Model, Piece, Streamer
from journeyman.templates import ToolTemplate
from journeyman.types import Completion, ParsedTurn, Prompt, Sampling

__all__ = ["Drawing", "Emit"]

Emit = Callable[[Batch], Awaitable[None]]


class Drawing:
    """One turn on its way from the model to the client."""

    def __init__(
        self,
        model: Model,
        template: ToolTemplate | None,
        request: ModelRequest,
        emit: Emit | None,
        *,
        needs_tokens: bool,
    ) -> None:
        self._model = model
        self._needs_tokens = needs_tokens or request.has_logprobs
        self._template = template if request.messages else None
        self._request = request
        self._emit = emit
        self._is_single = not request.has_parallel_calls
        parser = self._template.stream(request.tools) if self._template else PlainParser()
        keeps = request.has_logprobs or self._is_single
        self.reader = TurnReader(parser, request.call_prefix, keeps_pieces=keeps)

    async def run(
        self, prompt: Prompt, sampling: Sampling, lead: str
    ) -> tuple[Completion, ParsedTurn]:
        """Draw the turn; `lead` is what the prompt has written of it already.

        Raises `AttributedError` with a `model_*` cause.
        """
        if lead:
            await self._tell(self.reader.lead(lead))
        async with aclosing(self._items(prompt, sampling)) as items:
            async for item in items:
                if isinstance(item, Completion):
                    return item, await self._close(item)
                batch = self.reader.feed(item)
                if self._is_single and _drop_second(batch):
                    await self._tell(batch)
                    return self._first_call(lead)
                await self._tell(batch)
        raise AttributedError("model_unreachable", "the stream ended without its completion")

    async def _items(
        self, prompt: Prompt, sampling: Sampling
    ) -> AsyncGenerator[Piece | Completion, None]:
        model = self._model
        # Exact tokens go before an early sight of them, where there is not both.
        if isinstance(model, Streamer) and (model.streams_tokens or not self._needs_tokens):
            stream = model.stream(prompt, sampling)
            async with aclosing(cast("AsyncGenerator[Piece | Completion, None]", stream)) as items:
                async for item in items:
                    yield item
            return
        done = await model.complete(prompt, sampling)
        if done.message is None:
            yield Piece(done.text, done.token_ids, done.logprobs)
        yield done

    async def _close(self, done: Completion) -> ParsedTurn:
        if done.finish_reason == "error":
            raise AttributedError("model_unreachable", "the model ended with an error")
        if done.message is not None:
            # The model's own server has parsed it.
            parser = MessageParser(done.message, done.format_errors)
            piece = Piece("", done.token_ids, done.logprobs)
            batch = self.reader.take(parser, piece)
            if self._is_single:
                _drop_second(batch)
            await self._tell(batch)
        batch, parsed = self.reader.close(is_cut=done.finish_reason == "length")
        if self._is_single:
            _drop_second(batch)
            parsed = parsed.model_copy(update={"calls": parsed.calls[:1]})
        await self._tell(batch)
        return parsed

    def _first_call(self, lead: str) -> tuple[Completion, ParsedTurn]:
        """End the turn behind its first call, at the nearest border of a token."""
        assert self._template is not None
        text = "".join(self.reader.texts)
        end = self._template.parse(text, self._request.tools).call_spans[0][1]
        kept: list[Piece] = []
        length = len(lead)
        for piece in self.reader.pieces:
            if length >= end:
                break
            kept.append(piece)
            length += len(piece.text)
        self.reader.pieces[:] = kept
        tokens = tuple(token for piece in kept for token in piece.token_ids)
        completion = Completion(
            text="".join(piece.text for piece in kept),
            token_ids=tokens,
            logprobs=tuple(value for piece in kept for value in piece.logprobs),
            num_completion_tokens=len(tokens) or len(kept),
        )
        parsed = self._template.parse(lead + completion.text, self._request.tools)
        return completion, parsed.model_copy(update={"calls": parsed.calls[:1]})

    async def _tell(self, batch: Batch) -> None:
        if self._emit is not None and (batch.events or self._request.has_logprobs):
            await self._emit(batch)


def _drop_second(batch: Batch) -> bool:
    """Take everything from the second call on out of a batch; whether there was any."""
    first = next((i for i, event in enumerate(batch.events) if event.call > 0), None)
    if first is not None:
        del batch.events[first:]
    return first is not None
