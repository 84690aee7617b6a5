"""Where jobs run: the protocol, and the executor of one process.

async for result in LocalExecutor(place, emit).run(jobs()):
    print(result.job.seat.rollout_id)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Protocol

from journeyman.flow.events import ResourceLevel
from journeyman.flow.jobs import Job, JobResult
from journeyman.flow.stages import Emit, attribute, perform
from journeyman.flow.workplace import Workplace

__all__ = ["Executor", "LocalExecutor"]


class Executor(Protocol):
    """Does jobs as they come and yields their results as they end.

    The iterator of jobs decides what may run: it yields a job only when there is room for it, so an
    executor begins at once whatever it is given. Closing the result iterator ends what runs.
    """

    @property
    def num_cpus(self) -> float:
        """Processors that it has, which bounds how many jobs it is given."""
        ...

    @property
    def levels(self) -> tuple[ResourceLevel, ...]:
        """How much of its resources is in use."""
        ...

    def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        """Do every job; one result for each that was not cancelled."""
        ...

    def cancel(self, names: Iterable[str]) -> None:
        """End the jobs with these sandbox names; no result of theirs is waited for any more."""
        ...

    def set_policy(self, version: str) -> None:
        """Stamp every turn from now on with the version of the weights that answer."""
        ...


class LocalExecutor:
    """Runs jobs as tasks of this process's event loop."""

    def __init__(self, place: Workplace, emit: Emit, *, closing_s: float = 20.0) -> None:
        self._place = place
        self._emit = emit
        self._closing_s = closing_s
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def num_cpus(self) -> float:
        """Processors that this process may use."""
        return float(len(os.sched_getaffinity(0)))

    @property
    def levels(self) -> tuple[ResourceLevel, ...]:
        """How much of this process's quotas is in use."""
        return self._place.levels

    async def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        """Do every job; one result for each that was not cancelled."""
        results: asyncio.Queue[JobResult | None] = asyncio.Queue()
        feeder = asyncio.create_task(self._feed(jobs, results))
        try:
            while (result := await results.get()) is not None:
                yield result
            await feeder
        finally:
            await self._end({feeder, *self._running.values()})

    def cancel(self, names: Iterable[str]) -> None:
        """End the jobs with these sandbox names."""
        for name in names:
            if name in self._running:
                self._running[name].cancel()

    def set_policy(self, version: str) -> None:
        """Stamp every turn from now on with the version of the weights that answer."""
        self._place.policy_version = version

    async def _feed(
        self, jobs: AsyncIterator[Job], results: asyncio.Queue[JobResult | None]
    ) -> None:
        """Begin jobs as they come; a None ends the results once all have ended."""

        async def do(job: Job) -> None:
            try:
                result = await perform(job, self._place, self._emit)
            except Exception as error:
                result = JobResult(job=job, failure=attribute(error))
            results.put_nowait(result)

        try:
            async for job in jobs:
                name = job.sandbox_name
                task = asyncio.create_task(do(job), name=name)
                self._running[name] = task
                task.add_done_callback(self._forget)
            while self._running:
                await asyncio.wait(set(self._running.values()))
        finally:
            results.put_nowait(None)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task.get_name(), None)

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._closing_s)
        for task in tasks:
            if task.done() and not task.cancelled():
                with contextlib.suppress(Exception):
                    task.exception()
