"""A cell: one isolated copy of a workspace inside a warm sandbox, seen from outside.

It keeps what `sandbox.Sandbox` promises, so that a patch is brought in and graded as in a fresh one.

    cell = await pool.open()
    await cell.write("/testbed/a.py", b"...")
    run = await cell.run(RunnerCall(verifier))
    await cell.close()
"""

from __future__ import annotations

import asyncio
import errno
import marshal
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from journeyman.errors import JourneymanError
from journeyman.sandbox import Executed, Limits, Sandbox
from journeyman.tasks.runner_call import RunnerCall
from journeyman.types import VerifierSpec
from journeyman.verify import VerifierRun, parse_log

__all__ = ["Cell", "Line", "NotWarmError", "run_warm"]

_ORDER_S = 60.0
_LOG_BYTES = 32 << 20
_SHELLS = ["/bin/bash", "/bin/sh"]
_SIGNAL = 0x7F
_PATH = "PYTHONPATH"


class NotWarmError(Exception):
    """It cannot be done, or did not end, as it would in a fresh sandbox: do it in one."""


class Line:
    """The connection to the process in a warm sandbox that takes orders."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, order: dict[str, Any], *, timeout_s: float) -> tuple[int, list[bytes]]:
        """Send an order and return the number and the bytes of the answer.

        Raises `NotWarmError` where there is nobody, `TimeoutError` where there is no answer in time.
        """
        # The format of every Python since 3.4: the other side may be an older one, or a newer.
        payload = marshal.dumps(order, 2)
        self._writer.write(f"{len(payload):08x}".encode() + payload)
        return await self.hear(timeout_s=timeout_s)

    async def hear(self, *, timeout_s: float) -> tuple[int, list[bytes]]:
        """Return the next answer; raises as `ask`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._writer.drain()
                number, *sizes = map(int, (await self._reader.readline()).split())
                return number, [await self._reader.readexactly(size) for size in sizes]
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise NotWarmError(f"the warm process has gone: {error}") from None

    def close(self) -> None:
        """Hang up: whoever is there ends."""
        self._writer.close()


class Cell:
    """A fresh copy of the workspace in a warm sandbox; see `sandbox.Sandbox`."""

    def __init__(self, line: Line, give_back: Callable[[bool], Awaitable[None]]) -> None:
        self._line = line
        self._give_back = give_back
        self._is_open = True
        self._is_whole = True

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: Literal["agent", "root"] = "agent",
    ) -> Executed:
        """Run a shell's script as the agent, with the variables that the sandbox has."""
        if env or user != "agent":
            raise NotWarmError("a cell has one user and one set of variables")
        order = {
            "work": "shell",
            "command": command,
            "stdin": stdin,
            "programs": _SHELLS,
            "max_bytes": Limits().output_bytes,
        }
        started = time.monotonic()
        status, (stdout, stderr) = await self._ask(order, timeout_s)
        code = os.waitstatus_to_exitcode(status)
        return Executed(
            exit_code=128 - code if code < 0 else code,
            stdout=stdout,
            stderr=stderr,
            duration_s=time.monotonic() - started,
        )

    async def read(self, path: str) -> bytes:
        """Return a file's bytes; raises as `open` does."""
        number, (data,) = await self._ask({"work": "read", "path": path}, _ORDER_S)
        _raise(number, path)
        return data

    async def write(self, path: str, data: bytes) -> None:
        """Write a file, its parents made as needed."""
        number, _ = await self._ask({"work": "write", "path": path, "data": data}, _ORDER_S)
        _raise(number, path)

    async def listen(self, port: int = 0) -> socket.socket:
        """Refuse: no one outside can enter the network of a cell."""
        raise JourneymanError("a warm sandbox has no way in", "use a fresh sandbox")

    async def run(self, call: RunnerCall) -> VerifierRun:
        """Run pytest in a fork, and read its log; a time-out ends the whole warm sandbox.

        Raises `NotWarmError` for any other command, and where a signal ended it: who sent it, and what
        else it hit, is not known.
        """
        words = call.pytest_words()
        if words is None:
            raise NotWarmError("only pytest is warm")
        variables = dict(call.variables)
        search = [path for path in variables.get(_PATH, "").split(":") if path]
        order = {
            "work": "pytest",
            "words": words,
            "variables": variables,
            "search": search,
            "cpu_s": call.cpu_s,
            "log": f"/tmp/.{secrets.token_hex(16)}",  # noqa: S108 - inside the cell
            "max_bytes": _LOG_BYTES,
        }
        started = time.monotonic()
        try:
            status, (log,) = await self._line.ask(order, timeout_s=call.verifier.timeout_s)
        except TimeoutError:
            self._is_whole = False
            return VerifierRun(is_timed_out=True, duration_s=time.monotonic() - started)
        except BaseException:
            self._is_whole = False
            raise
        if status & _SIGNAL not in (0, signal.SIGXCPU):
            raise NotWarmError(f"signal {status & _SIGNAL} ended it")
        code = os.waitstatus_to_exitcode(status)
        return VerifierRun(
            statuses=parse_log(call.verifier.log_parser, log.decode(errors="replace")),
            log=log,
            exit_code=128 - code if code < 0 else code,
            duration_s=time.monotonic() - started,
        )

    async def close(self) -> None:
        """End everything in the cell; the sandbox is used again only if it says that it is clean."""
        if not self._is_open:
            return
        self._is_open = False
        is_clean = False
        try:
            if self._is_whole:
                number, _ = await self._line.ask({"work": "end"}, timeout_s=_ORDER_S)
                is_clean = number == 0
        except (NotWarmError, TimeoutError):
            pass
        finally:
            await self._give_back(is_clean)

    async def _ask(self, order: dict[str, Any], timeout_s: float) -> tuple[int, list[bytes]]:
        try:
            return await self._line.ask(order, timeout_s=timeout_s)
        except TimeoutError:
            self._is_whole = False
            raise NotWarmError(f"no answer in {timeout_s:.0f} s") from None
        except BaseException:
            self._is_whole = False
            raise


async def run_warm(sandbox: Sandbox, verifier: VerifierSpec) -> VerifierRun:
    """Run a verifier in a cell, as `verify.run_verifier` does in any sandbox."""
    if not isinstance(sandbox, Cell):
        raise NotWarmError("it is no cell")
    return await sandbox.run(RunnerCall(verifier))


def _raise(number: int, path: str) -> None:
    if number == errno.ENOENT:
        raise FileNotFoundError(number, f"{path} in the cell")
    if number:
        raise OSError(number, os.strerror(number), path)
