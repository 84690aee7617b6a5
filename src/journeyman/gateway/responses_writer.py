"""Writes answers as OpenAI's Responses: a response, or the events of its items."""

from __future__ import annotations

import json
import time
from typing import Any

from journeyman.gateway.dialect import event, new_id
from journeyman.gateway.errors import GatewayError
from journeyman.gateway.openai_chat_writer import logprob_entries
from journeyman.gateway.request import Batch, Outcome
from journeyman.gateway.responses_items import (
    call_item,
    custom_input,
    message_item,
    reasoning_item,
    text_part,
)
from journeyman.templates.base import StreamEvent

__all__ = ["ResponsesWriter"]

_GROWING, _WHOLE, _CUT = "in_progress", "completed", "incomplete"


class ResponsesWriter:
    """Shapes one answer."""

    ping = b": still here\n\n"

    def __init__(
        self, model: str, *, echo: dict[str, Any], custom: set[str], has_logprobs: bool = False
    ) -> None:
        self.id = new_id("resp_")
        self._model = model
        self._echo = echo
        self._custom = custom
        self._created = int(time.time())
        self._number = 0
        self._items: list[dict[str, Any]] = []
        self._open = ""
        """The kind of the item that is open: `message`, `reasoning`, `call`, or none."""
        self._item_id = self._call_id = self._name = ""
        self._pieces: list[str] = []
        self._has_logprobs = has_logprobs
        self._new_entries: list[dict[str, Any]] = []
        """Of tokens whose text is not written yet."""
        self._entries: list[dict[str, Any]] = []
        """Of the message that is open."""

    # --- a stream ---------------------------------------------------------------------------

    def begin(self) -> bytes:
        """Open the response."""
        response = self._response(_GROWING, [], None)
        created = self._event("response.created", response=response)
        return created + self._event("response.in_progress", response=response)

    def write(self, batch: Batch) -> bytes:
        """Write what became certain, item by item; log-probabilities go with a message's text."""
        if self._has_logprobs:
            self._new_entries += logprob_entries(batch.piece)
        return b"".join(self._written(it, batch.call_ids) for it in batch.events)

    def _written(self, it: StreamEvent, call_ids: list[str]) -> bytes:
        if it.kind == "content":
            return self._opened_message() + self._grown("response.output_text.delta", it.text)
        if it.kind == "reasoning":
            opened = self._opened_reasoning()
            return opened + self._grown("response.reasoning_text.delta", it.text)
        if it.kind == "call_start":
            return self._opened_call(call_ids[it.call], it.name)
        if it.kind == "arguments":
            if self._name not in self._custom:
                return self._grown("response.function_call_arguments.delta", it.text)
            # The bare text is known when its JSON is whole.
            self._pieces.append(it.text)
            return b""
        return self._closed(_WHOLE)

    def _grown(self, kind: str, text: str) -> bytes:
        self._pieces.append(text)
        place: dict[str, Any] = {"item_id": self._item_id, "output_index": len(self._items)}
        if self._open != "call":
            place["content_index"] = 0
        if self._open == "message":
            place["logprobs"], self._new_entries = self._new_entries, []
            self._entries += place["logprobs"]
        return self._event(kind, **place, delta=text)

    def _opened_message(self) -> bytes:
        if self._open == "message":
            return b""
        opened = self._opened("message", new_id("msg_"))
        opened += self._added(message_item(self._item_id, None, _GROWING))
        return opened + self._part_event("response.content_part.added", part=text_part(""))

    def _opened_reasoning(self) -> bytes:
        if self._open == "reasoning":
            return b""
        opened = self._opened("reasoning", new_id("rs_"))
        return opened + self._added(reasoning_item(self._item_id, None, _GROWING))

    def _opened_call(self, call_id: str, name: str) -> bytes:
        opened = self._opened("call", new_id("fc_"))
        self._call_id, self._name = call_id, name
        return opened + self._added(self._call("", _GROWING))

    def _opened(self, kind: str, item_id: str) -> bytes:
        closed = self._closed(_WHOLE)
        self._open, self._item_id, self._pieces, self._entries = kind, item_id, [], []
        return closed

    def _added(self, item: dict[str, Any]) -> bytes:
        return self._event("response.output_item.added", output_index=len(self._items), item=item)

    def _closed(self, status: str) -> bytes:
        """Close the item that is open, if one is."""
        kind, self._open = self._open, ""
        text = "".join(self._pieces)
        if kind == "message":
            entries, self._new_entries = [*self._entries, *self._new_entries], []
            last = self._part_event("response.output_text.done", text=text, logprobs=entries)
            part = text_part(text, entries)
            last += self._part_event("response.content_part.done", part=part)
            item = message_item(self._item_id, text, status, entries)
        elif kind == "reasoning":
            last = self._part_event("response.reasoning_text.done", text=text)
            item = reasoning_item(self._item_id, text, status)
        elif kind == "call":
            last = self._closed_call(text) if status == _WHOLE else b""
            item = self._call(text, status)
        else:
            return b""
        done = self._event("response.output_item.done", output_index=len(self._items), item=item)
        self._items.append(item)
        return last + done

    def _closed_call(self, arguments: str) -> bytes:
        place: dict[str, Any] = {"item_id": self._item_id, "output_index": len(self._items)}
        if self._name not in self._custom:
            kind = "response.function_call_arguments.done"
            return self._event(kind, **place, name=self._name, arguments=arguments)
        text = custom_input(arguments)
        grown = self._event("response.custom_tool_call_input.delta", **place, delta=text)
        return grown + self._event("response.custom_tool_call_input.done", **place, input=text)

    def _call(self, arguments: str, status: str) -> dict[str, Any]:
        is_custom = self._name in self._custom
        text = custom_input(arguments) if is_custom else arguments
        return call_item(
            self._item_id, self._call_id, self._name, text, status, is_custom=is_custom
        )

    def _part_event(self, kind: str, **fields: Any) -> bytes:
        place = {"item_id": self._item_id, "output_index": len(self._items), "content_index": 0}
        return self._event(kind, **place, **fields)

    def end(self, outcome: Outcome) -> bytes:
        """Say why it ended and what it took."""
        status = _CUT if outcome.finish_reason == "length" else _WHOLE
        closed = self._closed(status)
        response = self._response(status, self._items, outcome)
        return closed + self._event(f"response.{status}", response=response)

    def fail(self, error: GatewayError) -> bytes:
        """Say what went wrong."""
        response = self._response("failed", self._items, None)
        response["error"] = {"code": error.code or "server_error", "message": error.text}
        return self._event("response.failed", response=response)

    def _event(self, kind: str, **fields: Any) -> bytes:
        record = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return event(record, kind)

    # --- in one piece -----------------------------------------------------------------------

    def whole(self, outcome: Outcome) -> dict[str, Any]:
        """Write a response."""
        message = outcome.message
        items: list[dict[str, Any]] = []
        if message.reasoning:
            items.append(reasoning_item(new_id("rs_"), message.reasoning, _WHOLE))
        status = _CUT if outcome.finish_reason == "length" else _WHOLE
        if message.content:
            is_last = not message.tool_calls and outcome.cut_call is None
            own = status if is_last else _WHOLE
            pieces = outcome.pieces if self._has_logprobs else ()
            entries = [entry for piece in pieces for entry in logprob_entries(piece)]
            items.append(message_item(new_id("msg_"), message.content, own, entries))
        for call in message.tool_calls:
            arguments = json.dumps(call.arguments, ensure_ascii=False)
            items.append(self._whole_call(call.id, call.name, arguments, _WHOLE))
        cut = outcome.cut_call
        if cut is not None:
            items.append(self._whole_call(cut.id, cut.name, cut.arguments, _CUT))
        return self._response(status, items, outcome)

    def _whole_call(self, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
        is_custom = name in self._custom
        text = custom_input(arguments) if is_custom else arguments
        return call_item(new_id("fc_"), call_id, name, text, status, is_custom=is_custom)

    def _response(
        self, status: str, output: list[dict[str, Any]], outcome: Outcome | None
    ) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == _CUT else None,
            "model": self._model,
            "output": output,
            "usage": _usage(outcome) if outcome is not None else None,
            **self._echo,
        }


def _usage(outcome: Outcome) -> dict[str, Any]:
    return {
        "input_tokens": outcome.num_prompt_tokens,
        "input_tokens_details": {"cached_tokens": outcome.num_cached_tokens},
        "output_tokens": outcome.num_completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": outcome.num_prompt_tokens + outcome.num_completion_tokens,
    }
