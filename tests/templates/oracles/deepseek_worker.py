"""Runs the reader that DeepSeek-V3.2 ships with (`encoding_dsv32.py`), whole texts only."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import worker_loop


def main() -> None:
    spec = importlib.util.spec_from_file_location("encoding_dsv32", os.environ["ENCODER"])
    assert spec is not None
    assert spec.loader is not None
    encoder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(encoder)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        text = request["text"] + encoder.eos_token
        message = encoder.parse_message_from_completion_text(text, "chat")
        found = [call["function"] for call in message.get("tool_calls") or ()]
        calls = [[call["name"], call["arguments"]] for call in found]
        return {"content": message.get("content") or "", "calls": calls}

    worker_loop.serve(answer)


if __name__ == "__main__":
    main()
