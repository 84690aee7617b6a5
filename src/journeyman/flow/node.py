"""What works on one node of a cluster: a workplace of its own, and environments that it is sent once.

It knows nothing of ledgers and run folders: jobs come in, results and events go out. The executor that
starts it decides how it is reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from journeyman.cache import fill_once
from journeyman.config import cache_folder
from journeyman.flow.config import Concurrency
from journeyman.flow.events import Event, ResourceLevel
from journeyman.flow.jobs import Job, JobResult
from journeyman.flow.stages import perform
from journeyman.flow.workplace import Workplace
from journeyman.models import Model
from journeyman.models.registry import ModelEntry, open_entry
from journeyman.sandbox import reap

__all__ = ["NodeWorker", "pack_environment"]

_REAP_EVERY_S = 60.0


class NodeWorker:
    """One node's share of a run."""

    def __init__(
        self,
        node: str,
        owner: str,
        models: Mapping[str, Model],
        entries: Mapping[str, ModelEntry],
        ceilings: Concurrency,
        policy_version: str,
    ) -> None:
        self._node = node
        self._owner = owner
        self._entries = dict(entries)
        self._place = Workplace(models, ceilings=ceilings, policy_version=policy_version)
        self._events: list[Event] = []
        self._running: dict[str, asyncio.Task[JobResult]] = {}
        self._reaper: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Remove what a dead worker of this run left on the node, now and each minute."""
        await asyncio.to_thread(reap, owner=self._owner)
        self._reaper = asyncio.create_task(self._keep_clean())

    async def has_environment(self, environments: str, digest: str) -> bool:
        """Whether the node sees the environment where the driver does, or has it in its cache."""
        shared = Path(environments) / digest / "environment.json"
        return shared.exists() or (_cached(digest) / "environment.json").exists()

    async def take_environment(self, digest: str, archive: bytes) -> None:
        """Keep an environment in the node's cache."""
        await asyncio.to_thread(fill_once, _cached(digest), lambda place: _unpack(archive, place))

    async def perform(self, job: Job) -> JobResult:
        """Do one job."""
        await self._open_model(job.seat.model)
        if not (job.environments / job.task.environment / "environment.json").exists():
            job = job.model_copy(update={"environments": _cached(job.task.environment).parent})
        task = asyncio.create_task(perform(job, self._place, self._events.append))
        self._running[job.sandbox_name] = task
        try:
            return await task
        finally:
            self._running.pop(job.sandbox_name, None)

    async def cancel(self, names: Iterable[str]) -> None:
        """End the jobs with these sandbox names."""
        for name in names:
            if name in self._running:
                self._running[name].cancel()

    async def set_policy(self, version: str) -> None:
        """Stamp every turn from now on with this version."""
        self._place.policy_version = version

    async def poll(self) -> tuple[list[Event], tuple[ResourceLevel, ...]]:
        """Return the events since the last time, and how much of the node's quotas is in use."""
        events, self._events[:] = list(self._events), []
        levels = (it.model_copy(update={"node": self._node}) for it in self._place.levels)
        return events, tuple(levels)

    async def end(self) -> list[Event]:
        """End what runs, close everything, and return the last events."""
        if self._reaper is not None:
            self._reaper.cancel()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=20.0)
        await self._place.aclose()
        await asyncio.to_thread(reap, owner=self._owner)
        return self._events

    async def _open_model(self, spec: str) -> None:
        """Open a model that the driver's `models.toml` names: this node has none."""
        if spec in self._entries:
            async with self._place.lock(f"entry {spec}"):
                entry = self._entries.pop(spec, None)
                if entry is not None:
                    self._place.adopt(spec, await open_entry(entry, spec))

    async def _keep_clean(self) -> None:
        while True:
            await asyncio.sleep(_REAP_EVERY_S)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(reap, owner=self._owner)


def pack_environment(folder: Path) -> bytes:
    """Return an environment as one archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def _unpack(archive: bytes, place: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        # It is ours, and the links of virtual environments lead out of it, to the interpreter.
        members.extractall(place, filter="fully_trusted")  # noqa: S202


def _cached(digest: str) -> Path:
    return cache_folder("environments") / digest
