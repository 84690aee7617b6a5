"""A container of an image that somebody else made, used as its author does: its user, its folder.

For benchmarks whose tasks are images (Terminal-Bench, Harbor): an agent works as the image's own user
in its working folder, with the engine's usual powers, so that it may install what it needs. It is
weaker isolation than our own environments have; the network is still none unless asked for.

    box = await open_published("ubuntu:24.04", SandboxSpec(), name="run.task.0", program="docker")
"""

from __future__ import annotations

import json
import posixpath
import shlex
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import state
from journeyman.sandbox.base import SandboxSpec
from journeyman.sandbox.container import ContainerSandbox, container_name, remove_orphans
from journeyman.sandbox.engine import LABEL, Engine, find_engine
from journeyman.sandbox.keeper import Kept, start_keeper

__all__ = ["PublishedSandbox", "open_published"]

_FILES_TIMEOUT_S = 120.0


class PublishedSandbox(ContainerSandbox):
    """A live container of a published image; see `base.Sandbox` for what its methods promise."""

    def __init__(
        self,
        spec: SandboxSpec,
        folder: Path,
        engine: Engine,
        kept: Kept,
        *,
        user: str = "",
        workdir: str = "",
    ) -> None:
        super().__init__(spec, folder, engine, kept)
        self._workdir = workdir or "/"
        self._user = user or "0:0"

    @property
    def workdir(self) -> str:
        """Where commands start."""
        return self._workdir

    async def bring(self, source: Path, target: str) -> None:
        """Copy a file, or what is in a folder, into the container as root's."""
        place = target if source.is_dir() else posixpath.dirname(target)
        words = f"mkdir -p {shlex.quote(place)}"
        await self.execute(words, timeout_s=_FILES_TIMEOUT_S, user="root")
        given = f"{source}/." if source.is_dir() else str(source)
        done = await self._engine.call("cp", given, f"{self.container}:{target}")
        if done.exit_code:
            raise AttributedError(
                "sandbox_died", f"{source.name} cannot be brought: {done.complaint}"
            )

    def _variables(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """What the image sets stays as it is."""
        return {**self.spec.variables, **(extra or {})}


async def open_published(
    image: str, spec: SandboxSpec, *, name: str, program: str = "docker"
) -> PublishedSandbox:
    """Start a container of an image that the engine has; whoever opens it must close it.

    Raises `JourneymanError` where it has no such image: none is pulled unasked.
    """
    engine = find_engine(program)
    await remove_orphans(engine)
    found = await engine.call("image", "inspect", "--format", "{{json .Config}}", image)
    if found.exit_code:
        raise JourneymanError(f"the engine has no image {image}", f"{program} pull {image}")
    settings = json.loads(found.stdout)
    folder = state.claim(name, spec.owner, engine=program)
    try:
        command = [image, "/bin/sh", "-c"]
        kept = await start_keeper(engine, folder, container_name(name), _flags(spec), command)
    except BaseException:
        state.remove(folder)
        raise
    return PublishedSandbox(
        spec, folder, engine, kept,
        user=settings.get("User") or "", workdir=settings.get("WorkingDir") or "",
    )  # fmt: skip


def _flags(spec: SandboxSpec) -> list[str]:
    limits = spec.limits
    flags = [
        "--pull",
        "never",
        "--label",
        f"{LABEL}={state.own_mark()}-",
        "--label",
        f"{LABEL}.owner={spec.owner}",
    ]
    flags += ["--network", "bridge" if spec.network == "open" else "none"]
    flags += ["--pids-limit", str(limits.num_processes), "--cpus", str(limits.num_cpus)]
    flags += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    return flags
