"""A sandbox that is opened by its first use, so that none idles while its agent's model thinks first.

An agent that never touches its workspace never costs one. Beside that it is the sandbox it opens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Literal

from journeyman.sandbox import Executed, Sandbox

__all__ = ["LazySandbox"]


class LazySandbox:
    """See `sandbox.Sandbox` for what its methods promise."""

    def __init__(self, open_now: Callable[[], Awaitable[Sandbox]]) -> None:
        self._open_now = open_now
        self._sandbox: Sandbox | None = None
        self._lock = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether anything was ever done in it."""
        return self._sandbox is not None

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: Literal["agent", "root"] = "agent",
    ) -> Executed:
        """Run a shell command in the workspace."""
        sandbox = await self._opened()
        return await sandbox.execute(command, timeout_s=timeout_s, stdin=stdin, env=env, user=user)

    async def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return await (await self._opened()).read(path)

    async def write(self, path: str, data: bytes) -> None:
        """Write a file, its parents made as needed."""
        await (await self._opened()).write(path, data)

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on its loopback."""
        return await (await self._opened()).listen(port)

    async def close(self) -> None:
        """Close it if it was opened. Safe to call twice."""
        if self._sandbox is not None:
            await self._sandbox.close()

    async def _opened(self) -> Sandbox:
        if self._sandbox is None:
            async with self._lock:
                if self._sandbox is None:
                    self._sandbox = await self._open_now()
        return self._sandbox
