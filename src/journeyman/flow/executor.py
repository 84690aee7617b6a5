"""Where jobs run: the protocol, and the executor of one process.

async for result in LocalExecutor(place, emit).run(jobs()):
    print(result.job.seat.rollout_id)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from journeyman.flow.jobs import Job, JobResult
from journeyman.flow.stages import Emit, attribute, perform
from journeyman.flow.workplace import Workplace

__all__ = ["Executor", "LocalExecutor"]


class Executor(Protocol):
    """Does jobs as they come and yields their results as they end.

    The iterator of jobs decides what may run: it yields a job only when there is room for it, so an
    executor begins at once whatever it is given. Closing the result iterator ends what runs.
    """

    def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        """Do every job; one result for each."""
        ...


class LocalExecutor:
    """Runs jobs as tasks of this process's event loop."""

    def __init__(self, place: Workplace, emit: Emit, *, closing_s: float = 20.0) -> None:
        self._place = place
        self._emit = emit
        self._closing_s = closing_s

    async def run(self, jobs: AsyncIterator[Job]) -> AsyncGenerator[JobResult, None]:
        """Do every job; one result for each."""
        results: asyncio.Queue[JobResult | None] = asyncio.Queue()
        running: set[asyncio.Task[None]] = set()
        feeder = asyncio.create_task(self._feed(jobs, results, running))
        try:
            while (result := await results.get()) is not None:
                yield result
            await feeder
        finally:
            await self._end({feeder, *running})

    async def _feed(
        self,
        jobs: AsyncIterator[Job],
        results: asyncio.Queue[JobResult | None],
        running: set[asyncio.Task[None]],
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
                task = asyncio.create_task(do(job), name=job.sandbox_name)
                running.add(task)
                task.add_done_callback(running.discard)
            while running:
                await asyncio.wait(set(running))
        finally:
            results.put_nowait(None)

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._closing_s)
        for task in tasks:
            if task.done() and not task.cancelled():
                with contextlib.suppress(Exception):
                    task.exception()
