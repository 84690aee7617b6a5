"""The user's folder as an agent sees it: at its own path, in a sandbox without network, or directly.

In the sandbox the folder is the only thing of the user's that is there. What Git would run by itself
(hooks, and what its configuration names) cannot be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from journeyman.assistant.approval import Approvals, Refused
from journeyman.sandbox import Executed, Mount, Sandbox, SandboxSpec, opened

__all__ = ["GuardedFolder", "open_folder"]

_GIT_RUNS = (".git/hooks", ".git/config", ".git/modules", ".git/info")
_OUTPUT_BYTES = 1 << 20

User = Literal["agent", "root"]


@asynccontextmanager
async def open_folder(
    folder: Path, approvals: Approvals, *, sandbox: str, network: Literal["none", "open"]
) -> AsyncIterator[GuardedFolder]:
    """Open a folder to an agent; `sandbox` is `namespace` or `off`.

    Raises `JourneymanError` where this machine cannot run a sandbox.
    """
    folder = folder.resolve()
    if sandbox == "off":
        yield GuardedFolder(_Host(folder), folder, approvals)
        return
    mounts = [Mount(source=folder, target=str(folder), is_writable=True)]
    guarded = (folder / name for name in _GIT_RUNS)
    mounts += [Mount(source=it, target=str(it)) for it in guarded if it.exists()]
    spec = SandboxSpec(mounts=tuple(mounts), network=network, owner="code")
    async with opened(spec, backend=sandbox) as inside:
        yield GuardedFolder(inside, folder, approvals)


class GuardedFolder:
    """A sandbox in which files outside the folder are let be, and changes are asked about."""

    def __init__(self, inside: Sandbox, folder: Path, approvals: Approvals) -> None:
        self.folder = folder
        self._inside = inside
        self._approvals = approvals

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: User = "agent",
    ) -> Executed:
        """Run a shell command in the folder; whoever lets a model write it has asked before."""
        there = f"cd {shlex.quote(str(self.folder))} || exit 1\n{command}"
        return await self._inside.execute(
            there, timeout_s=timeout_s, stdin=stdin, env=env, user=user
        )

    async def read(self, path: str) -> bytes:
        """Read a file of the folder."""
        self.check(path)
        return await self._inside.read(path)

    async def write(self, path: str, data: bytes) -> None:
        """Write a file of the folder, once that is allowed. Raises `Refused`, an `OSError`."""
        self.check(path)
        if any(_is_within(Path(path), self.folder / name) for name in _GIT_RUNS):
            raise Refused(f"{path} says what Git runs, and is not changed")
        try:
            before: bytes | None = await self._inside.read(path)
        except FileNotFoundError:
            before = None
        self._approvals.edit(str(Path(path).relative_to(self.folder)), before, data)
        await self._inside.write(path, data)

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on the loopback of what is inside."""
        return await self._inside.listen(port)

    async def close(self) -> None:
        """Close what is inside."""
        await self._inside.close()

    def check(self, path: str) -> None:
        """Refuse a path that leads out of the folder, also by a link. Raises `Refused`."""
        is_inside = _is_within(Path(path), self.folder)
        if not is_inside or not _is_within(Path(os.path.realpath(path)), self.folder):
            raise Refused(f"{path} is not in {self.folder}")


def _is_within(path: Path, folder: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(folder)


class _Host:
    """No sandbox at all: the user's own shell and files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: User = "agent",
    ) -> Executed:
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env={**os.environ, "TERM": "dumb", **(env or {})},
            start_new_session=True,
        )
        is_timed_out = False
        work = asyncio.ensure_future(process.communicate(stdin))
        try:
            out, err = await asyncio.wait_for(asyncio.shield(work), timeout_s)
        except TimeoutError:
            is_timed_out = True
            _end_group(process.pid)
            out, err = await work
        except asyncio.CancelledError:
            _end_group(process.pid)
            await work
            raise
        code = process.returncode or 0
        return Executed(
            exit_code=128 - code if code < 0 else code,
            stdout=out[:_OUTPUT_BYTES],
            stderr=err[:_OUTPUT_BYTES],
            is_truncated=max(len(out), len(err)) > _OUTPUT_BYTES,
            is_timed_out=is_timed_out,
            duration_s=time.monotonic() - started,
        )

    async def read(self, path: str) -> bytes:
        return await asyncio.to_thread(Path(path).read_bytes)

    async def write(self, path: str, data: bytes) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(Path(path).write_bytes, data)

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on this machine's loopback."""
        return socket.create_server(("127.0.0.1", port))

    async def close(self) -> None:
        """Nothing is held."""


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
