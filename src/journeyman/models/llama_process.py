"""Starts, watches and ends the process that holds a llama.cpp server.

A crash of llama.cpp takes only that process; the process goes with us even after `kill -9`. One that
does not answer any more is ended, which fails what is in flight as a crash does.

    process = await start_llama(LlamaSettings(path=Path("model.gguf")))
    process.url
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import sys
from collections import deque
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import AttributedError, JourneymanError
from journeyman.models.threads import default_threads
from journeyman.models.transport import JsonClient

__all__ = ["LlamaProcess", "LlamaSettings", "start_llama"]

_GGUF_MAGIC = b"GGUF"
_PROGRAM = "llama-server"
_START_S = 300.0
_END_S = 5.0
_MOST_SILENT = 3


class LlamaSettings(Config):
    """How a GGUF file is served."""

    path: Path
    """The GGUF file."""
    num_slots: int = Field(default=4, ge=1)
    """Completions made at the same time."""
    context_tokens: int = Field(default=8192, ge=16)
    """Longest prompt and completion together, of each slot."""
    num_threads: int = Field(default=0, ge=0)
    """Threads that compute; 0 takes `OMP_NUM_THREADS`, or every core there is."""
    num_gpu_layers: int = -1
    """Layers kept on a GPU where llama.cpp was built for one; -1 lets it choose."""
    program: str = ""
    """A `llama-server` to run; empty takes xllamacpp, and without it what is on the PATH."""
    health_s: float = Field(default=10.0, gt=0)
    """Seconds between two looks at whether it still answers; after three in vain it is ended."""


class LlamaProcess:
    """A running server: `url` while it lives."""

    def __init__(
        self, process: asyncio.subprocess.Process, url: str, log: deque[bytes], health_s: float
    ) -> None:
        self.url = url
        self._process = process
        self._log = log
        self._draining = asyncio.create_task(_drain(process, log))
        self._watching = asyncio.create_task(self._watch(health_s))

    @property
    def is_alive(self) -> bool:
        """True until the process has ended."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    async def has_died(self, within_s: float) -> bool:
        """Tell whether the process has ended, and give it a moment to do so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._process.wait()
        return not self.is_alive

    def last_words(self) -> str:
        """How the process ended, and the last line it logged."""
        line = self._log[-1].decode("utf-8", "replace").strip() if self._log else "no log"
        return f"exit code {self._process.returncode}: {line}"

    async def close(self) -> None:
        """End the process. Safe to call twice."""
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await _end(self._process)
        await self._draining

    async def _watch(self, health_s: float) -> None:
        """End the process once it has not answered several times in a row."""
        client = JsonClient(self.url, timeout_s=health_s)
        num_silent = 0
        try:
            while self.is_alive and num_silent < _MOST_SILENT:
                await asyncio.sleep(health_s)
                try:
                    await client.get("/health")
                    num_silent = 0
                except AttributedError:
                    num_silent += 1
        finally:
            await client.close()
        if self.is_alive:
            self._log.append(f"it did not answer for {_MOST_SILENT * health_s:.0f} s".encode())
            _kill(self._process)


async def start_llama(settings: LlamaSettings) -> LlamaProcess:
    """Start a server and wait until it has loaded the model.

    Raises `JourneymanError` if the file is no model or the `llama` extra is missing, and
    `AttributedError("model_unreachable")` if the server does not come up in time.
    """
    _program(settings)
    _check(settings.path)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "journeyman.models.llama_worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Threads that spin at a barrier starve each other as soon as sandboxes want the cores too:
        # 3 tokens a second instead of 22 with two busy loops on two cores.
        env={"OMP_WAIT_POLICY": "passive", **os.environ},
        start_new_session=True,
    )
    try:
        return await _greeted(process, settings)
    except BaseException:
        await _end(process)
        raise


async def _greeted(process: asyncio.subprocess.Process, settings: LlamaSettings) -> LlamaProcess:
    """Send the settings and wait for the address; whatever is logged meanwhile is kept."""
    assert process.stdin is not None
    assert process.stdout is not None
    log: deque[bytes] = deque(maxlen=50)
    draining = asyncio.create_task(_drain(process, log))
    try:
        process.stdin.write(_first_line(settings))
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
    except (TimeoutError, ConnectionError):
        raise AttributedError(
            "model_unreachable", f"llama.cpp did not load {settings.path} in {_START_S:.0f} s"
        ) from None
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
    answer = json.loads(line) if line.strip() else {}
    if "url" not in answer:
        last = log[-1].decode("utf-8", "replace").strip() if log else "it ended without a word"
        raise JourneymanError(
            f"llama.cpp cannot load {settings.path.name}: {answer.get('error', last)}",
            "check that the file is complete and that this llama.cpp knows its architecture",
        )
    return LlamaProcess(process, answer["url"], log, settings.health_s)


def _first_line(settings: LlamaSettings) -> bytes:
    record = settings.model_dump(mode="json")
    record["program"] = _program(settings)
    record["num_threads"] = settings.num_threads or default_threads()
    return json.dumps(record).encode() + b"\n"


def _program(settings: LlamaSettings) -> str:
    """Return the program to run; empty for xllamacpp. Raises `JourneymanError` without any."""
    if settings.program:
        found = shutil.which(settings.program)
        if found is None:
            raise JourneymanError(
                f"there is no program {settings.program}", "correct its path, or leave it out"
            )
        return found
    if importlib.util.find_spec("xllamacpp") is not None:
        return ""
    found = shutil.which(_PROGRAM)
    if found is None:
        raise JourneymanError(
            f"running a GGUF file needs xllamacpp, or {_PROGRAM} on the PATH",
            "uv sync --extra llama",
        )
    return found


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise JourneymanError(
            f"cannot read the model {path}: {error.strerror}", "write --model gguf:PATH"
        ) from None
    if magic != _GGUF_MAGIC:
        raise JourneymanError(
            f"{path} is not a GGUF file", "convert it with llama.cpp's convert_hf_to_gguf.py"
        )


async def _drain(process: asyncio.subprocess.Process, log: deque[bytes]) -> None:
    """Read what the process logs, so that it never blocks; the last lines are kept."""
    assert process.stderr is not None
    while line := await process.stderr.read(65536):
        log.extend(part for part in line.splitlines() if part.strip())


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            await process.wait()
    if process.returncode is None:
        _kill(process)
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process and what it has started: it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
