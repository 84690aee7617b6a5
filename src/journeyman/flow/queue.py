"""What is owed and may begin, in the order that is fair: gradings first, then groups in turn.

Finishing what has begun, retries included, goes before beginning more, so work in between stays
little. New rollouts are taken from each group in turn, so no group starves behind a long one. Time is
the event loop's: a wall clock that jumps moves nothing. Not a durable store: the ledger is, and this
is made from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from journeyman.flow.jobs import Stage
from journeyman.runs import Owed

__all__ = ["OwedQueue"]

# More gradings than this waiting hold new rollouts back, so that patches do not pile up ungraded.
_MOST_EVALUATIONS = 64


class OwedQueue:
    """The stages that wait, of one driver."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._evaluations: deque[Owed] = deque()
        self._groups: OrderedDict[str, deque[Owed]] = OrderedDict()
        self._later: list[tuple[float, int, Owed, bool]] = []
        self._num_added = 0
        self._num_ready = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return self._num_ready + len(self._later)

    def add(self, owed: Owed, *, delay_s: float = 0.0, is_retry: bool = False) -> None:
        """Queue a stage, not before `delay_s` are over; a retry goes before what is new."""
        if delay_s > 0:
            self._num_added += 1
            ready_at = self._clock() + delay_s
            heapq.heappush(self._later, (ready_at, self._num_added, owed, is_retry))
        else:
            self._add_ready(owed, is_retry)
        self.wake()

    def _add_ready(self, owed: Owed, is_retry: bool) -> None:
        self._num_ready += 1
        if owed.stage == Stage.EVALUATION:
            self._evaluations.append(owed)
        elif is_retry:
            # What begins after it may depend on what comes of it.
            self._groups.setdefault(owed.group_id, deque()).appendleft(owed)
            self._groups.move_to_end(owed.group_id, last=False)
        else:
            self._groups.setdefault(owed.group_id, deque()).append(owed)

    def take(self, admits: Callable[[Stage], bool]) -> Owed | None:
        """Remove and return the next stage that is admitted, if any."""
        self._ripen()
        if self._evaluations and admits(Stage.EVALUATION):
            self._num_ready -= 1
            return self._evaluations.popleft()
        is_behind = len(self._evaluations) > _MOST_EVALUATIONS
        if self._groups and not is_behind and admits(Stage.ROLLOUT):
            return self._take_rollout()
        return None

    def _take_rollout(self) -> Owed:
        group_id, waiting = self._groups.popitem(last=False)
        owed = waiting.popleft()
        if waiting:
            self._groups[group_id] = waiting
        self._num_ready -= 1
        return owed

    async def wait(self, timeout_s: float) -> None:
        """Wait until something changes, a delayed stage ripens, or the time is up."""
        if self._later:
            timeout_s = min(timeout_s, max(0.0, self._later[0][0] - self._clock()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        self._changed.clear()

    def wake(self) -> None:
        """End a wait."""
        self._changed.set()

    def _ripen(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            _, _, owed, is_retry = heapq.heappop(self._later)
            self._add_ready(owed, is_retry)
