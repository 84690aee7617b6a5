"""Runs SGLang's tool-call detectors, as `llm-router-utils` ships them, in a process of their own.

Started with `-S` and the package's folder as PYTHONPATH, so that its dependencies never meet ours.
Beside what `worker_loop` says, a request has `repeat` (1 if left out), how often it is answered at
most, and an answer `seconds`, the list of the durations.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import worker_loop

_BUDGET_S = 4.0
"""After this long, nothing is repeated any more."""


def main() -> None:
    from llm_router_utils.sglang.srt.entrypoints.openai.protocol import Tool
    from llm_router_utils.sglang.srt.function_call.function_call_parser import FunctionCallParser

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        tools = [Tool.model_validate(tool) for tool in request["tools"]]
        return _answer(lambda: FunctionCallParser(tools, request["parser"]), request)

    worker_loop.serve(answer)


def _answer(make: Callable[[], Any], request: dict[str, Any]) -> dict[str, Any]:
    read = _streamed if "pieces" in request else _whole
    seconds: list[float] = []
    while True:
        parser = make()
        started = time.thread_time()
        content, calls = read(parser, request)
        seconds.append(time.thread_time() - started)
        if len(seconds) >= request.get("repeat", 1) or sum(seconds) > _BUDGET_S:
            break
    return {"content": content, "calls": worker_loop.joined(calls), "seconds": seconds}


def _whole(parser: Any, request: dict[str, Any]) -> tuple[str, list[worker_loop.Fragment]]:
    content, calls = parser.parse_non_stream(request["text"])
    # All of one name have the same index here: the position in the list is what tells them apart.
    return content or "", [(i, call.name, call.parameters) for i, call in enumerate(calls)]


def _streamed(parser: Any, request: dict[str, Any]) -> tuple[str, list[worker_loop.Fragment]]:
    content: list[str] = []
    calls: list[worker_loop.Fragment] = []
    for piece in request["pieces"]:
        text, found = parser.parse_stream_chunk(piece)
        content.append(text or "")
        calls += [(call.tool_index, call.name, call.parameters) for call in found]
    return "".join(content), calls


if __name__ == "__main__":
    main()
