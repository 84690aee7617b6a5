"""The warm sandboxes of one environment: opened as they are needed, used again while they are clean.

A sandbox serves one cell at a time. Nothing of a run stays in it: what the run wrote lies in the cell's
own layer, and its processes are killed. One that did not end as it should is closed.

    async with WarmPool.of(environment, folder, bytecode=None) as pool:
        cell = await pool.open()
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import (
    AGENT_HOME,
    WORKSPACE,
    Executed,
    Limits,
    Mount,
    Sandbox,
    SandboxSpec,
    environment_spec,
    open_sandbox,
)
from journeyman.tasks.probe import with_probe
from journeyman.tasks.warm.cell import Cell, Line, NotWarmError
from journeyman.types import Environment

__all__ = ["WarmPool"]

_PROGRAM = "/opt/journeyman-warm"
_LOWER = "/opt/journeyman-workspace"
_BYTECODE = "/opt/journeyman-bytecode"
_LIMITS = Limits(memory_bytes=2 << 30)
_START_S = 60.0
_LIFE_S = 7 * 86400.0
_MAX_FAULTS = 3


class _Server:
    """A warm sandbox, and the process in it that takes orders."""

    def __init__(self, sandbox: Sandbox, job: asyncio.Task[Executed], line: Line) -> None:
        self.sandbox = sandbox
        self.job = job
        self.line = line

    async def close(self) -> None:
        self.line.close()
        await _ended(self.sandbox, self.job)


class WarmPool:
    """Gives out cells of one environment."""

    def __init__(
        self, environment: Environment, folder: Path, *, bytecode: Path | None, backend: str
    ) -> None:
        self.digest = environment.digest
        self.why_not = "" if backend == "namespace" else f"{backend} sandboxes are never warm"
        """Why no run is warm; "" as long as they may be."""
        if environment.log_parser != "pytest":
            self.why_not = "only pytest is warm"
        self._environment = environment
        self._folder = folder
        self._bytecode = bytecode
        self._idle: list[_Server] = []
        self._num_faults = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def open(
        self, spec: SandboxSpec | None = None, *, name: str | None = None, backend: str = ""
    ) -> Cell:
        """Return a fresh cell; the arguments are those of `open_sandbox`, and change nothing.

        Raises `NotWarmError` where this environment, or this machine, has none.
        """
        if self.why_not:
            raise NotWarmError(self.why_not)
        server = self._idle.pop() if self._idle else await self._start()
        try:
            number, said = await server.line.ask({"work": "cell"}, timeout_s=_START_S)
        except (NotWarmError, TimeoutError, asyncio.CancelledError) as error:
            await self._lose(server)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise NotWarmError(str(error)) from None
        if number:
            self.why_not = b"".join(said).decode(errors="replace")
            await server.close()
            raise NotWarmError(self.why_not)
        return Cell(server.line, lambda is_clean: self._take_back(server, is_clean))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Cell]:
        """Open a cell for the length of a block; it is always closed."""
        cell = await self.open()
        try:
            yield cell
        finally:
            await cell.close()

    def doubt(self) -> None:
        """Count a result that a fresh sandbox did not confirm; after a few, nothing is warm any more."""
        self._num_faults += 1
        if self._num_faults >= _MAX_FAULTS:
            self.why_not = "fresh sandboxes gave other results"

    async def _take_back(self, server: _Server, is_clean: bool) -> None:
        if is_clean:
            self._idle.append(server)
        else:
            await server.close()

    async def _lose(self, server: _Server) -> None:
        self._num_faults += 1
        if self._num_faults >= _MAX_FAULTS:
            self.why_not = "the warm process ended again and again"
        await server.close()

    async def _start(self) -> _Server:
        sandbox = await open_sandbox(self._spec())
        try:
            listener = await sandbox.listen()
        except JourneymanError as error:
            await sandbox.close()
            self.why_not = error.message
            raise NotWarmError(self.why_not) from None
        with listener:
            listener.setblocking(False)
            command = self._command(listener.getsockname()[1])
            job = asyncio.create_task(sandbox.execute(command, timeout_s=_LIFE_S))
            try:
                line = await self._answered(listener, job)
                number, said = await line.hear(timeout_s=_START_S)
            except (NotWarmError, TimeoutError, AttributedError) as error:
                self.why_not = str(error)
            except BaseException:
                await _ended(sandbox, job)
                raise
            else:
                if not number:
                    return _Server(sandbox, job, line)
                line.close()
                self.why_not = b"".join(said).decode(errors="replace")
        await _ended(sandbox, job)
        raise NotWarmError(self.why_not)

    async def _answered(self, listener: Any, job: asyncio.Task[Executed]) -> Line:
        """Wait until the process in the sandbox calls, or ends."""
        accept = asyncio.ensure_future(asyncio.get_running_loop().sock_accept(listener))
        try:
            await asyncio.wait({accept, job}, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
            if not accept.done():
                said = job.result().stderr.decode(errors="replace") if job.done() else ""
                raise NotWarmError(f"the warm process did not start: {said[-500:]}")
        finally:
            accept.cancel()
        return Line(*await asyncio.open_connection(sock=accept.result()[0]))

    def _spec(self) -> SandboxSpec:
        spec = with_probe(
            environment_spec(self._environment, self._folder, limits=_LIMITS, owner="warm")
        )
        program = Path(__file__).with_name("inside")
        mounts = [
            Mount(source=program, target=_PROGRAM),
            # The tree itself, because a layer over what is a layer itself is one more than there may be.
            Mount(source=self._folder / "repository", target=_LOWER),
        ]
        if self._bytecode is not None:
            mounts.append(Mount(source=self._bytecode, target=_BYTECODE))
        return spec.model_copy(update={"mounts": (*spec.mounts, *mounts)})

    def _command(self, port: int) -> str:
        settings = {
            "options": _plugin_options(shlex.split(self._environment.test_command)),
            "workspace": WORKSPACE,
            "lower": _LOWER,
            "home": AGENT_HOME,
            "bytecode": _BYTECODE if self._bytecode is not None else "",
            "disk_bytes": _LIMITS.memory_bytes * 3 // 4,
        }
        words = ["exec", "python", f"{_PROGRAM}/journeyman_warm.py", str(port)]
        return shlex.join([*words, marshal.dumps(settings, 2).hex()])


def _plugin_options(words: Sequence[str]) -> list[str]:
    """Return those options that say which plugins there are: only those are imported ahead."""
    apart = [it for pair in pairwise(words) if pair[0] == "-p" for it in pair]
    return [*apart, *(word for word in words if word.startswith("-p") and len(word) > 2)]


async def _ended(sandbox: Sandbox, job: asyncio.Task[Executed]) -> None:
    await sandbox.close()
    job.cancel()
    with contextlib.suppress(asyncio.CancelledError, AttributedError):
        await job
