"""Processes on the event loop without a thread each: started, read within bounds, waited for.

`asyncio`'s own subprocesses keep a thread per child before Python 3.12 and hold all output in
memory; these wait on a pidfd and keep only the head and the tail of a flood. `launcher` starts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

__all__ = ["Bounded", "Child", "Reader", "drain", "finish", "kill_tree", "memory_file", "wait"]

_GRACE_S = 0.25
_LOST = 255
"""Exit code of a child whose end somebody else saw."""


class Bounded(asyncio.Protocol):
    """Keeps the first and the last half of `limit` bytes and counts what it drops."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._num_bytes = 0
        self.is_at_end = asyncio.Event()
        self.has_data = asyncio.Event()
        """Set by the first byte, and by the end."""

    def data_received(self, data: bytes) -> None:
        """Take what the pipe gave, dropping the middle as it grows."""
        self._num_bytes += len(data)
        self.has_data.set()
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 4 * self._half:
            del self._tail[: -self._half]

    def connection_lost(self, exc: Exception | None) -> None:
        """The last writer has closed the pipe."""
        self.is_at_end.set()
        self.has_data.set()

    @property
    def is_truncated(self) -> bool:
        """Whether anything was dropped."""
        return self._num_bytes > 2 * self._half

    def value(self) -> bytes:
        """Return what was kept, with a marker where the middle was."""
        if not self.is_truncated:
            return bytes(self._head + self._tail)
        num_dropped = self._num_bytes - 2 * self._half
        marker = f"\n... {num_dropped} bytes left out ...\n".encode()
        return bytes(self._head) + marker + bytes(self._tail[-self._half :])


def memory_file(data: bytes) -> int:
    """Return a descriptor of an anonymous file that holds `data`, at its start."""
    descriptor = os.memfd_create("stdin", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


Reader = tuple[asyncio.ReadTransport, Bounded]
"""A pipe that is being read, as `drain` returns it."""


class Child:
    """A child process that `subprocess` did not start, with a helper of it that ended long before."""

    def __init__(self, pid: int, helper: Child | None = None) -> None:
        self.pid = pid
        self._helper = helper
        self.returncode: int | None = None
        """Exit code, negative for a signal; None while it runs."""

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        code = self._reap(0)
        assert code is not None, "a wait that blocks ends with the child"
        return code

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                self.returncode = _LOST
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        if self.returncode is not None and self._helper is not None:
            self._helper.wait()
        return self.returncode


async def wait(process: Child, timeout_s: float | None) -> bool:
    """Wait until the process has ended; False where it still runs after `timeout_s`."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        process.wait()
        return True
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        # Before Python 3.12 `wait_for` swallows a cancellation that comes with the end.
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    process.wait()
    return True


async def drain(descriptor: int, limit: int) -> Reader:
    """Read a pipe to its end in the background; the transport owns the descriptor."""
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(descriptor, "rb", 0)
    return await loop.connect_read_pipe(lambda: Bounded(limit), pipe)


async def finish(readers: Sequence[Reader]) -> None:
    """Give output that is still on its way a moment; a background child may hold the pipe open."""
    waits = [bounded.is_at_end.wait() for _, bounded in readers]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await asyncio.gather(*waits)
    for transport, _ in readers:
        transport.close()


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, wherever their sessions and groups went."""
    for _ in range(20):
        pids = descendants(pid)
        for victim in [pid, *pids]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(victim, signal.SIGKILL)
        if not pids:
            return


def descendants(pid: int) -> list[int]:
    """Return the ids of all living descendants of a process."""
    found = []
    todo = [pid]
    while todo:
        children = _children(todo.pop())
        found += children
        todo += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    return children
