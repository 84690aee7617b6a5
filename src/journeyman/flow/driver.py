"""Drives a run: takes it up, hands what is owed to an executor as there is room, and lets go of it.

The driver alone writes the run's folder and its ledger; a driver that dies at any moment leaves at
most work that is owed again, and lines that the next one adds from the ledger.

    async with planned(config) as plan:
        rollouts = await run_rollouts(config, run, plan=plan)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.flow.board import Board
from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import (
    Draining,
    Event,
    ResourceLevel,
    RunEnded,
    RunStarted,
    SandboxReaped,
)
from journeyman.flow.executor import Executor
from journeyman.flow.executors import opened_executor
from journeyman.flow.interruption import RunInterrupted, interruptible
from journeyman.flow.jobs import Job, Seat, Stage
from journeyman.flow.plan import Plan, planned
from journeyman.flow.predictions import write_predictions
from journeyman.flow.report import write_report
from journeyman.flow.summary import is_resolved
from journeyman.flow.use import Use, per_resolved
from journeyman.flow.watch import Watch
from journeyman.runs import RunFolder
from journeyman.sandbox import reap
from journeyman.types import Failure, Rollout

__all__ = ["Driver", "drive", "run_rollouts"]

_LOST = Failure(cause="interrupted", detail="the driver ended before the attempt did")
_OF_A_HOST = RolloutConfig.resume_may_change | {"taskset"}
"""What may differ between the drivers of one run."""
_POLL_S = 0.5
_STATUS_EVERY_S = 1.0
_ROLLOUTS_PER_CPU = 32
_EVALUATIONS_PER_CPU = 2


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
    driver = Driver(config, run, plan, on_event)
    if executor is not None:
        return await driver.run(executor)
    async with opened_executor(config, plan, driver.owner, driver.emit) as chosen:
        return await driver.run(chosen)


class Driver:
    """One process's hold on one run.

    A run whose plan is not the whole of what it will do, such as training's, is open: it ends when
    `seal` is called and everything enrolled is finished.
    """

    def __init__(
        self,
        config: RolloutConfig,
        run: RunFolder,
        plan: Plan,
        on_event: Callable[[Event], None] | None = None,
        *,
        is_open: bool = False,
    ) -> None:
        self._config = config
        self._folder = run
        self._plan = plan
        self._on_event = on_event
        self._is_sealed = not is_open
        # Two runs of one name in two places must not claim each other's sandboxes.
        place = f"{socket.gethostname()}:{run.path.resolve()}"
        owner = self.owner = f"{run.name}.{digest(place)[:8]}"
        clock = asyncio.get_running_loop().time
        self.board = Board(config, run, plan, owner, self.emit, clock)
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the run is taken up and more may be enrolled."""
        self._executor: Executor | None = None
        self._body: asyncio.Task[None] | None = None
        self._is_open = is_open
        self._watch: Watch | None = None
        self._is_draining = False
        self._status_at = 0.0

    # --- what others may ask for -------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Append an event to the run's stream and pass it on."""
        self._folder.append("events", event)
        if self._on_event is not None:
            self._on_event(event)

    def enrol(self, seats: Sequence[Seat]) -> None:
        """Owe more rollouts of an open run; what the ledger knows of them counts."""
        self.board.enrol(seats)
        self.board.take_back(seats)

    def seal(self) -> None:
        """Say that nothing more will be enrolled."""
        self._is_sealed = True
        self.board.queue.wake()

    def abandon(self, rollout_ids: Iterable[str], reason: str) -> None:
        """End rollouts that nobody wants any more; their records say so."""
        names = self.board.abandon(rollout_ids, reason)
        if self._executor is not None:
            self._executor.cancel(names)

    def halt(self) -> None:
        """End at once: what runs is owed again."""
        if self._body is not None:
            self._body.cancel()

    def stop(self) -> None:
        """Drain: what runs is finished, nothing new begins."""
        self._is_draining = True
        board = self.board
        self.emit(Draining(num_running=sum(board.running.values())))
        board.queue.wake()

    # --- the run as a whole ----------------------------------------------------------------

    async def run(self, executor: Executor) -> list[Rollout]:
        """Take the run up, do what is owed, and let go of it in an orderly way."""
        state = "failed"
        self._executor = executor
        try:
            # From before the run is said to have begun: whoever sees that may interrupt it.
            with interruptible(self.stop, self.halt):
                self._take_up()
                body = self._body = asyncio.create_task(self._drive(executor))
                self.started.set_result(None)
                await asyncio.wait({body})
            if not body.cancelled():
                body.result()
            state = "finished" if self._is_sealed and self.board.is_finished else "interrupted"
        finally:
            if self._body is not None:
                if not self._body.done():
                    self._body.cancel()
                    await asyncio.wait({self._body})
                self._let_go(state)
        if state == "interrupted":
            raise self._interrupted()
        return self.board.records.in_order

    async def _drive(self, executor: Executor) -> None:
        self.board.queue_owed()
        watch = self._watch = Watch(
            self.board, levels=lambda: _levels(executor), tell_status=self._tell_status
        )
        watching = asyncio.create_task(watch.run())
        working = asyncio.create_task(self._work(executor))
        try:
            await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            await working
        finally:
            for task in (watching, working):
                task.cancel()
            await asyncio.wait({watching, working})

    async def _work(self, executor: Executor) -> None:
        async with contextlib.aclosing(executor.run(self._jobs(executor))) as results:
            async for result in results:
                self.board.settle(result)

    def _take_up(self) -> None:
        """Make ledger, folder and sandboxes agree with one another, and with the plan."""
        board, plan = self.board, self._plan
        self._folder.remember(digests=plan.digests, seeds={"seed": self._config.seed})
        self._agree()
        self._reap()
        board.enrol(plan.seats)
        self._reclaim()
        board.records.reconcile()
        board.quarantine.recall(board.seats)
        finished = board.records.finished.values()
        self.emit(
            RunStarted(
                run=self._folder.name,
                num_rollouts=len(board.seats),
                num_finished=len(finished),
                num_resolved=sum(is_resolved(rollout) for rollout in finished),
                num_failed=sum(rollout.failure is not None for rollout in finished),
            )
        )

    def _agree(self) -> None:
        """Refuse to write a ledger that drivers elsewhere write for another run."""
        config = self._config.model_dump(mode="json")
        own = {key: config[key] for key in config.keys() - _OF_A_HOST}
        if own["grading"] is None:
            del own["grading"]  # ledgers that are older than this key
        found = self.board.ledger.remember("run", digest([own, self._plan.digests]))
        if self.board.ledger.is_shared and found != digest([own, self._plan.digests]):
            raise JourneymanError(
                "the ledger holds a run of this name with another config or other tasks",
                "give the same config on every host, or another --name",
            )

    def _reap(self) -> None:
        """Remove what dead drivers left, and note that nothing of this run is open any more."""
        board = self.board
        for name in reap(owner=board.owner):
            self.emit(SandboxReaped(name=name))
        for name in board.ledger.open_sandboxes():
            if name.startswith(f"{board.owner}."):
                board.ledger.close_sandbox(name)

    def _reclaim(self) -> None:
        """Owe again what an earlier driver of this folder held, and this one does no more."""
        ledger = self.board.ledger
        if ledger.is_shared:
            ledger.reclaim(_LOST, owner=self.owner)
        else:
            ledger.reclaim(_LOST, is_everything=True)

    def _let_go(self, state: str) -> None:
        """Leave a run that anybody can read, and that the next driver can take up."""
        self._reap()
        self._reclaim()
        num_finished = len(self.board.records.finished)
        self.emit(RunEnded.model_validate({"state": state, "num_finished": num_finished}))
        rollouts = self.board.records.in_order
        use = self._watch.use if self._watch is not None else Use()
        notes = per_resolved(rollouts, use, self._config.prices.usd_per_cpu_hour)
        write_report(self._folder, rollouts, list(self.board.seats.values()), notes)
        if not self._plan.given and not self._is_open:
            write_predictions(self._folder, rollouts)
        self._folder.set_status(state, **self._progress())

    def _interrupted(self) -> RunInterrupted:
        done, total = len(self.board.records.finished), len(self.board.seats)
        return RunInterrupted(
            f"interrupted: {done} of {total} rollouts are finished and saved in {self._folder.path}",
            "go on with the same command and --resume",
        )

    def _progress(self) -> dict[str, int]:
        return {
            "num_rollouts": len(self.board.seats),
            "num_finished": len(self.board.records.finished),
            "num_running": sum(self.board.running.values()),
        }

    def _tell_status(self) -> None:
        if time.monotonic() - self._status_at > _STATUS_EVERY_S:
            self._status_at = time.monotonic()
            state = "draining" if self._is_draining else "running"
            self._folder.set_status(state, **self._progress())

    # --- what begins -----------------------------------------------------------------------

    async def _jobs(self, executor: Executor) -> AsyncGenerator[Job, None]:
        """Yield a job whenever there is room for it, until nothing is owed or the run drains."""
        board = self.board

        def admits(stage: Stage) -> bool:
            return board.running[stage] < self._most(stage, executor)

        while not self._is_draining and not (self._is_sealed and board.is_finished):
            owed = board.queue.take(admits)
            if owed is None:
                await board.queue.wait(_POLL_S)
            elif (job := board.begin(owed)) is not None:
                yield job

    def _most(self, stage: Stage, executor: Executor) -> int:
        """Return how many jobs of a stage may be under way: each node has ceilings of its own too."""
        ceilings = self._config.concurrency
        num_cpus = executor.num_cpus or os.cpu_count() or 1
        if stage is Stage.EVALUATION:
            return ceilings.evaluations or max(2, int(_EVALUATIONS_PER_CPU * num_cpus))
        return ceilings.rollouts or max(2, int(_ROLLOUTS_PER_CPU * num_cpus))


def _levels(executor: Executor) -> tuple[ResourceLevel, ...]:
    return executor.levels
