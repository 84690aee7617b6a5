"""Runs SGLang's tool-call detectors, as `llm-router-utils` ships them, in a process of their own.

Started with `-S` and the package's folder as PYTHONPATH, so that its dependencies never meet ours.
Each line read is `{"parser", "text", "tools", "pieces", "repeat"}`; each line written
`{"content", "calls", "seconds"}` or `{"error"}`. With `pieces` it streams instead of parsing whole;
`repeat` (1 if left out) is how often at most, `seconds` the list of the durations.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

_BUDGET_S = 4.0
"""After this long, nothing is repeated any more."""


def main() -> None:
    from llm_router_utils.sglang.srt.entrypoints.openai.protocol import Tool
    from llm_router_utils.sglang.srt.function_call.function_call_parser import FunctionCallParser

    for line in sys.stdin:
        request = json.loads(line)
        tools = [Tool.model_validate(tool) for tool in request["tools"]]
        name = request["parser"]
        try:
            answer = _answer(lambda: FunctionCallParser(tools, name), request)  # noqa: B023
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # noqa: T201


def _answer(make: Callable[[], Any], request: dict[str, Any]) -> dict[str, Any]:
    read = _streamed if "pieces" in request else _whole
    seconds: list[float] = []
    while True:
        parser = make()
        started = time.perf_counter()
        content, calls = read(parser, request)
        seconds.append(time.perf_counter() - started)
        if len(seconds) >= request.get("repeat", 1) or sum(seconds) > _BUDGET_S:
            break
    return {"content": content, "calls": _joined(calls), "seconds": seconds}


def _whole(parser: Any, request: dict[str, Any]) -> tuple[str, list[Any]]:
    content, calls = parser.parse_non_stream(request["text"])
    # All of one name have the same index here: the position in the list is what tells them apart.
    return content or "", [[i, call.name, call.parameters] for i, call in enumerate(calls)]


def _streamed(parser: Any, request: dict[str, Any]) -> tuple[str, list[Any]]:
    content: list[str] = []
    calls: list[Any] = []
    for piece in request["pieces"]:
        text, found = parser.parse_stream_chunk(piece)
        content.append(text or "")
        calls += [[call.tool_index, call.name, call.parameters] for call in found]
    return "".join(content), calls


def _joined(calls: list[Any]) -> list[list[str]]:
    """Return `[name, JSON text of the arguments]` of every call."""
    names: dict[int, str] = {}
    texts: dict[int, list[str]] = {}
    for index, name, text in calls:
        if name:
            names[index] = name
        texts.setdefault(index, []).append(text or "")
    return [[names.get(index, ""), "".join(texts[index])] for index in sorted(texts)]


if __name__ == "__main__":
    main()
