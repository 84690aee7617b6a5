"""The sandbox in a container: Docker or podman, driven by their command line.

The same environment, user, limits and isolation as the namespace sandbox, for machines where that one
is not permitted. It starts in a good quarter of a second instead of milliseconds. Closing the pipe to
its process 1 ends everything, so it does not outlive the process that opened it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import state
from journeyman.sandbox.base import WORKSPACE, Executed, SandboxSpec
from journeyman.sandbox.engine import LABEL, Engine, find_engine
from journeyman.sandbox.errand import Errand, Exec
from journeyman.sandbox.files import FILE_LIMIT_BYTES, FILE_TIMEOUT_S, READ, WRITE, raise_refusal
from journeyman.sandbox.image import DEFAULT_BASE, find_image
from journeyman.sandbox.keeper import Kept, start_keeper
from journeyman.sandbox.netns import listen_in
from journeyman.sandbox.overlay import archive_of
from journeyman.sandbox.settings import BASE_VARIABLES

if TYPE_CHECKING:
    from journeyman.sandbox.index import IndexServer

__all__ = ["ContainerSandbox", "container_name", "open_container", "remove_orphans"]

_WATCH_S = 5.0
_SPARE_PROCESSES = 32
_MARK = "JOURNEYMAN_COMMAND"

# A bomb goes on while it is being killed, hence the rounds; SIGSTOP first would only delay it.
_KILL = (
    "for round in 1 2 3 4 5 6 7 8 9; do "
    'found=$(grep -slaF -e "$0" /proc/[0-9]*/environ); [ -n "$found" ] || exit 0; '
    'for path in $found; do n=${path#/proc/}; kill -9 "${n%/environ}" 2>/dev/null; done; done'
)


class ContainerSandbox:
    """A live container; see `base.Sandbox` for what its methods promise."""

    def __init__(self, spec: SandboxSpec, folder: Path, engine: Engine, kept: Kept) -> None:
        self.name = folder.name
        self.spec = spec
        self._workdir = WORKSPACE
        self._user = _user(spec)
        self.container = container_name(folder.name)
        self._folder = folder
        self._engine = engine
        self._kept: Kept | None = kept
        self._index: IndexServer | None = None

    async def execute(
        self,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        user: Literal["agent", "root"] = "agent",
    ) -> Executed:
        """Run a shell command in the workspace; `root` is uid 0 of a container without power."""
        variables = self._variables(env)
        words = ["bash", "-c", command]
        limit = self.spec.limits.output_bytes
        owner = "0:0" if user == "root" else self._user
        return await self._run(words, timeout_s, stdin, limit, variables, owner)

    async def read(self, path: str) -> bytes:
        """Read a file from inside, so that links lead nowhere but into the sandbox."""
        done = await self._script([READ, path], b"", FILE_LIMIT_BYTES)
        raise_refusal(done, path)
        return done.stdout

    async def write(self, path: str, data: bytes) -> None:
        """Write a file from inside, its parents made as needed."""
        done = await self._script([WRITE, path], data, 4096)
        raise_refusal(done, path)

    async def close(self) -> None:
        """End every process and remove what the sandbox wrote. Safe to call twice."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        is_removed = False
        try:
            if self._index is not None:
                await self._index.close()
            is_removed = await kept.end()
        finally:
            # Also where somebody cancels meanwhile: it removes the container too.
            await asyncio.to_thread(state.remove, self._folder, has_container=not is_removed)

    async def lay(self, layers: tuple[Path, ...]) -> None:
        """Put further layers over the workspace, bottom first."""
        for layer in layers:
            gone, archive = await asyncio.to_thread(archive_of, layer)
            if gone:
                await self._must(["sh", "-c", "cd /testbed && xargs -0 rm -rf --"], gone)
            if archive:
                await self._must(["tar", "-x", "-p", "-C", WORKSPACE, "-f", "-"], archive)

    async def listen(self, port: int = 0) -> socket.socket:
        """Return a socket that listens on the container's own loopback."""
        pid = await self._engine.ask("inspect", "--format", "{{.State.Pid}}", self.container)
        try:
            return await asyncio.to_thread(listen_in, int(pid), port)
        except OSError as error:
            raise JourneymanError(
                f"the network of a container cannot be entered: {error}",
                "run as root beside the engine, or use --sandbox namespace",
            ) from None

    async def serve_index(self) -> None:
        """Serve the package indexes on the container's own loopback, from out here."""
        from journeyman.sandbox.index import INDEX_PORT, open_index  # with HTTP, others need not

        self._index = await open_index(self.spec, await self.listen(INDEX_PORT))

    async def _must(self, words: list[str], stdin: bytes) -> None:
        variables = dict(BASE_VARIABLES)
        done = await self._run(words, FILE_TIMEOUT_S, stdin, 4096, variables, self._user)
        if done.exit_code:
            detail = done.stderr.decode(errors="replace").strip()
            raise AttributedError("sandbox_unavailable", f"its workspace cannot be laid: {detail}")

    async def _script(self, words: list[str], stdin: bytes, limit: int) -> Executed:
        return await self._run(
            ["sh", "-c", *words], FILE_TIMEOUT_S, stdin, limit, self._variables(), self._user
        )

    def _variables(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        index = self._index.variables if self._index is not None else {}
        return {**BASE_VARIABLES, **index, **self.spec.variables, **(extra or {})}

    async def _run(
        self,
        words: list[str],
        timeout_s: float,
        stdin: bytes,
        limit: int,
        variables: dict[str, str],
        user: str,
    ) -> Executed:
        self._raise_if_dead("is not running")
        started = time.monotonic()
        mark = secrets.token_hex(16)
        errand: Errand | Exec | None = None
        is_ended = False
        try:
            errand = await self._begin(words, stdin, limit, {**variables, _MARK: mark}, user)
            is_ended = await self._wait(errand, timeout_s)
        finally:
            try:
                if not is_ended and self._is_alive():
                    await self._kill(mark, user)
            finally:
                if errand is not None:
                    await errand.finish()
        self._raise_if_dead("ended during a command")
        code = errand.code if is_ended else 137
        (_, stdout), (_, stderr) = errand.readers
        await self._raise_if_refused(code, stderr.value())
        return Executed(
            exit_code=code,
            stdout=stdout.value(),
            stderr=stderr.value(),
            is_truncated=stdout.is_truncated or stderr.is_truncated,
            is_timed_out=not is_ended,
            duration_s=time.monotonic() - started,
        )

    async def _begin(
        self, words: list[str], stdin: bytes, limit: int, variables: dict[str, str], user: str
    ) -> Errand | Exec:
        """Start a command: by the server in the container where it may be, else by the engine."""
        courier = None if self._kept is None else self._kept.courier
        if courier is not None and user == self._user:
            errand = await courier.carry(words, stdin, limit, variables, self._workdir)
            if errand is not None:
                return errand
            self._raise_if_dead("is not running")
        flags = ["--user", user, "--workdir", self._workdir]
        for name, value in variables.items():
            flags += ["--env", f"{name}={value}"]
        return await Exec.start(self._engine, self.container, flags, words, stdin, limit)

    async def _wait(self, errand: Errand | Exec, timeout_s: float) -> bool:
        """Wait for a command, looking now and then at what the sandbox has written."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > _WATCH_S:
            if await errand.wait(_WATCH_S):
                return True
            self._raise_if_dead("ended during a command")
            await self._raise_if_full()
        return await errand.wait(max(left, 0.0))

    async def _raise_if_full(self) -> None:
        done = await self._engine.call(
            "inspect", "--size", "--format", "{{.SizeRw}}", self.container
        )
        text = done.stdout.strip()
        if text.isdigit() and int(text) > self.spec.limits.disk_bytes:
            await self._engine.call("kill", self.container)
            limit = self.spec.limits.disk_bytes
            raise AttributedError("sandbox_died", f"{self.name} wrote more than {limit} bytes")

    async def _kill(self, mark: str, user: str) -> None:
        """Kill what a command started, wherever it went; it carries the mark in its environment."""
        room = self.spec.limits.num_processes + _SPARE_PROCESSES
        await self._engine.call("update", "--pids-limit", str(room), self.container)
        words = ["sh", "-c", _KILL, f"{_MARK}={mark}"]
        await self._engine.call("exec", "--user", user, self.container, *words, timeout_s=30)

    def _is_alive(self) -> bool:
        return self._kept is not None and self._kept.is_alive()

    def _raise_if_dead(self, how: str) -> None:
        if not self._is_alive():
            raise AttributedError("sandbox_died", f"{self.name} {how}")

    async def _raise_if_refused(self, code: int, stderr: bytes) -> None:
        """Tell a command that failed from one that the engine never started."""
        if code and b"Error response from daemon" in stderr[:200]:
            with contextlib.suppress(AttributedError):
                words = ("inspect", "--format", "{{.State.Running}}", self.container)
                if await self._engine.ask(*words) == "true":
                    return
            raise AttributedError("sandbox_died", f"{self.name}: {stderr.decode(errors='replace')}")


async def open_container(
    spec: SandboxSpec, name: str, program: str, base: str = ""
) -> ContainerSandbox:
    """Start a container from the image of `spec`, built over `base`, and return once it is ready."""
    engine = find_engine(program)
    await remove_orphans(engine)
    image = await find_image(engine, base or DEFAULT_BASE, spec)
    folder = state.claim(name, spec.owner, engine=program)
    sandbox = None
    try:
        command = ["--entrypoint", "/bin/sh", image, "-c"]
        kept = await start_keeper(engine, folder, container_name(name), _flags(spec), command)
        sandbox = ContainerSandbox(spec, folder, engine, kept)
        if spec.network == "index":
            await sandbox.serve_index()
        await sandbox.lay(spec.workspace_layers[1:])
    except BaseException:
        if sandbox is None:
            state.remove(folder)
        else:
            await sandbox.close()
        raise
    return sandbox


def container_name(name: str) -> str:
    """Return the engine's name for the sandbox `name`."""
    return f"journeyman-{name}"


def _flags(spec: SandboxSpec) -> list[str]:
    limits = spec.limits
    scratch = f"rw,exec,nosuid,nodev,size={limits.disk_bytes}"
    flags = [
        "--hostname",
        "sandbox",
        "--label",
        f"{LABEL}={state.own_mark()}-",
        "--label",
        f"{LABEL}.owner={spec.owner}",
    ]
    flags += ["--network", "bridge" if spec.network == "open" else "none"]
    flags += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", _user(spec)]
    flags += ["--pids-limit", str(limits.num_processes), "--cpus", str(limits.num_cpus)]
    flags += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    flags += ["--workdir", "/"]
    flags += ["--tmpfs", f"/tmp:{scratch},mode=1777"]  # noqa: S108
    for mount in spec.mounts:
        if mount.is_writable:
            flags += ["--volume", f"{mount.source.absolute()}:{mount.target}"]
    return flags


def _user(spec: SandboxSpec) -> str:
    """Writable folders of the host are written to as the host's own user."""
    if any(mount.is_writable for mount in spec.mounts):
        return f"{os.getuid()}:{os.getgid()}"
    return "1000:1000"


_cleaned: set[tuple[str, int]] = set()


async def remove_orphans(engine: Engine) -> None:
    """Once in this process, remove the containers of processes that are gone."""
    key = (engine.program, os.getpid())
    if key in _cleaned:
        return
    _cleaned.add(key)
    for name, mark in (await engine.containers()).items():
        if mark[:1].isdigit() and not state.is_marked_by_the_living(mark):
            await engine.remove(name)
