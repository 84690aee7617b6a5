"""SGLang's detectors as a second opinion on what a turn says, and how they are asked.

>>> with Sglang() as sglang:  # doctest: +SKIP
...     sglang.ask("qwen3_coder", "Done.", ())["content"]
'Done.'
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import genuine
import packages

from journeyman.types import ToolSpec

DETECTORS = {
    "deepseekr1": "deepseekv3",
    "deepseekv3": "deepseekv3",
    "deepseekv31": "deepseekv31",
    "deepseekv32": "deepseekv32",
    "glm46": "glm45",
    "harmony_json": "gpt-oss",
    "hermes": "hermes",
    "kimik2": "kimi_k2",
    "llama4_json": "llama3",
    "llama4_pythonic": "pythonic",
    "minimax_m2": "minimax-m2",
    "mistral3": "mistral",
    "qwen25_coder": "qwen25",
    "qwen3_coder": "qwen3_coder",
    "qwen3_xml_mixed": "qwen3_coder",
    "toolace": "pythonic",
}
"""Our template to SGLang's name for the same call format; the others have no detector there."""

_TAG = re.compile(r"<[^<>\n]{1,40}>|\[[A-Z_]{2,20}\]")


def pieces(text: str, size: int = 4) -> list[str]:
    """Cut a text as a tokenizer would: tags whole, the rest into pieces of `size` characters."""
    found: list[str] = []
    last = 0
    for match in _TAG.finditer(text):
        found += _cut(text[last : match.start()], size)
        found.append(match.group())
        last = match.end()
    return found + _cut(text[last:], size)


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


class Sglang:
    """The worker's process; raises `packages.UnavailableError` where it cannot be had."""

    def __enter__(self) -> Sglang:
        folder = packages.tree("llm-router-utils")
        worker = Path(__file__).with_name("sglang_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )
        return self

    def ask(
        self,
        detector: str,
        text: str,
        tools: Sequence[ToolSpec],
        *,
        is_streamed: bool = False,
        repeat: int = 1,
    ) -> dict[str, Any]:
        """Return `content`, `calls` as pairs of name and JSON text, and `seconds`; or `error`."""
        request: dict[str, Any] = {"parser": detector, "tools": genuine.wire_tools(tools)}
        request |= {"repeat": repeat} | (
            {"pieces": pieces(text)} if is_streamed else {"text": text}
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise packages.UnavailableError("the detectors' process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
