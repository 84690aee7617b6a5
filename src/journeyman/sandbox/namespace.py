"""The embedded sandbox: namespaces, overlayfs and control groups, without any privilege.

One sandbox is one process tree in namespaces of its own; each command enters it from outside, so
nothing inside is trusted to report on itself. Closing the pipe to its process 1 ends everything.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from journeyman.errors import AttributedError
from journeyman.sandbox import cgroups, launcher, layout, process, state
from journeyman.sandbox.base import WORKSPACE, Executed, SandboxSpec
from journeyman.sandbox.blank import keep_one_ready, take_blank
from journeyman.sandbox.diagnosis import explain_refusal
from journeyman.sandbox.files import (
    FILE_LIMIT_BYTES,
    FILE_TIMEOUT_S,
    READ,
    WRITE,
    raise_refusal,
)
from journeyman.sandbox.settings import BASE_VARIABLES

if TYPE_CHECKING:
    from journeyman.sandbox.index import IndexServer

__all__ = ["NamespaceSandbox", "open_namespace"]

_SHELLS = ["/bin/bash", "/bin/sh"]


class NamespaceSandbox:
    """A live sandbox; see `base.Sandbox` for what its methods promise."""

    def __init__(
        self,
        spec: SandboxSpec,
        folder: Path,
        porter: launcher.Porter,
        keeper: process.Child,
        lifeline: int,
        group: str,
        index: IndexServer | None = None,
    ) -> None:
        self.name = folder.name
        self.spec = spec
        self._folder = folder
        self._porter = porter
        self._keeper: process.Child | None = keeper
        self._lifeline = lifeline
        self.group = group
        """Name of its control groups."""
        self._index = index
        self._running: set[int] = set()

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: Literal["agent", "root"] = "agent",
    ) -> Executed:
        """Run a shell command in the workspace; `root` is uid 0 of a namespace without power."""
        programs, arguments = _SHELLS, ["bash", "-c", command]
        if user == "root":
            shell = next(path for path in _SHELLS if Path(path).exists())
            programs = ["/usr/bin/unshare"]
            arguments = ["unshare", "--user", "--map-root-user", shell, "-c", command]
        limit = self.spec.limits.output_bytes
        return await self._run(programs, arguments, timeout_s, stdin, limit, self._variables(env))

    async def read(self, path: str) -> bytes:
        """Read a file from inside, so that links lead nowhere but into the sandbox."""
        done = await self._script([READ, path], b"", FILE_LIMIT_BYTES)
        raise_refusal(done, path)
        return done.stdout

    async def write(self, path: str, data: bytes) -> None:
        """Write a file from inside, its parents made as needed."""
        done = await self._script([WRITE, path], data, 4096)
        raise_refusal(done, path)

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on the sandbox's own loopback."""
        try:
            return await self._porter.listen(port)
        except OSError as error:
            raise explain_refusal(str(error)) from None

    async def close(self) -> None:
        """End every process and remove what the sandbox wrote. Safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        try:
            # Of a command that is just being started nobody knows yet, and its end would be awaited.
            await self._porter.settle()
        finally:
            self._kill(keeper)
            await self._clear(keeper)

    def _kill(self, keeper: process.Child) -> None:
        for pid in (keeper.pid, *self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        os.close(self._lifeline)
        self._porter.close()

    async def _clear(self, keeper: process.Child) -> None:
        try:
            if self._index is not None:
                await self._index.close()
            await process.wait(keeper, None)
        finally:
            # Whoever is cancelled meanwhile leaves nothing behind either; it was killed above.
            keeper.wait()
            state.remove(self._folder)

    def _variables(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        index = self._index.variables if self._index is not None else {}
        return {**BASE_VARIABLES, **index, **self.spec.variables, **(extra or {})}

    async def _script(self, words: list[str], stdin: bytes, limit: int) -> Executed:
        arguments = ["sh", "-c", *words]
        return await self._run(
            ["/bin/sh"], arguments, FILE_TIMEOUT_S, stdin, limit, self._variables()
        )

    async def _run(
        self,
        programs: list[str],
        arguments: list[str],
        timeout_s: float,
        stdin: bytes,
        limit: int,
        variables: dict[str, str],
    ) -> Executed:
        if self._keeper is None or self._keeper.poll() is not None:
            raise AttributedError("sandbox_died", f"{self.name} is not running")
        started = time.monotonic()
        request = self._request(programs, arguments, variables)
        child, readers = await _spawn(self._porter, request, stdin, limit)
        self._running.add(child.pid)
        is_ended = False
        try:
            is_ended = await process.wait(child, timeout_s)
        finally:
            if not is_ended:
                process.kill_tree(child.pid)
                child.wait()
            self._running.discard(child.pid)
            await process.finish(readers)
        if self._keeper is None or self._keeper.poll() is not None:
            raise AttributedError("sandbox_died", f"{self.name} ended during a command")
        code = child.wait()
        (_, stdout), (_, stderr) = readers
        return Executed(
            exit_code=128 - code if code < 0 else code,
            stdout=stdout.value(),
            stderr=stderr.value(),
            is_truncated=stdout.is_truncated or stderr.is_truncated,
            is_timed_out=not is_ended,
            duration_s=time.monotonic() - started,
        )

    def _request(
        self, programs: list[str], arguments: list[str], variables: dict[str, str]
    ) -> dict[str, Any]:
        return {
            "folder": WORKSPACE,
            "programs": programs,
            "arguments": arguments,
            "variables": variables,
        }


async def _spawn(
    porter: launcher.Porter, request: dict[str, Any], stdin: bytes, limit: int
) -> tuple[process.Child, list[process.Reader]]:
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    source = process.memory_file(stdin)
    try:
        child = await porter.enter(request, [source, out_write, err_write])
    except BaseException:
        os.close(out_read)
        os.close(err_read)
        raise
    finally:
        for descriptor in (source, out_write, err_write):
            os.close(descriptor)
    try:
        return child, [await process.drain(out_read, limit), await process.drain(err_read, limit)]
    except BaseException:
        # Unwaited, a child that ended would keep its sandbox's process 1 from ever ending.
        process.kill_tree(child.pid)
        child.wait()
        raise


async def open_namespace(spec: SandboxSpec, name: str) -> NamespaceSandbox:
    """Start a sandbox and return once its process 1 is ready."""
    for layer in spec.workspace_layers:
        if not layer.is_dir():
            raise AttributedError("environment_missing", f"no folder {layer}")
    blank = take_blank(is_isolated=spec.network != "open")
    try:
        folder = state.claim(name, spec.owner, blank.group)
    except BaseException:
        blank.discard()
        raise
    index = None
    try:
        cgroups.limit(blank.group, spec.limits)
        if spec.network == "index":
            index = await _serve_index(spec, blank.porter)
        keeper, lifeline = await _start(spec, blank.porter)
    except BaseException:
        if index is not None:
            await index.close()
        blank.porter.close()
        state.remove(folder)
        raise
    keep_one_ready()
    return NamespaceSandbox(spec, folder, blank.porter, keeper, lifeline, blank.group, index)


async def _serve_index(spec: SandboxSpec, porter: launcher.Porter) -> IndexServer:
    """Serve the package indexes on the sandbox's own loopback, from out here."""
    from journeyman.sandbox.index import INDEX_PORT, open_index  # with HTTP, which others need not

    try:
        listener = await porter.listen(INDEX_PORT)
    except OSError as error:
        raise explain_refusal(str(error)) from None
    return await open_index(spec, listener)


async def _start(spec: SandboxSpec, porter: launcher.Porter) -> tuple[process.Child, int]:
    """Start process 1; once it is ready, return it and the pipe that it lives by."""
    life_read, life_write = os.pipe()
    try:
        keeper = await porter.build(layout.last_steps(spec), spec.limits, life_read)
        return keeper, life_write
    except BaseException as error:
        os.close(life_write)
        if isinstance(error, OSError):
            raise explain_refusal(str(error)) from None
        raise
    finally:
        os.close(life_read)
