"""Runs SGLang's tool-call detectors, as `llm-router-utils` ships them, in a process of their own.

Started with `-S` and the package's folder as PYTHONPATH, so that its dependencies never meet ours.
Each line read is `{"parser", "text", "tools", "pieces"}`; each line written
`{"content", "calls", "seconds"}` or `{"error"}`. `pieces` streams instead of parsing whole, and
`repeat` parses more often, for benchmarks.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> None:
    from llm_router_utils.sglang.srt.entrypoints.openai.protocol import Tool
    from llm_router_utils.sglang.srt.function_call.function_call_parser import FunctionCallParser

    for line in sys.stdin:
        request = json.loads(line)
        tools = [Tool.model_validate(tool) for tool in request["tools"]]
        try:
            answer = _answer(FunctionCallParser(tools, request["parser"]), request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # noqa: T201


def _answer(parser: Any, request: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    if "pieces" in request:
        content, calls = "", []
        for piece in request["pieces"]:
            text, found = parser.parse_stream_chunk(piece)
            content += text or ""
            calls += found
        seconds = time.perf_counter() - started
        return {"content": content, "calls": _joined(calls), "seconds": seconds}
    content, calls = parser.parse_non_stream(request["text"])
    seconds = time.perf_counter() - started
    read = [[call.name, json.loads(call.parameters)] for call in calls]
    return {"content": content or "", "calls": read, "seconds": seconds}


def _joined(calls: list[Any]) -> list[Any]:
    names: dict[int, str] = {}
    texts: dict[int, str] = {}
    for call in calls:
        if call.name:
            names[call.tool_index] = call.name
        texts[call.tool_index] = texts.get(call.tool_index, "") + (call.parameters or "")
    return [[names.get(index), texts[index]] for index in sorted(texts)]


if __name__ == "__main__":
    main()
