"""Process 1 of a container: it lives by a pipe from us, buries orphans and starts what serves commands.

kept = await start_keeper(engine, folder, name, flags, ["--entrypoint", "/bin/sh", image, "-c"])
…
await kept.end()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from journeyman.errors import AttributedError
from journeyman.sandbox import process
from journeyman.sandbox.engine import Engine, spawn
from journeyman.sandbox.errand import PLACE, Courier

__all__ = ["KEEPER", "KEEPER_FILE", "Kept", "start_keeper"]

KEEPER_FILE = "/.keeper/cat"
"""A copy of `cat` in our own images that may be run but not read: nobody may trace what runs it."""

_KEEP = (
    f"echo ready; exec >/dev/null 2>&1; [ -x {KEEPER_FILE} ] && cat={KEEPER_FILE} || cat=cat; "
    "env --ignore-signal=CHLD true && exec env --ignore-signal=CHLD $cat; exec $cat"
)
# With job control, what a shell starts in the background does not ignore interrupts.
_SERVE = f"set -m; bash {PLACE}/serve </dev/null >/dev/null 2>&1 & {_KEEP}"
KEEPER = (
    f"[ -f {PLACE}/serve ] && command -v bash >/dev/null && "
    f"exec bash -c {shlex.quote(_SERVE)}; {_KEEP}"
)
"""Shell script of process 1, which ends with the pipe that is its standard input.

Where `env` can ignore children's ends (coreutils 8.31), the kernel buries orphans; a shell's own
`trap '' CHLD` does not outlive `exec`.
"""

_START_TIMEOUT_S = 120.0
_CLOSE_TIMEOUT_S = 20.0
_NO_SOURCE = re.compile("bind source path does not exist|no such file or directory", re.IGNORECASE)
_elsewhere: set[str] = set()


@dataclass
class Kept:
    """A container that runs: the engine's program, the pipe that it ends with, the way into it."""

    child: process.Child
    lifeline: int
    courier: Courier | None

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self.child.poll() is None

    async def end(self) -> bool:
        """End every process of it; tell whether the engine has removed it too."""
        os.close(self.lifeline)
        if self.courier is not None:
            self.courier.close()
        if not await process.wait(self.child, _CLOSE_TIMEOUT_S):
            os.kill(self.child.pid, 9)
        return self.child.wait() == 0


async def start_keeper(
    engine: Engine, folder: Path, name: str, flags: list[str], command: list[str]
) -> Kept:
    """Run the container `name` with `KEEPER` as the last word of its command, until its end.

    What is in the way by that name is removed. Raises `AttributedError("sandbox_unavailable")` with
    the engine's last words, `JourneymanError` where none answers.
    """
    for is_last in (False, False, True):
        courier = None if _is_elsewhere(engine) else await Courier.lay(folder / "pipes")
        try:
            return await _start(engine, folder, ["--name", name, *flags], command, courier)
        except BaseException as error:
            if courier is not None:
                courier.close()
                shutil.rmtree(courier.folder)
            if is_last or not isinstance(error, AttributedError):
                raise
            if "already in use" in str(error):
                await engine.remove(name)
            elif courier is not None and _NO_SOURCE.search(str(error)):
                _elsewhere.add(engine.program)
            else:
                raise
    raise AssertionError("unreachable")


async def _start(
    engine: Engine, folder: Path, flags: list[str], command: list[str], courier: Courier | None
) -> Kept:
    if courier is not None:
        flags = [*flags, "--mount", f'type=bind,"source={courier.folder}",target={PLACE},readonly']
    life_read, life_write = os.pipe()
    ready_read, ready_write = os.pipe()
    log = folder / "start.log"
    given = [life_read, ready_write, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    try:
        words = ["run", "--interactive", "--rm", *flags, *command, KEEPER]
        child = spawn([engine.program, *words], given)
    finally:
        for descriptor in given:
            os.close(descriptor)
    transport, output = await process.drain(ready_read, 4096)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(output.has_data.wait(), _START_TIMEOUT_S)
        if not output.value():
            complaint = _complaint(log)
            engine.raise_if_unreachable(complaint)
            raise AttributedError("sandbox_unavailable", f"{engine.program}: {complaint}")
    except BaseException:
        os.close(life_write)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, 9)
        child.wait()
        raise
    finally:
        transport.close()
    return Kept(child, life_write, courier)


def _is_elsewhere(engine: Engine) -> bool:
    """Tell whether the engine may run on another machine, where our folders are not."""
    address = os.environ.get("DOCKER_HOST", "unix:")
    return engine.program in _elsewhere or not address.startswith("unix:")


def _complaint(log: Path) -> str:
    """Return what the engine said in one line, without its pointing to its own help."""
    lines = log.read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip() and "--help" not in line]
    return " ".join(said) or "it ended without a word"
