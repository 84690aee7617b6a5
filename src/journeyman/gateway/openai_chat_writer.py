"""Writes answers as OpenAI's Chat Completions: a completion, or a stream of its chunks."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from journeyman.gateway.dialect import dump, event, new_id, openai_error
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.request import Batch, ModelRequest, Outcome
from journeyman.models.base import Piece
from journeyman.templates.base import StreamEvent

__all__ = ["ChatWriter", "logprob_entries", "token_text", "usage"]

_DONE = b"data: [DONE]\n\n"
_NOT_FINISHED = b',"logprobs":null,"finish_reason":null}]}\n\n'


class ChatWriter:
    """Shapes one answer."""

    ping = b": still here\n\n"

    def __init__(self, request: ModelRequest, *, has_usage: bool) -> None:
        self._model = request.model
        self._has_logprobs = request.has_logprobs
        self._has_usage = has_usage
        self._id = new_id("chatcmpl-")
        self._created = int(time.time())
        self._entries: list[dict[str, Any]] = []
        frame = self._frame("chat.completion.chunk")
        # One chunk a token: all but the delta is written once.
        self._head = b"data: " + dump(frame)[:-1] + b',"choices":[{"index":0,"delta":'

    def _frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
        }

    # --- a stream ---------------------------------------------------------------------------

    def begin(self) -> bytes:
        """Name the role."""
        return self._chunk({"role": "assistant", "content": ""})

    def write(self, batch: Batch) -> bytes:
        """Write a chunk an event, the log-probabilities with the first."""
        if self._has_logprobs:
            self._entries += logprob_entries(batch.piece)
        deltas = [self._delta(it, batch.call_ids) for it in batch.events if it.kind != "call_end"]
        return b"".join(map(self._chunk, deltas))

    def end(self, outcome: Outcome) -> bytes:
        """Say why it ended, and what it took where that was asked."""
        choice = {"index": 0, "delta": {}, "finish_reason": outcome.finish_reason}
        choice["logprobs"] = self._taken_entries()
        frame = self._frame("chat.completion.chunk")
        last = event(frame | {"choices": [choice]})
        if self._has_usage:
            last += event(frame | {"choices": [], "usage": usage(outcome)})
        return last + _DONE

    def fail(self, error: GatewayError) -> bytes:
        """Say what went wrong."""
        return event(openai_error(error)[1])

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        entries = self._taken_entries()
        if entries is None:
            return self._head + json.dumps(delta).encode() + _NOT_FINISHED
        choice = {"index": 0, "delta": delta, "logprobs": entries, "finish_reason": None}
        return event(self._frame("chat.completion.chunk") | {"choices": [choice]})

    def _taken_entries(self) -> dict[str, Any] | None:
        if not self._entries:
            return None
        entries, self._entries = self._entries, []
        return {"content": entries, "refusal": None}

    def _delta(self, it: StreamEvent, call_ids: Sequence[str]) -> dict[str, Any]:
        if it.kind == "content":
            return {"content": it.text}
        if it.kind == "reasoning":
            return {"reasoning_content": it.text}
        if it.kind == "arguments":
            return {"tool_calls": [{"index": it.call, "function": {"arguments": it.text}}]}
        function = {"name": it.name, "arguments": ""}
        opened = {"index": it.call, "id": call_ids[it.call], "type": "function"}
        return {"tool_calls": [opened | {"function": function}]}

    # --- in one piece -----------------------------------------------------------------------

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """Write a completion."""
        message = outcome.message
        calls = [
            _call(call.id, call.name, json.dumps(call.arguments, ensure_ascii=False))
            for call in message.tool_calls
        ]
        if outcome.cut_call is not None:
            cut = outcome.cut_call
            calls.append(_call(cut.id, cut.name, cut.arguments))
        record: dict[str, Any] = {"role": "assistant", "content": message.content, "refusal": None}
        if message.reasoning:
            record["reasoning_content"] = message.reasoning
        if calls:
            record |= {"tool_calls": calls, "content": message.content or None}
        entries = [entry for piece in outcome.pieces for entry in logprob_entries(piece)]
        logprobs = {"content": entries, "refusal": None} if self._has_logprobs else None
        choice = {"index": 0, "message": record, "logprobs": logprobs}
        choice["finish_reason"] = outcome.finish_reason
        frame = self._frame("chat.completion")
        return frame | {"choices": [choice], "usage": usage(outcome)}


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def usage(outcome: Outcome) -> dict[str, Any]:
    """Say how many tokens it took."""
    return {
        "prompt_tokens": outcome.num_prompt_tokens,
        "completion_tokens": outcome.num_completion_tokens,
        "total_tokens": outcome.num_prompt_tokens + outcome.num_completion_tokens,
        "prompt_tokens_details": {"cached_tokens": outcome.num_cached_tokens},
    }


def logprob_entries(piece: Piece) -> list[dict[str, Any]]:
    """Write an entry a token; only the drawn token's own log-probability is known."""
    return [
        {"token": text, "logprob": value, "bytes": list(text.encode("utf-8", "replace"))}
        | {"top_logprobs": [{"token": text, "logprob": value, "bytes": None}]}
        for text, value in token_text(piece)
    ]


def token_text(piece: Piece) -> list[tuple[str, float]]:
    """Pair each token's text, its number where the model told no text, with its log-probability."""
    if len(piece.token_ids) == 1 and len(piece.logprobs) == 1:
        return [(piece.text, piece.logprobs[0])]
    if len(piece.token_ids) != len(piece.logprobs):
        return [("", value) for value in piece.logprobs]
    pairs = zip(piece.token_ids, piece.logprobs, strict=True)
    return [(f"token_id:{token}", value) for token, value in pairs]
