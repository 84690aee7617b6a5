"""Writes answers as Anthropic's Messages: a message, or the events of its blocks."""

from __future__ import annotations

from typing import Any

from journeyman.gateway.dialect import event, new_id
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.templates.base import StreamEvent

__all__ = ["MessagesWriter", "anthropic_error"]

_TYPES = {
    "unauthenticated": "authentication_error",
    "forbidden": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limited": "rate_limit_error",
    "internal": "api_error",
    "model_failed": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
_OVERLOADED = 529
_REASONS = {"length": "max_tokens", "tool_calls": "tool_use", "stop": "end_turn"}


def anthropic_error(error: GatewayError) -> tuple[int, dict[str, Any]]:
    """Shape a refusal."""
    kind = _TYPES.get(error.kind, "invalid_request_error")
    status = _OVERLOADED if error.kind == "overloaded" else error.status
    return status, {"type": "error", "error": {"type": kind, "message": error.text}}


class MessagesWriter:
    """Shapes one answer."""

    ping = event({"type": "ping"}, "ping")

    def __init__(self, request: ModelRequest, *, has_thinking: bool) -> None:
        self._model = request.model
        self._has_thinking = has_thinking
        self._id = new_id("msg_")
        self._index = -1
        self._open = ""
        """The kind of the block that is open: `text`, `thinking`, `tool_use`, or none."""

    # --- a stream ---------------------------------------------------------------------------

    def begin(self) -> bytes:
        """Open the message; what it took is told at the end."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        return _event("message_start", message=self._message([], None, None, usage))

    def write(self, batch: Batch) -> bytes:
        """Write what became certain, block by block."""
        return b"".join(self._written(it, batch.call_ids) for it in batch.events)

    def _written(self, it: StreamEvent, call_ids: list[str]) -> bytes:
        if it.kind == "content":
            opened = self._opened("text", {"type": "text", "text": ""})
            return opened + self._delta({"type": "text_delta", "text": it.text})
        if it.kind == "reasoning":
            if not self._has_thinking:
                return b""
            block = {"type": "thinking", "thinking": "", "signature": ""}
            opened = self._opened("thinking", block)
            return opened + self._delta({"type": "thinking_delta", "thinking": it.text})
        if it.kind == "call_start":
            block = {"type": "tool_use", "id": call_ids[it.call], "name": it.name}
            return self._closed() + self._opened("tool_use", block | {"input": {}})
        if it.kind == "arguments":
            return self._delta({"type": "input_json_delta", "partial_json": it.text})
        return self._closed()

    def _opened(self, kind: str, block: dict[str, Any]) -> bytes:
        if self._open == kind:
            return b""
        closed = self._closed()
        self._open = kind
        self._index += 1
        return closed + _event("content_block_start", index=self._index, content_block=block)

    def _closed(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("content_block_stop", index=self._index)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)

    def end(self, outcome: Outcome) -> bytes:
        """Say why it ended and what it took."""
        delta = {"stop_reason": _reason(outcome), "stop_sequence": outcome.stop_sequence}
        closed = self._closed() + _event("message_delta", delta=delta, usage=_usage(outcome))
        return closed + _event("message_stop")

    def fail(self, error: GatewayError) -> bytes:
        """Say what went wrong."""
        return event(anthropic_error(error)[1], "error")

    # --- in one piece -----------------------------------------------------------------------

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """Write a message. A call that was cut off is left out: its input could not be told."""
        message = outcome.message
        blocks: list[dict[str, Any]] = []
        if message.reasoning and self._has_thinking:
            thinking = {"type": "thinking", "thinking": message.reasoning, "signature": ""}
            blocks.append(thinking)
        if message.content:
            blocks.append({"type": "text", "text": message.content})
        for call in message.tool_calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name}
            blocks.append(block | {"input": call.arguments})
        reason, stop = _reason(outcome), outcome.stop_sequence
        return self._message(blocks, reason, stop, _usage(outcome))

    def _message(
        self,
        content: list[dict[str, Any]],
        reason: str | None,
        stop: str | None,
        usage: dict[str, Any],
    ) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": stop,
            "usage": usage,
        }


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def _reason(outcome: Outcome) -> str:
    if outcome.stop_sequence is not None and outcome.finish_reason == "stop":
        return "stop_sequence"
    return _REASONS[outcome.finish_reason]


def _usage(outcome: Outcome) -> dict[str, Any]:
    """Tokens that were kept from the turn before count as read from the cache."""
    return {
        "input_tokens": outcome.num_prompt_tokens - outcome.num_cached_tokens,
        "cache_read_input_tokens": outcome.num_cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": outcome.num_completion_tokens,
    }
