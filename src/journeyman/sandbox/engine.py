"""Docker or podman through its command line: programs run to their end, containers found by label."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import process

__all__ = ["LABEL", "Engine", "Finished", "find_engine", "spawn"]

LABEL = "journeyman"
"""Label of everything that we make in an engine; a container's names the process that owes it."""

_UNREACHABLE = (
    "cannot connect to the docker daemon",
    "is the docker daemon running",
    "no such host",
)
_LIMIT = 1 << 20


@dataclass(frozen=True)
class Finished:
    """How a call of the engine ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The last line it said."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.exit_code}"


@dataclass(frozen=True)
class Engine:
    """An engine's command line program."""

    program: str
    """`docker` or `podman`."""
    is_the_only_way: bool = False
    """Whether there is no other kind of sandbox to point people to."""

    async def call(
        self, *words: str, stdin: bytes = b"", timeout_s: float = 120.0, limit: int = _LIMIT
    ) -> Finished:
        """Run `docker WORDS` to its end.

        Raises `JourneymanError` where no engine answers, `AttributedError("sandbox_unavailable")`
        where it does not answer in time.
        """
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        source = process.memory_file(stdin)
        given = [source, out_write, err_write]
        try:
            child = spawn([self.program, *words], given)
        finally:
            for descriptor in given:
                os.close(descriptor)
        readers = [await process.drain(out_read, limit), await process.drain(err_read, limit)]
        is_ended = False
        try:
            is_ended = await process.wait(child, timeout_s)
        finally:
            if not is_ended:
                process.kill_tree(child.pid)
                child.wait()
            await process.finish(readers)
        if not is_ended:
            raise AttributedError(
                "sandbox_unavailable", f"{self.program} {words[0]} takes too long"
            )
        (_, stdout), (_, stderr) = readers
        done = Finished(child.wait(), stdout.value(), stderr.value())
        if done.exit_code:
            self.raise_if_unreachable(done.stderr.decode(errors="replace"))
        return done

    async def ask(self, *words: str) -> str:
        """Run `docker WORDS` and return what it printed, stripped; raises where it fails."""
        done = await self.call(*words)
        if done.exit_code:
            raise AttributedError("sandbox_unavailable", f"{self.program}: {done.complaint}")
        return done.stdout.decode(errors="replace").strip()

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone already is no error."""
        await self.call("rm", "--force", "--volumes", container)

    async def containers(self) -> dict[str, str]:
        """Map the names of all our containers, of whatever process, to their `LABEL`."""
        template = f'{{{{.Names}}}}\t{{{{.Label "{LABEL}"}}}}'
        found = await self.ask("ps", "--all", "--filter", f"label={LABEL}", "--format", template)
        return dict(line.split("\t", 1) for line in found.splitlines() if "\t" in line)

    def raise_if_unreachable(self, complaint: str) -> None:
        """Raise `JourneymanError` where what the program said means that no engine answers."""
        if any(words in complaint.lower() for words in _UNREACHABLE):
            lines = complaint.strip().splitlines()
            raise JourneymanError(
                f"no {self.program} engine answers: {lines[-1]}",
                f"start it (systemctl start docker, or dockerd){_other_way(self.is_the_only_way)}",
                cause="sandbox_unavailable",
            )


def _other_way(is_the_only_way: bool) -> str:
    return "" if is_the_only_way else ", or use --sandbox namespace"


def find_engine(program: str, *, is_the_only_way: bool = False) -> Engine:
    """Return the engine; raises `JourneymanError` where its program is not installed."""
    if shutil.which(program) is None:
        package = "docker.io" if program == "docker" else program
        raise JourneymanError(
            f"{program} is not installed",
            f"apt-get install -y {package}{_other_way(is_the_only_way)}",
        )
    return Engine(program, is_the_only_way)


def spawn(arguments: Sequence[str], descriptors: Sequence[int]) -> process.Child:
    """Start a program in a session of its own with the descriptors as its 0, 1, 2."""
    actions = [(os.POSIX_SPAWN_DUP2, given, number) for number, given in enumerate(descriptors)]
    pid = os.posix_spawnp(
        arguments[0], list(arguments), os.environ, file_actions=actions, setsid=True
    )
    return process.Child(pid)
