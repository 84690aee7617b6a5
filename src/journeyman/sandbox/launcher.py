"""Our end of the zygote: starts it when it is first needed, and asks it for processes.

child = launch(request, [stdin, stdout, stderr])
await process.wait(child, timeout_s=60)
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from journeyman.errors import AttributedError
from journeyman.sandbox.process import Child, memory_file

__all__ = ["Porter", "launch"]

_SCRIPT = Path(__file__).with_name("zygote.py")
_ANSWER_BYTES = 4096
_ANSWER_S = 60.0


class _Line:
    """Our end of a socket to a zygote or a porter."""

    def __init__(self, ours: socket.socket) -> None:
        ours.settimeout(_ANSWER_S)
        self._socket = ours

    def ask(self, request: dict[str, Any], descriptors: Sequence[int]) -> Any:
        """Send a request and return the answer; `OSError` if there is nobody or it failed."""
        payload = memory_file(marshal.dumps(request))
        try:
            socket.send_fds(self._socket, [b"!"], [payload, *descriptors])
        finally:
            os.close(payload)
        answer = self._socket.recv(_ANSWER_BYTES)
        if not answer:
            raise ConnectionResetError("it has ended")
        return marshal.loads(answer)  # noqa: S302 - from our own child

    def close(self) -> None:
        self._socket.close()


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
            # Read by anyone who can see the process, so no secrets; `bwrap` is found by the path.
            env={"PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
        )
        theirs.close()

    @property
    def is_usable(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None


_zygotes: list[_Zygote] = []


def _ask(request: dict[str, Any], descriptors: Sequence[int]) -> Any:
    """Ask the zygote; a dead one is replaced once."""
    for is_last in (False, True):
        if not _zygotes or not _zygotes[0].is_usable:
            _zygotes[:] = [_Zygote()]
        try:
            answer = _zygotes[0].line.ask(request, descriptors)
        except OSError as error:
            _zygotes.clear()
            if is_last:
                raise AttributedError("sandbox_unavailable", f"no zygote: {error}") from None
            continue
        if isinstance(answer, str):
            raise AttributedError("sandbox_unavailable", answer)
        return answer
    raise AssertionError("unreachable")


class Porter:
    """Lets commands into one sandbox, being in its control groups already.

    Without groups, and where the porter can do nothing because the sandbox has used its processes
    up, the zygote lets them in.
    """

    def __init__(self, joins: list[str]) -> None:
        self._joins = joins
        self._line: _Line | None = None
        self._child: Child | None = None
        if not joins:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._child = Child(_ask({"work": "hire", "joins": joins}, [theirs.fileno()]))
        finally:
            theirs.close()
        self._line = _Line(ours)

    def enter(self, request: dict[str, Any], descriptors: Sequence[int]) -> Child:
        """Start a command with the descriptors as its 0, 1 and 2.

        Where the sandbox cannot be entered the child says so and fails.
        """
        answer: Any = ""
        request = {**request, "work": "enter", "joins": []}
        if self._line is not None:
            try:
                answer = self._line.ask(request, descriptors)
            except OSError:
                answer = ""
        if isinstance(answer, str):
            answer = _ask({**request, "joins": self._joins}, descriptors)
        command, entered = answer
        helper = Child(entered)
        return Child(command, helper) if command else helper

    def close(self) -> None:
        """Dismiss it. Safe to call twice."""
        if self._line is not None:
            self._line.close()
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._child = None


def launch(request: dict[str, Any], descriptors: Sequence[int]) -> Child:
    """Start process 1 of a sandbox with the descriptors as its 0, 1, 2 and 3."""
    return Child(_ask({**request, "work": "start"}, descriptors))
