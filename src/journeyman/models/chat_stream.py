"""Puts the chunks of a streamed chat completion together as the answer that they are parts of.

gathered = GatheredAnswer()
for chunk in chunks:
    content, reasoning = gathered.add(chunk)
completion = read_answer(gathered.answer())
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from journeyman.errors import AttributedError

__all__ = ["GatheredAnswer"]

_SHOWN_CHARACTERS = 300


class GatheredAnswer:
    """A chat completion that grows."""

    def __init__(self) -> None:
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._choice: dict[str, Any] = {}
        self._frame: dict[str, Any] = {}
        self._is_empty = True

    def add(self, chunk: Mapping[str, Any]) -> tuple[str, str]:
        """Take a chunk; return what it adds to content and reasoning.

        Raises `AttributedError("model_unreachable")` where the server says that it failed.
        """
        if chunk.get("error"):
            shown = json.dumps(chunk["error"], ensure_ascii=False)[:_SHOWN_CHARACTERS]
            raise AttributedError("model_unreachable", f"the stream broke off: {shown}")
        self._frame |= {key: chunk[key] for key in ("model", "usage") if chunk.get(key)}
        choices = chunk.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict):
            return "", ""
        self._is_empty = False
        if first.get("finish_reason"):
            self._choice["finish_reason"] = first["finish_reason"]
        delta = first.get("delta")
        return self._take(delta) if isinstance(delta, dict) else ("", "")

    def _take(self, delta: Mapping[str, Any]) -> tuple[str, str]:
        content = _text(delta.get("content"))
        reasoning = _text(delta.get("reasoning_content") or delta.get("reasoning"))
        self._content.append(content)
        self._reasoning.append(reasoning)
        parts = delta.get("tool_calls")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                self._take_call(part)
        return content, reasoning

    def _take_call(self, part: Mapping[str, Any]) -> None:
        index = part.get("index")
        place = index if isinstance(index, int) else len(self._calls)
        call = self._calls.setdefault(place, {"id": "", "name": "", "arguments": ""})
        function = part.get("function")
        named = function if isinstance(function, dict) else {}
        call["id"] = _text(part.get("id")) or call["id"]
        call["name"] = _text(named.get("name")) or call["name"]
        call["arguments"] += _text(named.get("arguments"))

    def answer(self) -> dict[str, Any]:
        """Return the whole, as the server would have sent it in one piece."""
        if self._is_empty:
            return {"choices": []}
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._content)}
        message["reasoning_content"] = "".join(self._reasoning)
        message["tool_calls"] = [
            {
                "id": call["id"],
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for _, call in sorted(self._calls.items())
        ]
        return self._frame | {"choices": [self._choice | {"message": message}]}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
