"""Public parsers as a second opinion on what a turn says, and how they are asked.

Each runs in a process of its own, with the folder that `packages` fetched as its path.

>>> with Sglang() as sglang:  # doctest: +SKIP
...     sglang.ask("qwen3_coder", "Done.", ())["content"]
'Done.'
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import genuine
import packages

from journeyman.config import cache_folder
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

_O200K = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""What litellm calls the vocabulary o200k_base; `openai-harmony` checks its digest."""

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


class Peer:
    """A worker's process; raises `packages.UnavailableError` where its package cannot be had."""

    worker: str
    """File name of the program that answers."""
    reads_streams = True

    def folders(self) -> list[Path]:
        """Return what the worker imports from."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return what else the worker finds in its environment."""
        return {}

    def __enter__(self) -> Self:
        path = os.pathsep.join(map(str, self.folders()))
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(Path(__file__).with_name(self.worker))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": path, **self.environment()},
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
        """Return `content` and `calls` as pairs of name and JSON text; or `error`.

        An answer has `seconds`, too: SGLang's up to `repeat` of them, the others' one.
        """
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
            raise packages.UnavailableError(f"{self.worker} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()


class Sglang(Peer):
    """SGLang's detectors, for which `DETECTORS` has the names."""

    worker = "sglang_worker.py"

    def folders(self) -> list[Path]:
        return [packages.tree("llm-router-utils")]


class Vllm(Peer):
    """vLLM's tool parsers; what they need beside themselves comes with SGLang's."""

    worker = "vllm_worker.py"

    def folders(self) -> list[Path]:
        return [packages.tree("vllm-parsers"), packages.tree("llm-router-utils")]


class Harmony(Peer):
    """The library of gpt-oss, with the vocabulary out of litellm's package."""

    worker = "harmony_worker.py"

    def folders(self) -> list[Path]:
        return [packages.tree("openai-harmony")]

    def environment(self) -> dict[str, str]:
        """Return where the library looks for the vocabulary, under the name that it expects."""
        root = packages.tree("litellm-vocabularies") / "litellm/litellm_core_utils/tokenizers"
        folder = cache_folder("genuine", "harmony-vocabulary")
        if not (folder / "o200k_base.tiktoken").exists():
            fresh = folder / f"{os.getpid()}.part"
            shutil.copyfile(root / _O200K, fresh)
            fresh.rename(folder / "o200k_base.tiktoken")
        return {"TIKTOKEN_ENCODINGS_BASE": str(folder)}


class DeepSeek(Peer):
    """The reader that DeepSeek-V3.2 ships with, as SGLang's package carries it."""

    worker = "deepseek_worker.py"
    reads_streams = False

    def folders(self) -> list[Path]:
        return [packages.tree("llm-router-utils")]

    def environment(self) -> dict[str, str]:
        """Return where the file is."""
        path = "llm_router_utils/sglang/srt/entrypoints/openai/encoding_dsv32.py"
        return {"ENCODER": str(packages.tree("llm-router-utils") / path)}
