"""The embedded sandbox: bubblewrap, overlayfs and control groups, without any privilege.

One sandbox is one process tree in namespaces of its own; each command enters it with `nsenter`, so
nothing inside is trusted to report on itself. Closing the pipe to its process 1 ends everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Literal

from journeyman.errors import AttributedError
from journeyman.sandbox import bubblewrap, cgroups, process, state
from journeyman.sandbox.base import Executed, SandboxSpec
from journeyman.sandbox.diagnosis import explain_refusal

__all__ = ["NamespaceSandbox", "open_namespace"]

Keeper = subprocess.Popen[bytes]

_START_TIMEOUT_S = 30.0
_FILE_TIMEOUT_S = 120.0
_FILE_LIMIT_BYTES = 1 << 30
_GRACE_S = 0.25
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ENTER = (
    'cd /testbed || exit 126; shell=/bin/bash; [ -x $shell ] || shell=/bin/sh; exec $shell -c "$0"'
)
_READ = (
    'cd /testbed; [ -d "$0" ] && exit 45; [ -e "$0" ] || exit 44; [ -f "$0" ] || exit 46; '
    'exec /bin/cat -- "$0"'
)
_WRITE = (
    'cd /testbed; [ -d "$0" ] && exit 45; parent=$(/usr/bin/dirname -- "$0") && '
    '/bin/mkdir -p -- "$parent" && exec /bin/cat > "$0"'
)
_REFUSALS: dict[int, type[OSError]] = {44: FileNotFoundError, 45: IsADirectoryError}


class NamespaceSandbox:
    """A live sandbox; see `base.Sandbox` for what its methods promise."""

    def __init__(
        self, spec: SandboxSpec, folder: Path, joins: list[str], keeper: Keeper, pid: int
    ) -> None:
        self.name = folder.name
        self.spec = spec
        self._folder = folder
        self._joins = joins
        self._keeper: Keeper | None = keeper
        self._pid = pid
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
        shell = ["/bin/sh", "-c", _ENTER, command]
        if user == "root":
            shell = ["/usr/bin/unshare", "--user", "--map-root-user", *shell]
        variables = self._variables(env)
        return await self._run(shell, timeout_s, stdin, variables, self.spec.limits.output_bytes)

    async def read(self, path: str) -> bytes:
        """Read a file from inside, so that links lead nowhere but into the sandbox."""
        shell = ["/bin/sh", "-c", _READ, path]
        done = await self._run(shell, _FILE_TIMEOUT_S, b"", self._variables(), _FILE_LIMIT_BYTES)
        _raise_refusal(done, path)
        return done.stdout

    async def write(self, path: str, data: bytes) -> None:
        """Write a file from inside, its parents made as needed."""
        shell = ["/bin/sh", "-c", _WRITE, path]
        done = await self._run(shell, _FILE_TIMEOUT_S, data, self._variables(), 4096)
        _raise_refusal(done, path)

    async def close(self) -> None:
        """End every process and remove what the sandbox wrote. Safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        for pid in (self._pid, keeper.pid, *self._running):
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
        if keeper.stdin:
            keeper.stdin.close()
        await process.wait(keeper, None)
        state.remove(self._folder)

    def _variables(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        base = {
            "PATH": _PATH,
            "HOME": bubblewrap.AGENT_HOME,
            "USER": "agent",
            "LOGNAME": "agent",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": "/tmp",  # noqa: S108
        }
        return {**base, **self.spec.variables, **(extra or {})}

    async def _run(
        self,
        arguments: list[str],
        timeout_s: float,
        stdin: bytes,
        variables: dict[str, str],
        limit: int,
    ) -> Executed:
        if self._keeper is None or self._keeper.poll() is not None:
            raise AttributedError("sandbox_died", f"{self.name} is not running")
        started = time.monotonic()
        child, readers = await self._spawn(arguments, stdin, variables, limit)
        self._running.add(child.pid)
        is_ended = False
        try:
            is_ended = await process.wait(child, timeout_s)
        finally:
            if not is_ended:
                process.kill_tree(child.pid)
                child.wait()
            self._running.discard(child.pid)
            await _finish(readers)
        if self._keeper is None or self._keeper.poll() is not None:
            raise AttributedError("sandbox_died", f"{self.name} ended during a command")
        code = child.returncode
        (_, stdout), (_, stderr) = readers
        return Executed(
            exit_code=128 - code if code < 0 else code,
            stdout=stdout.value(),
            stderr=stderr.value(),
            is_truncated=stdout.is_truncated or stderr.is_truncated,
            is_timed_out=not is_ended,
            duration_s=time.monotonic() - started,
        )

    async def _spawn(
        self, arguments: list[str], stdin: bytes, variables: dict[str, str], limit: int
    ) -> tuple[subprocess.Popen[bytes], list[tuple[asyncio.ReadTransport, process.Bounded]]]:
        enter = "".join(f"echo $$ > {file}; " for file in self._joins)
        namespaces = ["-U", "-m", "-p", "-i", "-u", "-C"]
        if self.spec.network != "open":
            namespaces.append("-n")
        nsenter = ["nsenter", "-t", str(self._pid), "--preserve-credentials", *namespaces]
        script = enter + 'ulimit -c 0; exec "$@"'
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        source = process.memory_file(stdin)
        try:
            child = process.start(
                ["/bin/sh", "-c", script, "sh", *nsenter, "--", *arguments],
                stdin=source,
                stdout=out_write,
                stderr=err_write,
                env=variables,
            )
        finally:
            for descriptor in (source, out_write, err_write):
                os.close(descriptor)
        return child, [await process.drain(out_read, limit), await process.drain(err_read, limit)]


async def open_namespace(spec: SandboxSpec, name: str) -> NamespaceSandbox:
    """Start a sandbox and return once its process 1 is ready."""
    folder = state.claim(name, spec.owner)
    try:
        joins = cgroups.join_files(cgroups.create(name, spec.limits))
        _lay_out(spec, folder)
        keeper, pid = await _start(spec, folder, joins)
    except BaseException:
        state.remove(folder)
        raise
    return NamespaceSandbox(spec, folder, joins, keeper, pid)


def _lay_out(spec: SandboxSpec, folder: Path) -> None:
    for part in ("scratch", "merged", "etc"):
        (folder / part).mkdir()
    home = bubblewrap.AGENT_HOME
    (folder / "etc/passwd").write_text(
        f"root:x:0:0:root:/root:/bin/bash\nagent:x:1000:1000:agent:{home}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )
    (folder / "etc/group").write_text("root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost sandbox\n::1 localhost\n")
    for index, layer in enumerate(spec.workspace_layers):
        if not layer.is_dir():
            raise AttributedError("environment_missing", f"no folder {layer}")
        (folder / f"l{index}").symlink_to(layer.absolute())


async def _start(spec: SandboxSpec, folder: Path, joins: list[str]) -> tuple[Keeper, int]:
    """Start process 1 and return once it is ready, with its id on the host."""
    info_read, info_write = os.pipe()
    script = bubblewrap.launch_script(spec, folder, joins, info_write)
    keeper = _spawn_keeper(script, folder / "start.log", info_write)
    os.close(info_write)
    with os.fdopen(info_read, "rb") as pipe:
        try:
            if await _is_ready(keeper):
                return keeper, int(json.load(pipe)["child-pid"])
            raise explain_refusal((folder / "start.log").read_text(errors="replace"))
        except BaseException:
            _discard(keeper)
            raise


def _spawn_keeper(script: str, log: Path, info_fd: int) -> Keeper:
    with log.open("wb") as stderr:
        return subprocess.Popen(
            ["/bin/sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={"PATH": os.environ.get("PATH", _PATH)},  # read by anyone inside, so no secrets
            pass_fds=(info_fd,),
            start_new_session=True,
        )


async def _is_ready(keeper: Keeper) -> bool:
    assert keeper.stdout is not None
    transport, output = await process.drain(os.dup(keeper.stdout.fileno()), 4096)
    keeper.stdout.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(output.has_data.wait(), _START_TIMEOUT_S)
    transport.close()
    return bool(output.value())


def _discard(keeper: Keeper) -> None:
    keeper.kill()
    keeper.wait()
    if keeper.stdin:
        keeper.stdin.close()


async def _finish(readers: list[tuple[asyncio.ReadTransport, process.Bounded]]) -> None:
    """Give output that is still on its way a moment; a background child may hold the pipe open."""
    waits = [protocol.is_at_end.wait() for _, protocol in readers]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*waits), _GRACE_S)
    for transport, _ in readers:
        transport.close()


def _raise_refusal(done: Executed, path: str) -> None:
    if done.exit_code in _REFUSALS:
        number = _REFUSALS[done.exit_code]
        raise number(f"{number.__name__}: {path} in the sandbox")
    if done.exit_code:
        detail = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(f"cannot use {path} in the sandbox: {detail[-1] if detail else 'refused'}")
