"""A command under way in a container: carried in by a small server there, or by the engine's `exec`.

`docker exec` starts a chain of programs for every command. So process 1 of a container also starts a
shell that serves requests: named pipes in a folder of the host, which the container sees read-only,
lead each command's output and exit code straight to us. The engine has no part in that. Whoever works
in the container may kill or stop that shell, and then commands go in by `exec` again. That is also the
way where the image has no Bash or the engine does not run on this machine.

    courier = await Courier.lay(folder)          # before the container starts, which is given the folder
    errand = await courier.carry(["ls"], b"", limit=1 << 20, variables={}, workdir="/testbed")
    if errand is not None and await errand.wait(timeout_s=60):
        code = errand.code
    await errand.finish()
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import shlex
import shutil
from pathlib import Path

from journeyman.sandbox import process
from journeyman.sandbox.engine import Engine, spawn

__all__ = ["PLACE", "Courier", "Errand", "Exec"]

PLACE = "/.journeyman"
"""Where the container sees the folder of the pipes."""

_TAKEN_S = 10.0
_KILLED = 137

# Each command is a job of its own, so that `kill 0` in there ends that command alone. `alive` is held
# open by the server and nobody else: its end is the server's.
_SERVER = f"""\
cd {PLACE} && exec 9>alive 8<requests || exit
set -m
while read -r <&8; do (exec 8<&- 9>&-; . "./$REPLY/run") & disown; done
"""


class _Told(process.Bounded):
    """What is told of a command: a line when it begins, and one with its exit code."""

    def __init__(self) -> None:
        super().__init__(64)
        self.is_over = asyncio.Event()
        """Set by the exit code, or once nobody is left to tell it."""

    def data_received(self, data: bytes) -> None:
        """Take what the pipe gave."""
        super().data_received(data)
        if self.value().count(b"\n") > 1:
            self.is_over.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The last writer has closed the pipe."""
        super().connection_lost(exc)
        self.is_over.set()

    @property
    def code(self) -> int | None:
        """The exit code, if it was told."""
        found = re.fullmatch(rb"\+\n(\d+)\n", self.value())
        return int(found[1]) if found else None


class Errand:
    """A command that was handed to the server in a container."""

    def __init__(
        self, place: Path, readers: list[process.Reader], told: tuple[asyncio.ReadTransport, _Told]
    ) -> None:
        self._place = place
        self._pipe, self._told = told
        self.readers = readers
        """Its stdout and stderr."""

    @property
    def code(self) -> int:
        """Exit code once it has ended, 128 + signal if it was killed."""
        return _KILLED if self._told.code is None else self._told.code

    async def begins(self, server: process.Bounded) -> bool:
        """Wait until the server has taken it; where it does not, make sure that it never will."""
        watched = [
            asyncio.ensure_future(it.wait()) for it in (self._told.has_data, server.is_at_end)
        ]
        try:
            await asyncio.wait(watched, timeout=_TAKEN_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._told.has_data.is_set():
                await self._withdraw()
        finally:
            for waiting in watched:
                waiting.cancel()
        return bool(self._told.value())

    async def _withdraw(self) -> None:
        """Take the request back: what has not opened `end` by its name now never can."""
        away = self._place.with_suffix(".withdrawn")
        self._place.rename(away)
        self._place = away
        _end_unless_open(away / "end")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TAKEN_S):
                await self._told.has_data.wait()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended; False where it still runs after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._told.is_over.wait()
                if self._told.code is None:
                    await self._wait_for_output()
        except TimeoutError:
            return False
        return True

    async def _wait_for_output(self) -> None:
        """Wait for the end of a command whose exit code nobody tells: the one who would was killed."""
        for name in ("out", "err"):
            _end_unless_open(self._place / name)
        await asyncio.gather(*(bounded.is_at_end.wait() for _, bounded in self.readers))

    async def finish(self) -> None:
        """Take what output is still on its way, and remove the pipes."""
        await process.finish(self.readers)
        self._pipe.close()
        await asyncio.to_thread(shutil.rmtree, self._place, ignore_errors=True)


class Courier:
    """Our end of the server in one container."""

    def __init__(self, folder: Path, requests: int, alive: process.Reader) -> None:
        self.folder = folder
        self._requests = requests
        self._alive = alive
        self._numbers = itertools.count(1)
        self.is_usable = True
        """Whether commands may still be given to it."""

    @classmethod
    async def lay(cls, folder: Path) -> Courier:
        """Make the folder of the pipes, for a container to be started with; Bash runs its `serve`."""
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "serve").write_text(_SERVER)
        (folder / "serve").chmod(0o644)
        _make_pipe(folder / "requests", 0o644)
        requests = os.open(folder / "requests", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return cls(folder, requests, await process.drain(_pipe(folder / "alive"), 64))
        except BaseException:
            os.close(requests)
            raise

    async def carry(
        self, words: list[str], stdin: bytes, limit: int, variables: dict[str, str], workdir: str
    ) -> Errand | None:
        """Have a command started as the server's user; None where it was not, and never will be."""
        server = self._alive[1]
        place = self.folder / str(next(self._numbers))
        script = _script(f"{PLACE}/{place.name}", words, bool(stdin), variables, workdir)
        if not self.is_usable or server.is_at_end.is_set() or script is None:
            return None
        errand = await _lay(place, script, stdin, limit)
        try:
            with contextlib.suppress(BlockingIOError):  # one that was stopped long ago
                os.write(self._requests, f"{place.name}\n".encode())
            if await errand.begins(server):
                return errand
        except BaseException:
            await errand.finish()
            raise
        self.is_usable = False
        await errand.finish()
        return None

    def close(self) -> None:
        """Let go of the pipes; the folder is the caller's to remove. Safe to call twice."""
        self.is_usable = False
        self._alive[0].close()
        if self._requests >= 0:
            os.close(self._requests)
            self._requests = -1


async def _lay(place: Path, script: bytes, stdin: bytes, limit: int) -> Errand:
    place.mkdir()
    place.chmod(0o755)
    for name, data in (("run", script), ("in", stdin)):
        if data:
            (place / name).write_bytes(data)
            (place / name).chmod(0o644)
    readers: list[process.Reader] = []
    try:
        for name in ("out", "err"):
            readers.append(await process.drain(_pipe(place / name), limit))
        loop = asyncio.get_running_loop()
        told = await loop.connect_read_pipe(_Told, os.fdopen(_pipe(place / "end"), "rb", 0))
    except BaseException:
        for transport, _ in readers:
            transport.close()
        shutil.rmtree(place, ignore_errors=True)
        raise
    return Errand(place, readers, told)


def _pipe(path: Path) -> int:
    """Make a named pipe that others may write to, and return our end of it."""
    _make_pipe(path, 0o622)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _make_pipe(path: Path, mode: int) -> None:
    os.mkfifo(path)
    path.chmod(mode)


def _end_unless_open(path: Path) -> None:
    """End a pipe that nobody writes to: a writer that comes and goes ends it, but for another's."""
    with contextlib.suppress(OSError):  # it has ended and we have let go of it
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))


def _script(
    pipes: str, words: list[str], has_stdin: bool, variables: dict[str, str], workdir: str
) -> bytes | None:
    """Return what the server runs for a command; None where a shell cannot say it."""
    texts = [*words, *variables.values(), workdir]
    names_are_plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in variables)
    if not names_are_plain or any("\0" in text for text in texts):
        return None
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    source = f"{pipes}/in" if has_stdin else "/dev/null"
    lines = [
        f"exec 7>{pipes}/end && echo + >&7 || exit",
        f"exec 5>{pipes}/out 6>{pipes}/err",  # once: a pipe that was opened and closed has ended
        "trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE",
        f"cd {shlex.quote(workdir)} 2>&6 || {{ echo 126 >&7; exit; }}",
        f"export SHLVL=0 {settings}; unset OLDPWD",
        f"(exec {shlex.join(words)}) <{source} >&5 2>&6 5>&- 6>&- 7>&-",
        "set -- $?; exec 5>&- 6>&-; echo $1 >&7",
    ]
    return os.fsencode("\n".join(lines) + "\n")


class Exec:
    """A command that the engine starts in a container."""

    def __init__(self, child: process.Child, readers: list[process.Reader]) -> None:
        self._child = child
        self.readers = readers
        """Its stdout and stderr."""

    @classmethod
    async def start(
        cls,
        engine: Engine,
        container: str,
        flags: list[str],
        words: list[str],
        stdin: bytes,
        limit: int,
    ) -> Exec:
        """Run `docker exec FLAGS CONTAINER WORDS`."""
        arguments = [engine.program, "exec", "--interactive", *flags, container, *words]
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        given = [process.memory_file(stdin), out_write, err_write]
        try:
            child = spawn(arguments, given)
        except BaseException:
            os.close(out_read)
            os.close(err_read)
            raise
        finally:
            for descriptor in given:
                os.close(descriptor)
        return cls(
            child, [await process.drain(out_read, limit), await process.drain(err_read, limit)]
        )

    @property
    def code(self) -> int:
        """Exit code once it has ended, 128 + signal if it was killed."""
        code = self._child.wait()
        return 128 - code if code < 0 else code

    async def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended; False where it still runs after `timeout_s`."""
        return await process.wait(self._child, timeout_s)

    async def finish(self) -> None:
        """End the engine's program where it still runs, and take what output is on its way."""
        if self._child.poll() is None:
            process.kill_tree(self._child.pid)
            self._child.wait()
        await process.finish(self.readers)
