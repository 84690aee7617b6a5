"""What one driver holds of a run while it works: what waits, what runs, and what becomes of results.

Only the driver's own task calls it. A stage's files are written before the ledger says it is done,
and a rollout's line in `rollouts.jsonl` after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from journeyman.errors import JourneymanError
from journeyman.flow.breaker import CircuitBreaker, subjects_of
from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import (
    Event,
    RolloutAbandoned,
    RolloutFinished,
    RolloutsQueued,
    StageFailed,
    StageFinished,
    StageStarted,
    TaskQuarantined,
    VerdictGiven,
)
from journeyman.flow.jobs import Job, JobResult, Seat, Stage
from journeyman.flow.plan import Plan
from journeyman.flow.quarantine import Quarantine
from journeyman.flow.queue import OwedQueue
from journeyman.flow.records import Records
from journeyman.flow.retries import retry_delay
from journeyman.flow.stages import deadline_s
from journeyman.flow.summary import is_resolved
from journeyman.runs import Lease, Owed, RunFolder
from journeyman.types import Failure, Rollout, TestStatus, Verdict

__all__ = ["Board", "Held"]

_POST_S = 60.0
SHARED_LEASE_S = 120.0


@dataclass(slots=True)
class Held:
    """A job that somebody works on."""

    job: Job
    lease: Lease
    began_at: float
    """By the loop's clock, as all times here."""
    lost_at: float
    """When it counts as lost."""
    is_reported: bool = False
    """Whether it was called a straggler."""


class Board:
    """The state of one driver's run; see the module."""

    def __init__(
        self,
        config: RolloutConfig,
        run: RunFolder,
        plan: Plan,
        owner: str,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        self.config = config
        self.ledger = run.ledger
        self.plan = plan
        self.owner = owner
        self.emit = emit
        self.clock = clock
        self.records = Records(run, plan, config.scaffold)
        self.seats: dict[str, Seat] = {}
        self.queue = OwedQueue(clock)
        self.breaker = CircuitBreaker(config.breakers, emit, clock)
        self.quarantine = Quarantine(run.ledger)
        self.held: dict[str, Held] = {}
        self.running: Counter[Stage] = Counter()
        self.durations: dict[Stage, list[float]] = {stage: [] for stage in Stage}
        """Of the attempts that ended well, newest last, as many as tell what is usual."""
        self.worked_at = clock()
        """When a stage last ended well."""
        self.on_finished: Callable[[Rollout], None] | None = None
        self._has_worked = False
        self._unwanted: dict[str, str] = {}
        self._waiting: set[tuple[str, str]] = set()

    # --- what is owed ----------------------------------------------------------------------

    @property
    def is_finished(self) -> bool:
        """Whether every rollout that was enrolled has its final record."""
        return len(self.records.finished) >= len(self.seats)

    def enrol(self, seats: Sequence[Seat]) -> None:
        """Owe these rollouts; those that the ledger knows stay as they are."""
        first = Stage.EVALUATION if self.plan.given else Stage.ROLLOUT
        self.seats.update((seat.rollout_id, seat) for seat in seats)
        self.ledger.enrol([(seat.rollout_id, seat.group_id) for seat in seats], first)

    def queue_owed(self) -> None:
        """Queue everything that the ledger says is owed."""
        self._queue(self.ledger.owed())

    def take_back(self, seats: Sequence[Seat]) -> None:
        """Queue what is owed of these seats, and tell those that an earlier driver finished."""
        self._queue(self.ledger.owed([seat.rollout_id for seat in seats]))
        for seat in seats:
            rollout = self.records.recall(seat.rollout_id)
            if rollout is not None and self.on_finished is not None:
                self.on_finished(rollout)

    def _queue(self, everything: Iterable[Owed]) -> None:
        longest = self.config.retries.longest_backoff_s
        groups: dict[str, list[Owed]] = {}
        for owed in everything:
            if owed.rollout_id not in self.seats or owed.rollout_id in self.records.finished:
                continue
            if owed.stage == Stage.POST:
                self._post(self.seats[owed.rollout_id])
                continue
            # A wall clock that jumped back must not hold a retry for longer than was ever meant.
            delay_s = min(longest, owed.ready_at - self.ledger.now()) if owed.ready_at else 0.0
            if (owed.rollout_id, owed.stage) in self._waiting:
                continue
            self._wait(owed, delay_s, is_retry=bool(owed.ready_at))
            groups.setdefault(owed.group_id, []).append(owed)
        for group_id, members in groups.items():
            self._tell_queued(group_id, members)

    def _wait(self, owed: Owed, delay_s: float = 0.0, *, is_retry: bool = False) -> None:
        self._waiting.add((owed.rollout_id, owed.stage))
        self.queue.add(owed, delay_s=delay_s, is_retry=is_retry)

    def _tell_queued(self, group_id: str, members: Iterable[Owed]) -> None:
        names = tuple(owed.rollout_id for owed in members)
        instance_id = self.seats[names[0]].instance_id
        self.emit(RolloutsQueued(group_id=group_id, instance_id=instance_id, rollout_ids=names))

    def share(self, failure: Failure) -> None:
        """Keep up with drivers on other hosts: renew leases, take over dead ones, learn what is done."""
        self.ledger.renew_all(self.owner, SHARED_LEASE_S)
        self.ledger.reclaim(failure)
        for rollout in self.records.learn():
            if self.on_finished is not None:
                self.on_finished(rollout)
        self.quarantine.recall(self.seats)
        self.queue_owed()
        self.queue.wake()

    # --- what begins -----------------------------------------------------------------------

    def begin(self, owed: Owed) -> Job | None:
        """Lease a stage and describe it; None where it may not begin, or somebody else has it."""
        seat, stage = self.seats[owed.rollout_id], Stage(owed.stage)
        self._waiting.discard((owed.rollout_id, owed.stage))
        if owed.rollout_id in self.records.finished:
            return None
        draft = self._describe(seat, stage)
        if (wait_s := self.breaker.wait_s(subjects_of(draft))) > 0:
            self._wait(owed, wait_s, is_retry=bool(owed.ready_at))
            return None
        timeouts = self.config.timeouts
        duration_s = deadline_s(draft) + timeouts.turn_s + timeouts.lost_s
        lease = self._lease(seat, stage, duration_s)
        if lease is None:
            return None  # a driver on another host has it
        if failure := self._refusal(seat):
            self._give_up(seat, lease, failure)
            return None
        job = draft.model_copy(update={"token": lease.token})
        self.ledger.open_sandbox(job.sandbox_name, lease)
        now = self.clock()
        self.held[job.sandbox_name] = Held(job, lease, now, now + duration_s)
        self.running[stage] += 1
        self.emit(StageStarted(rollout_id=seat.rollout_id, stage=stage, attempt=lease.token))
        return job

    def _refusal(self, seat: Seat) -> Failure | None:
        if reason := self._unwanted.get(seat.rollout_id):
            return Failure(cause="abandoned", detail=reason)
        return self.quarantine.verdict(seat.instance_id)

    def _describe(self, seat: Seat, stage: Stage) -> Job:
        work = self.records.work(seat) if stage is Stage.EVALUATION else None
        return Job(
            run=self.owner,
            seat=seat,
            stage=stage,
            token=0,
            task=self.plan.tasks[seat.instance_id],
            environments=self.plan.taskset.environments,
            config=self.config,
            patch=work.patch if work else "",
        )

    def _lease(self, seat: Seat, stage: Stage, duration_s: float) -> Lease | None:
        owner = self.owner
        if self.ledger.is_shared:
            duration_s = SHARED_LEASE_S  # renewed as long as this driver lives
        return self.ledger.lease(seat.rollout_id, stage, owner=owner, duration_s=duration_s)

    # --- what ends -------------------------------------------------------------------------

    def settle(self, result: JobResult) -> None:
        """Write down what came of a job, and queue what it makes owed."""
        job = result.job
        held = self.held.pop(job.sandbox_name, None)
        if held is None:
            self._keep_late(result)
            return
        self.running[job.stage] -= 1
        self.ledger.close_sandbox(job.sandbox_name)
        if result.failure is None:
            self._note_success(result)
            self.records.save(result, "", held.lease)
            self._succeed(result, held.lease)
        else:
            self.records.save(result, f"attempts/{job.stage}-{job.token}/", held.lease)
            self._fail(result, held.lease, result.failure)
        self.queue.wake()

    def give_up_lost(self) -> None:
        """End jobs that an executor took and never answered for, long after their deadlines."""
        now = self.clock()
        for held in [it for it in self.held.values() if it.lost_at < now]:
            failure = Failure(cause="worker_lost", detail="no answer long after the deadline")
            self.settle(JobResult(job=held.job, failure=failure))

    def abandon(self, rollout_ids: Iterable[str], reason: str) -> list[str]:
        """Give rollouts up that nobody wants any more; return the names of their jobs under way."""
        running = {held.job.seat.rollout_id: name for name, held in self.held.items()}
        names = []
        for rollout_id in rollout_ids:
            if rollout_id in self.records.finished or rollout_id in self._unwanted:
                continue
            self._unwanted[rollout_id] = reason
            self.emit(RolloutAbandoned(rollout_id=rollout_id, reason=reason))
            if rollout_id in running:
                names.append(running[rollout_id])
        for name in names:
            failure = Failure(cause="abandoned", detail=reason)
            self.settle(JobResult(job=self.held[name].job, failure=failure))
        self.queue.wake()
        return names

    def _note_success(self, result: JobResult) -> None:
        self._has_worked = True
        self.worked_at = self.clock()
        usual = self.durations[result.job.stage]
        usual.append(result.duration_s)
        del usual[:-512]
        self.breaker.succeeded(subjects_of(result.job))

    def _keep_late(self, result: JobResult) -> None:
        """Keep as evidence what comes of an attempt that was given up for lost."""
        job = result.job
        lease = Lease(job.seat.rollout_id, job.stage, job.token, self.owner)
        self.records.save(result, f"attempts/{job.stage}-{job.token}/", lease)
        answer = result.work or result.verdict or result.failure
        self.ledger.complete(lease, answer.model_dump_json() if answer else "")

    def _succeed(self, result: JobResult, lease: Lease) -> None:
        seat = result.job.seat
        answer = result.work or result.verdict
        assert answer is not None, "a job without a failure has an answer"
        is_graded = result.work is not None and result.work.is_graded
        is_graded = is_graded and self.config.grading != "later"
        next_stage = Stage.EVALUATION if is_graded else Stage.POST
        if not self.ledger.complete(lease, answer.model_dump_json(), next_stage=next_stage):
            return
        self.emit(
            StageFinished(
                rollout_id=seat.rollout_id,
                stage=lease.stage,
                attempt=lease.token,
                duration_s=result.duration_s,
            )
        )
        if result.verdict is not None:
            self._tell_verdict(lease, result.verdict)
        if next_stage is Stage.POST:
            self._post(seat)
        else:
            self._wait(Owed(seat.rollout_id, seat.group_id, next_stage, 0.0))

    def _fail(self, result: JobResult, lease: Lease, failure: Failure) -> None:
        seat = result.job.seat
        if result.is_user_error and not self._has_worked:
            raise JourneymanError(failure.detail, result.hint)
        self.breaker.failed(subjects_of(result.job), failure.cause)
        past = self.ledger.failures(seat.rollout_id, lease.stage)
        past.pop("interrupted", None)
        delay_s = retry_delay(failure.cause, past, self.config.retries)
        if delay_s is None:
            self._condemn(result, failure)
            self._give_up(seat, lease, failure, _evidence(result))
            return
        ready_at = self.ledger.now() + delay_s
        if self.ledger.fail(lease, failure, retry_at=ready_at, evidence=_evidence(result)):
            self._tell_failure(lease, failure, delay_s)
            owed = Owed(seat.rollout_id, seat.group_id, lease.stage, ready_at)
            self._wait(owed, delay_s, is_retry=True)

    def _condemn(self, result: JobResult, failure: Failure) -> None:
        job = result.job
        finished = self.records.finished.values()
        if self.quarantine.consider(job.seat, failure, job.patch, finished):
            self.emit(TaskQuarantined(instance_id=job.seat.instance_id, failure=failure))

    def _give_up(self, seat: Seat, lease: Lease, failure: Failure, evidence: str = "") -> None:
        if self.ledger.fail(lease, failure, next_stage=Stage.POST, evidence=evidence):
            self._tell_failure(lease, failure, None)
            self._post(seat)

    def _tell_failure(self, lease: Lease, failure: Failure, delay_s: float | None) -> None:
        self.emit(
            StageFailed(
                rollout_id=lease.rollout_id,
                stage=lease.stage,
                attempt=lease.token,
                failure=failure,
                retry_in_s=delay_s,
            )
        )

    def _tell_verdict(self, lease: Lease, verdict: Verdict) -> None:
        self.emit(
            VerdictGiven(
                rollout_id=lease.rollout_id,
                attempt=lease.token,
                is_resolved=verdict.is_resolved,
                num_passed=sum(it is TestStatus.PASSED for it in verdict.tests.values()),
                num_tests=len(verdict.tests),
            )
        )

    def _post(self, seat: Seat) -> None:
        """Close a rollout: nothing more is owed of it."""
        lease = self._lease(seat, Stage.POST, _POST_S)
        if lease is None:
            return
        rollout = self.records.finish(seat, lease)
        if rollout is None:
            return
        self.emit(
            RolloutFinished(
                rollout_id=seat.rollout_id,
                model=seat.label,
                ending=rollout.ending,
                is_resolved=is_resolved(rollout),
                failure=rollout.failure,
            )
        )
        if self.on_finished is not None:
            self.on_finished(rollout)
        self.queue.wake()


def _evidence(result: JobResult) -> str:
    """Name the folder, in the run's, of what a failed attempt left; nothing if it left nothing."""
    job = result.job
    folder = f"artifacts/{job.seat.rollout_id}/attempts/{job.stage}-{job.token}"
    return folder if result.files else ""
