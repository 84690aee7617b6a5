"""One rollout of one task by any model, and its grading: no run folder, nothing is written.

attempt = Attempt(taskset, "toolz__toolz-0001", RolloutConfig(taskset=taskset.folder), model)
rollout = await attempt.run()
attempt.trajectories                     # every branch of what was said, with tokens where known
"""

from __future__ import annotations

import asyncio
import secrets

from journeyman.errors import AttributedError
from journeyman.flow import RolloutConfig
from journeyman.flow.jobs import Job, JobResult, Stage
from journeyman.flow.plan import make_seats, select_tasks
from journeyman.flow.reward import finish
from journeyman.flow.stages import perform
from journeyman.flow.workplace import Workplace
from journeyman.models import Model
from journeyman.tasks import Taskset
from journeyman.types import Rollout, Trajectory

__all__ = ["Attempt", "read_trajectories"]

_PLAYER = "player"


class Attempt:
    """Whoever makes one must `close` it; the model stays open."""

    def __init__(
        self, taskset: Taskset, instance_id: str, config: RolloutConfig, model: Model
    ) -> None:
        """Raises `JourneymanError` for an unknown task."""
        self.task = select_tasks(taskset, (instance_id,))[instance_id]
        self.trajectories: tuple[Trajectory, ...] = ()
        self._config = config.model_copy(update={"models": (_PLAYER,), "n": 1})
        self._place = Workplace({_PLAYER: model}, ceilings=config.concurrency)
        (self._seat,) = make_seats(self._config, [instance_id])
        self._run = f"attempt-{secrets.token_hex(4)}"
        self._environments = taskset.environments
        self._work: asyncio.Task[JobResult] | None = None

    async def run(self) -> Rollout:
        """Let the model work, and grade what it left."""
        try:
            await asyncio.wait({self.begin()})
            return await self.grade()
        finally:
            await self.close()

    def begin(self) -> asyncio.Task[JobResult]:
        """Begin the agent's part, and return what ends with it; it never raises."""
        self._work = asyncio.create_task(self._perform(Stage.ROLLOUT))
        return self._work

    async def grade(self) -> Rollout:
        """Grade what was left behind; work that has not ended is stopped and not graded."""
        if self._work is None or not self._work.done():
            await self.close()
            left = AttributedError("abandoned", "it was left before its end").failure
            return self._finish(JobResult(job=self._job(Stage.ROLLOUT), failure=left), None)
        done = self._work.result()
        self.trajectories = read_trajectories(done)
        graded: JobResult | None = None
        if done.work is not None and done.work.is_graded:
            graded = await self._perform(Stage.EVALUATION, patch=done.work.patch)
        return self._finish(done, graded)

    async def close(self) -> None:
        """End what still runs; its sandbox goes with it."""
        if self._work is not None and not self._work.done():
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        await self._place.aclose()

    def _finish(self, done: JobResult, graded: JobResult | None) -> Rollout:
        return finish(
            self._seat,
            self._config.scaffold,
            work=done.work,
            verdict=graded.verdict if graded else None,
            failure=done.failure or (graded.failure if graded else None),
            num_attempts=1,
        )

    async def _perform(self, stage: Stage, *, patch: str = "") -> JobResult:
        return await perform(self._job(stage, patch), self._place, lambda _: None)

    def _job(self, stage: Stage, patch: str = "") -> Job:
        return Job(
            run=self._run,
            seat=self._seat,
            stage=stage,
            token=1,
            task=self.task,
            environments=self._environments,
            config=self._config,
            patch=patch,
        )


def read_trajectories(done: JobResult) -> tuple[Trajectory, ...]:
    """Return the branches that a finished job left, the one with the most turns first."""
    names = [it for it in done.files if it.startswith("trajectory") and it.endswith(".json")]
    ordered = sorted(names, key=lambda it: (len(it), it))
    return tuple(Trajectory.model_validate_json(done.files[name]) for name in ordered)
