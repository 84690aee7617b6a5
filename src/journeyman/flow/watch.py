"""What a driver looks after from time to time: orphans, stragglers, lost jobs, levels, its status."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Callable

from journeyman.errors import JourneymanError
from journeyman.flow.admission import Load, measure_load
from journeyman.flow.board import Board, Held
from journeyman.flow.events import (
    ResourceLevel,
    ResourcesMeasured,
    SandboxReaped,
    StragglerFound,
)
from journeyman.flow.jobs import Stage
from journeyman.flow.use import Use
from journeyman.sandbox import file_name, reap, reap_own
from journeyman.types import Failure

__all__ = ["Watch"]

_TICK_S = 0.5
_MEASURE_EVERY_S = 5.0
_REAP_EVERY_S = 60.0
_SHARE_EVERY_S = 2.0
_EXPIRED = Failure(cause="worker_lost", detail="its driver let the lease run out")
_LATE = 4.0
"""An attempt that takes so many times the median is a straggler."""
_LEAST_LATE_S = 30.0
_FEWEST_SAMPLES = 10
_MANY = 2000
"""So many jobs under way are looked through less often."""


class Watch:
    """The periodic duties of one driver; `run` never returns."""

    def __init__(
        self,
        board: Board,
        *,
        levels: Callable[[], tuple[ResourceLevel, ...]],
        tell_status: Callable[[], None],
    ) -> None:
        self._board = board
        self._levels = levels
        self._tell_status = tell_status
        self.use = Use(num_cpus=os.cpu_count() or 1)
        self._load: Load = measure_load()
        self._suspects: set[str] = set()
        """Sandboxes of no job, as the last look found them."""
        self._measured_at = board.clock()
        self._reaped_at = self._shared_at = self._looked_at = board.clock()

    async def run(self) -> None:
        """Look after everything until cancelled. Raises where a run can no longer get on."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = self._board.clock()
            if len(self._board.held) < _MANY or now - self._looked_at >= _MEASURE_EVERY_S:
                self._looked_at = now
                self._board.give_up_lost()
            self._refuse_outage(now)
            self._tell_status()
            if now - self._measured_at >= _MEASURE_EVERY_S:
                self._measure(now)
                self._find_stragglers(now)
            if self._board.ledger.is_shared and now - self._shared_at >= _SHARE_EVERY_S:
                self._shared_at = now
                self._board.share(_EXPIRED)
            if now - self._reaped_at >= _REAP_EVERY_S:
                self._reaped_at = now
                await self.reap()

    async def reap(self) -> None:
        """Remove the run's sandboxes whose processes are dead, and what nobody works in any more."""
        owner, working = self._board.owner, {file_name(name) for name in self._board.held}
        dead = await asyncio.to_thread(reap, owner=owner)
        leaked, self._suspects = await asyncio.to_thread(reap_own, owner, working, self._suspects)
        for name in (*dead, *leaked):
            self._board.emit(SandboxReaped(name=name))

    def _refuse_outage(self, now: float) -> None:
        board = self._board
        subjects = board.breaker.open_subjects
        patience_s = board.config.breakers.give_up_s
        if subjects and not board.held and now - board.worked_at > patience_s:
            raise JourneymanError(
                f"nothing has worked for {patience_s:.0f} s; left alone: {', '.join(subjects)}",
                "mend it, then give the same command with --resume",
            )

    def _measure(self, now: float) -> None:
        board, before = self._board, self._load
        self._load = load = measure_load()
        elapsed_s = max(now - self._measured_at, 1e-3)
        self._measured_at = now
        share = (load.busy_s - before.busy_s) / elapsed_s / (os.cpu_count() or 1)
        event = ResourcesMeasured(
            num_queued=len(board.queue),
            num_rollouts=board.running[Stage.ROLLOUT],
            num_evaluations=board.running[Stage.EVALUATION],
            levels=self._levels(),
            cpu_share=max(0.0, min(1.0, share)),
            cpu_pressure=load.cpu_pressure,
            free_bytes=load.free_bytes,
            total_bytes=load.total_bytes,
        )
        self.use = self.use.with_measurement(event, elapsed_s)
        board.emit(event)

    def _find_stragglers(self, now: float) -> None:
        for stage, usual in self._board.durations.items():
            if len(usual) < _FEWEST_SAMPLES:
                continue
            median_s = statistics.median(usual)
            late_s = max(_LEAST_LATE_S, _LATE * median_s)
            for held in self._board.held.values():
                if (
                    held.job.stage is stage
                    and not held.is_reported
                    and now - held.began_at > late_s
                ):
                    self._report(held, now, median_s)

    def _report(self, held: Held, now: float, median_s: float) -> None:
        held.is_reported = True
        self._board.emit(
            StragglerFound(
                rollout_id=held.job.seat.rollout_id,
                stage=held.job.stage,
                attempt=held.job.token,
                duration_s=now - held.began_at,
                median_s=median_s,
            )
        )
