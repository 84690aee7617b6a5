"""Our end of the zygote, started when it is first needed, and of the porters that it forks.

porter = Porter(joins, is_isolated=True)
keeper = await porter.build(steps, lifeline)
child = await porter.enter(request, [stdin, stdout, stderr])
await process.wait(child, timeout_s=60)
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import resource
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from journeyman.config import cache_folder
from journeyman.errors import AttributedError
from journeyman.sandbox import layout
from journeyman.sandbox.base import Limits
from journeyman.sandbox.process import Child, kill_tree, memory_file

__all__ = ["Porter"]

_SCRIPT = Path(__file__).with_name("zygote.py")
_ANSWER_BYTES = 4096
_ANSWER_S = 60.0


class _Line:
    """Our end of a socket to a zygote, where asking makes the event loop stand still."""

    def __init__(self, ours: socket.socket) -> None:
        ours.settimeout(_ANSWER_S)
        self._socket = ours

    def ask(self, request: dict[str, Any], descriptors: Sequence[int]) -> Any:
        """Send a request and return the answer; `OSError` if there is nobody or it failed."""
        _send(self._socket, request, descriptors)
        return _read(self._socket.recv(_ANSWER_BYTES))

    def close(self) -> None:
        self._socket.close()


class _LongLine:
    """Our end of a socket to a porter: those who ask wait for their turn and for the answer."""

    def __init__(self, ours: socket.socket) -> None:
        ours.setblocking(False)
        self._socket = ours
        self._turn = asyncio.Lock()
        self._is_lost = False

    async def ask(self, request: dict[str, Any], descriptors: Sequence[int]) -> Any:
        """Send a request and return the answer; `OSError` if there is nobody or it failed."""
        return await (await self.begin(request, descriptors))

    async def begin(
        self, request: dict[str, Any], descriptors: Sequence[int]
    ) -> asyncio.Future[Any]:
        """Send a request; its answer is received whether or not anybody waits for it."""
        await self._turn.acquire()
        try:
            if self._is_lost:
                raise ConnectionResetError("it answers no more")
            _send(self._socket, request, descriptors)
        except BaseException:
            self._turn.release()
            raise
        return asyncio.ensure_future(self._receive())

    async def settle(self) -> None:
        """Wait until no answer is outstanding."""
        async with self._turn:
            pass

    async def _receive(self) -> Any:
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(_ANSWER_S):
                answer = await loop.sock_recv(self._socket, _ANSWER_BYTES)
        except asyncio.CancelledError:
            # By the end of the loop. It is under way, and names a child that somebody must reap.
            self._socket.settimeout(_ANSWER_S)
            answer = self._socket.recv(_ANSWER_BYTES)
        except BaseException:
            self._is_lost = True  # what comes now would be taken for the next answer
            raise
        finally:
            self._turn.release()
            if self._is_lost:
                self._socket.close()
        return _read(answer)

    def close(self) -> None:
        self._is_lost = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who still waits for an answer
        if not self._turn.locked():
            self._socket.close()


def _send(line: socket.socket, request: dict[str, Any], descriptors: Sequence[int]) -> None:
    payload = memory_file(marshal.dumps(request))
    try:
        socket.send_fds(line, [b"!"], [payload, *descriptors])
    finally:
        os.close(payload)


def _read(answer: bytes) -> Any:
    if not answer:
        raise ConnectionResetError("it has ended")
    return marshal.loads(answer)  # noqa: S302 - from our own child


class _Zygote:
    """A running zygote, of the process that started it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line = _Line(ours)
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT)],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env={},  # read by anyone who can see the process
            start_new_session=True,
        )
        theirs.close()

    @property
    def is_usable(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None


_zygotes: list[_Zygote] = []


def _forget_zygotes() -> None:
    """Close our ends of their sockets: of another process's zygote, that of this fork alone."""
    while _zygotes:
        _zygotes.pop().line.close()


def _ask(request: dict[str, Any], descriptors: Sequence[int]) -> Any:
    """Ask the zygote; a dead one is replaced once."""
    for is_last in (False, True):
        if not _zygotes or not _zygotes[0].is_usable:
            _forget_zygotes()
            _zygotes.append(_Zygote())
        try:
            answer = _zygotes[0].line.ask(request, descriptors)
        except OSError as error:
            _forget_zygotes()
            if is_last:
                raise AttributedError("sandbox_unavailable", f"no zygote: {error}") from None
            continue
        if isinstance(answer, str):
            raise AttributedError("sandbox_unavailable", answer)
        return answer
    raise AssertionError("unreachable")


class Porter:
    """Builds one sandbox and lets commands into it, being in its control groups and namespaces.

    It starts on what all sandboxes have in common as soon as it is hired. Where it can do nothing
    because the sandbox has used its processes up, the zygote lets commands in.
    """

    def __init__(self, joins: list[str], *, is_isolated: bool) -> None:
        self.is_isolated = is_isolated
        self._joins = joins
        self._target = 0
        request = {
            "work": "hire",
            "joins": joins,
            "is_isolated": is_isolated,
            "scratch": str(cache_folder("mountpoint")),
            "steps": layout.first_steps(),
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._child: Child | None = Child(_ask(request, [theirs.fileno()]))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._line = _LongLine(ours)
        # Where an event loop ended before anybody could close it: the porter ends with the socket.
        weakref.finalize(self, ours.close)

    @property
    def is_alive(self) -> bool:
        """Whether it can still serve."""
        return self._child is not None and self._child.poll() is None

    async def build(self, steps: list[layout.Step], limits: Limits, lifeline: int) -> Child:
        """Finish the sandbox; return its process 1, which ends with the pipe `lifeline`.

        Where there are no control groups, resource limits keep what they can of `limits`.

        Raises `OSError` that says what the kernel refused.
        """
        ceilings = [
            (resource.RLIMIT_DATA, limits.memory_bytes),
            (resource.RLIMIT_NPROC, limits.num_processes),
        ]
        order = {"work": "build", "steps": steps, "ceilings": [] if self._joins else ceilings}
        answer = await self._line.ask(order, [lifeline])
        if isinstance(answer, str):
            raise OSError(answer)
        self._target = answer
        return Child(answer)

    async def listen(self, port: int) -> socket.socket:
        """Return a listening socket on the sandbox's own loopback: who accepts may be outside.

        Raises `OSError` that says what the kernel refused.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                order = {"work": "listen", "port": port}
                answer = await self._line.ask(order, [theirs.fileno()])
            if isinstance(answer, str):
                raise OSError(answer)
            _, (found,), _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
            return socket.socket(fileno=found)

    async def enter(self, request: dict[str, Any], descriptors: Sequence[int]) -> Child:
        """Start a command with the descriptors as its 0, 1 and 2.

        Where the sandbox cannot be entered the child says so and fails.
        """
        request = {**request, "work": "enter"}
        answer: Any
        try:
            answering = await self._line.begin(request, descriptors)
            if await _is_cancelled_during(answering):
                _end_command(answering)
                raise asyncio.CancelledError
            answer = answering.result()
        except OSError as error:
            answer = str(error)
        if isinstance(answer, str):
            names = ["mnt", "pid", "ipc", "uts", "cgroup"] + ["net"] * self.is_isolated
            way = {"joins": self._joins, "target": self._target, "namespaces": names}
            answer = _ask({**request, **way}, descriptors)
        command, entered = answer
        helper = Child(entered) if entered else None
        if not command and helper is not None:
            return helper
        return Child(command, helper)

    async def settle(self) -> None:
        """Wait until every command that was asked for is known to whoever asked.

        A cancellation meanwhile, which is milliseconds, is raised afterwards.
        """
        if await _is_cancelled_during(asyncio.ensure_future(self._line.settle())):
            raise asyncio.CancelledError

    def close(self) -> None:
        """Dismiss it. Safe to call twice."""
        self._line.close()
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.wait()


async def _is_cancelled_during(work: asyncio.Future[Any]) -> bool:
    """Wait for work of milliseconds to its end; tell whether somebody cancelled meanwhile."""
    is_cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            is_cancelled = True
    return is_cancelled


def _end_command(answering: asyncio.Future[Any]) -> None:
    """End a command that nobody waits for; unreaped, it would keep its sandbox from ever ending."""
    if answering.cancelled() or answering.exception() is not None:
        return
    answer = answering.result()
    if not isinstance(answer, str):
        kill_tree(answer[0])
        Child(answer[0]).wait()
