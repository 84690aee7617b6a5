"""Drives a run: leases what is owed, hands it to an executor, and settles what comes back.

The driver alone writes the run's folder and its ledger. A stage's files are written before the
ledger says it is done, and a rollout's line in `rollouts.jsonl` after; so a driver that dies at any
moment leaves at most work that is owed again, and lines that the next one adds from the ledger.

    async with planned(config) as plan:
        rollouts = await run_rollouts(config, run, plan=plan)
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.flow.admission import Admission
from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import (
    Draining,
    Event,
    RolloutFinished,
    RunEnded,
    RunStarted,
    SandboxReaped,
    StageFailed,
    StageFinished,
    StageStarted,
    TaskQuarantined,
)
from journeyman.flow.executor import Executor, LocalExecutor
from journeyman.flow.interruption import RunInterrupted, interruptible
from journeyman.flow.jobs import Job, JobResult, Seat, Stage
from journeyman.flow.plan import Plan, planned
from journeyman.flow.predictions import write_predictions
from journeyman.flow.quarantine import Quarantine
from journeyman.flow.queue import OwedQueue
from journeyman.flow.records import Records
from journeyman.flow.report import write_report
from journeyman.flow.retries import retry_delay
from journeyman.flow.stages import deadline_s
from journeyman.flow.summary import is_resolved
from journeyman.flow.workplace import Workplace
from journeyman.runs import Lease, Owed, RunFolder
from journeyman.sandbox import reap
from journeyman.types import Failure, Rollout

__all__ = ["drive", "run_rollouts"]

_LOST = Failure(cause="interrupted", detail="the driver ended before the attempt did")
_POLL_S = 0.5
_STATUS_EVERY_S = 1.0
_POST_S = 60.0


async def run_rollouts(
    config: RolloutConfig,
    run: RunFolder,
    *,
    on_event: Callable[[Event], None] | None = None,
    plan: Plan | None = None,
    executor: Executor | None = None,
) -> list[Rollout]:
    """Do whatever of the run is not done yet, and return every rollout's final record.

    Without an `executor` the jobs run in this process. Raises `RunInterrupted` where somebody
    stopped it, with everything finished saved, and `JourneymanError` where the run cannot go on.
    """
    if plan is not None:
        return await drive(config, run, plan, on_event=on_event, executor=executor)
    async with planned(config) as made:
        return await drive(config, run, made, on_event=on_event, executor=executor)


async def drive(
    config: RolloutConfig,
    run: RunFolder,
    plan: Plan,
    *,
    on_event: Callable[[Event], None] | None = None,
    executor: Executor | None = None,
) -> list[Rollout]:
    """Do whatever of a plan is not done yet in `run`; see `run_rollouts`."""
    driver = _Driver(config, run, plan, on_event)
    if executor is not None:
        return await driver.run(executor)
    place = Workplace(plan.models, num_requests=config.concurrency.model_requests)
    async with contextlib.aclosing(place):
        local = LocalExecutor(place, driver.emit, closing_s=config.timeouts.closing_s)
        return await driver.run(local)


@dataclass(frozen=True, slots=True)
class _Held:
    """A job that somebody works on."""

    job: Job
    lease: Lease
    lost_at: float
    """When it counts as lost, by the monotonic clock."""


class _Driver:
    """One process's hold on one run."""

    def __init__(
        self,
        config: RolloutConfig,
        run: RunFolder,
        plan: Plan,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self._config = config
        self._folder = run
        self._ledger = run.ledger
        self._plan = plan
        self._on_event = on_event
        # Two runs of one name in two places must not claim each other's sandboxes.
        self._owner = f"{run.name}.{digest(str(run.path.resolve()))[:8]}"
        self._seats = {seat.rollout_id: seat for seat in plan.seats}
        self._records = Records(run, plan, config.scaffold)
        self._finished = self._records.finished
        self._queue = OwedQueue()
        self._admission = Admission(config.concurrency)
        self._quarantine = Quarantine(run.ledger)
        self._held: dict[str, _Held] = {}
        self._running: Counter[Stage] = Counter()
        self._is_draining = False
        self._has_worked = False
        self._status_at = 0.0

    # --- the run as a whole ----------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Append an event to the run's stream and pass it on."""
        self._folder.append("events", event)
        if self._on_event is not None:
            self._on_event(event)

    async def run(self, executor: Executor) -> list[Rollout]:
        """Take the run up, do what is owed, and let go of it in an orderly way."""
        state = "failed"
        body: asyncio.Task[None] | None = None
        try:
            # From before the run is said to have begun: whoever sees that may interrupt it.
            with interruptible(self._drain, lambda: body is not None and body.cancel()):
                self._take_up()
                body = asyncio.create_task(self._drive(executor))
                await asyncio.wait({body})
            if not body.cancelled():
                body.result()
            state = "finished" if self._is_finished() else "interrupted"
        finally:
            if body is not None:
                if not body.done():
                    body.cancel()
                    await asyncio.wait({body})
                self._let_go(state)
        if state == "interrupted":
            raise self._interrupted()
        return self._records.in_order

    async def _drive(self, executor: Executor) -> None:
        self._queue_owed()
        async with contextlib.aclosing(executor.run(self._jobs())) as results:
            async for result in results:
                self._settle(result)
                self._tell_status()

    def _take_up(self) -> None:
        """Make ledger, folder and sandboxes agree with one another, and with the plan."""
        self._folder.remember(digests=self._plan.digests, seeds={"seed": self._config.seed})
        self._reap()
        pairs = [(seat.rollout_id, seat.group_id) for seat in self._plan.seats]
        self._ledger.enrol(pairs, Stage.EVALUATION if self._plan.given else Stage.ROLLOUT)
        self._ledger.reclaim(_LOST, is_everything=True)
        self._records.reconcile()
        self._quarantine.recall(self._seats)
        finished = self._finished.values()
        self.emit(
            RunStarted(
                run=self._folder.name,
                num_rollouts=len(self._seats),
                num_finished=len(finished),
                num_resolved=sum(is_resolved(rollout) for rollout in finished),
                num_failed=sum(rollout.failure is not None for rollout in finished),
            )
        )

    def _reap(self) -> None:
        """Remove what dead drivers left, and note that nothing of this run is open any more."""
        for name in reap(owner=self._owner):
            self.emit(SandboxReaped(name=name))
        for name in self._ledger.open_sandboxes():
            self._ledger.close_sandbox(name)

    def _queue_owed(self) -> None:
        latest = time.time() + self._config.retries.longest_backoff_s
        for owed in self._ledger.owed():
            if owed.rollout_id not in self._seats:
                continue
            if owed.stage == Stage.POST:
                self._post(self._seats[owed.rollout_id])
            else:
                ready_at = min(owed.ready_at, latest)
                self._queue.add(Owed(owed.rollout_id, owed.group_id, owed.stage, ready_at))

    def _is_finished(self) -> bool:
        return len(self._finished) == len(self._seats)

    def _drain(self) -> None:
        self._is_draining = True
        self.emit(Draining(num_running=sum(self._running.values())))
        self._queue.wake()

    def _let_go(self, state: str) -> None:
        """Leave a run that anybody can read, and that the next driver can take up."""
        self._reap()
        self._ledger.reclaim(_LOST, is_everything=True)
        self.emit(RunEnded.model_validate({"state": state, "num_finished": len(self._finished)}))
        rollouts = self._records.in_order
        write_report(self._folder, rollouts, self._plan.seats)
        if not self._plan.given:
            write_predictions(self._folder, rollouts)
        self._folder.set_status(state, **self._progress())

    def _interrupted(self) -> RunInterrupted:
        done, total = len(self._finished), len(self._seats)
        return RunInterrupted(
            f"interrupted: {done} of {total} rollouts are finished and saved in {self._folder.path}",
            "go on with the same command and --resume",
        )

    def _progress(self) -> dict[str, int]:
        return {
            "num_rollouts": len(self._seats),
            "num_finished": len(self._finished),
            "num_running": sum(self._running.values()),
        }

    def _tell_status(self) -> None:
        if time.monotonic() - self._status_at > _STATUS_EVERY_S:
            self._status_at = time.monotonic()
            state = "draining" if self._is_draining else "running"
            self._folder.set_status(state, **self._progress())

    # --- what begins -----------------------------------------------------------------------

    async def _jobs(self) -> AsyncGenerator[Job, None]:
        """Yield a job whenever there is room for it, until nothing is owed or the run drains."""
        while not self._is_draining and not self._is_finished():
            owed = self._queue.take(lambda stage: self._admission.admits(stage, self._running))
            if owed is None:
                await self._queue.wait(_POLL_S)
                self._give_up_lost()
            elif (job := self._begin(owed)) is not None:
                yield job

    def _begin(self, owed: Owed) -> Job | None:
        """Lease a stage and describe it; None where its task is in quarantine."""
        seat, stage = self._seats[owed.rollout_id], Stage(owed.stage)
        draft = self._describe(seat, stage)
        duration_s = deadline_s(draft) + self._config.timeouts.lost_s
        lease = self._lease(seat, stage, duration_s)
        if failure := self._quarantine.verdict(seat.instance_id):
            self._give_up(seat, lease, failure)
            return None
        job = draft.model_copy(update={"token": lease.token})
        self._ledger.open_sandbox(job.sandbox_name, lease)
        self._held[job.sandbox_name] = _Held(job, lease, time.monotonic() + duration_s)
        self._running[stage] += 1
        self._admission.begun()
        self.emit(StageStarted(rollout_id=seat.rollout_id, stage=stage, attempt=lease.token))
        return job

    def _describe(self, seat: Seat, stage: Stage) -> Job:
        work = self._records.work(seat) if stage is Stage.EVALUATION else None
        return Job(
            run=self._owner,
            seat=seat,
            stage=stage,
            token=0,
            task=self._plan.tasks[seat.instance_id],
            environments=self._plan.taskset.environments,
            config=self._config,
            patch=work.patch if work else "",
        )

    def _lease(self, seat: Seat, stage: Stage, duration_s: float) -> Lease:
        lease = self._ledger.lease(seat.rollout_id, stage, owner=self._owner, duration_s=duration_s)
        assert lease is not None, "this driver alone leases"
        return lease

    def _give_up_lost(self) -> None:
        """End jobs that an executor took and never answered for, long after their deadlines."""
        now = time.monotonic()
        for held in [it for it in self._held.values() if it.lost_at < now]:
            failure = Failure(cause="worker_lost", detail="no answer long after the deadline")
            self._settle(JobResult(job=held.job, failure=failure))

    # --- what ends -------------------------------------------------------------------------

    def _settle(self, result: JobResult) -> None:
        """Write down what came of a job, and queue what it makes owed."""
        job = result.job
        held = self._held.pop(job.sandbox_name, None)
        if held is None:
            self._keep_late(result)
            return
        self._running[job.stage] -= 1
        self._admission.ended()
        self._ledger.close_sandbox(job.sandbox_name)
        if result.failure is None:
            self._has_worked = True
            self._records.save(result, "")
            self._succeed(result, held.lease)
        else:
            self._records.save(result, f"attempts/{job.stage}-{job.token}/")
            self._fail(result, held.lease, result.failure)
        self._queue.wake()

    def _keep_late(self, result: JobResult) -> None:
        """Keep as evidence what comes of an attempt that was given up for lost."""
        job = result.job
        self._records.save(result, f"attempts/{job.stage}-{job.token}/")
        lease = Lease(job.seat.rollout_id, job.stage, job.token, self._owner)
        answer = result.work or result.verdict or result.failure
        self._ledger.complete(lease, answer.model_dump_json() if answer else "")

    def _succeed(self, result: JobResult, lease: Lease) -> None:
        seat = result.job.seat
        answer = result.work or result.verdict
        assert answer is not None, "a job without a failure has an answer"
        is_graded = result.work is not None and result.work.is_graded
        next_stage = Stage.EVALUATION if is_graded else Stage.POST
        if not self._ledger.complete(lease, answer.model_dump_json(), next_stage=next_stage):
            return
        self.emit(
            StageFinished(
                rollout_id=seat.rollout_id,
                stage=lease.stage,
                attempt=lease.token,
                duration_s=result.duration_s,
            )
        )
        if next_stage is Stage.POST:
            self._post(seat)
        else:
            self._queue.add(Owed(seat.rollout_id, seat.group_id, next_stage, 0.0))

    def _fail(self, result: JobResult, lease: Lease, failure: Failure) -> None:
        seat = result.job.seat
        if result.is_user_error and not self._has_worked:
            raise JourneymanError(failure.detail, result.hint)
        past = self._ledger.failures(seat.rollout_id, lease.stage)
        past.pop("interrupted", None)
        delay = retry_delay(failure.cause, past, self._config.retries)
        if delay is None:
            self._condemn(result, failure)
            self._give_up(seat, lease, failure)
            return
        ready_at = time.time() + delay
        if self._ledger.fail(lease, failure, retry_at=ready_at):
            self._tell_failure(lease, failure, delay)
            self._queue.add(Owed(seat.rollout_id, seat.group_id, lease.stage, ready_at))

    def _condemn(self, result: JobResult, failure: Failure) -> None:
        job = result.job
        finished = self._finished.values()
        if self._quarantine.consider(job.seat, failure, job.patch, finished):
            self.emit(TaskQuarantined(instance_id=job.seat.instance_id, failure=failure))

    def _give_up(self, seat: Seat, lease: Lease, failure: Failure) -> None:
        if self._ledger.fail(lease, failure, next_stage=Stage.POST):
            self._tell_failure(lease, failure, None)
            self._post(seat)

    def _tell_failure(self, lease: Lease, failure: Failure, delay: float | None) -> None:
        self.emit(
            StageFailed(
                rollout_id=lease.rollout_id,
                stage=lease.stage,
                attempt=lease.token,
                failure=failure,
                retry_in_s=delay,
            )
        )

    def _post(self, seat: Seat) -> None:
        """Close a rollout: nothing more is owed of it."""
        rollout = self._records.finish(seat, self._lease(seat, Stage.POST, _POST_S))
        self.emit(
            RolloutFinished(
                rollout_id=seat.rollout_id,
                model=seat.label,
                ending=rollout.ending,
                is_resolved=is_resolved(rollout),
                failure=rollout.failure,
            )
        )
        self._queue.wake()
