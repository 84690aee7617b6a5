"""What is owed and may begin, in the order that is fair: gradings first, then groups in turn.

Finishing what has begun, retries included, goes before beginning more, so work in between stays
little. New rollouts
are taken from each group in turn, so no group starves behind a long one. Not a durable store: the
ledger is, and this is made from it.
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

    def __init__(self) -> None:
        self._evaluations: deque[Owed] = deque()
        self._groups: OrderedDict[str, deque[Owed]] = OrderedDict()
        self._later: list[tuple[float, int, Owed]] = []
        self._num_added = 0
        self._changed = asyncio.Event()

    def add(self, owed: Owed) -> None:
        """Queue a stage, not before its `ready_at`."""
        self._num_added += 1
        if owed.ready_at > time.time():
            heapq.heappush(self._later, (owed.ready_at, self._num_added, owed))
        elif owed.stage == Stage.EVALUATION:
            self._evaluations.append(owed)
        elif owed.ready_at:
            # Tried before: what begins after it may depend on what comes of it.
            self._groups.setdefault(owed.group_id, deque()).appendleft(owed)
            self._groups.move_to_end(owed.group_id, last=False)
        else:
            self._groups.setdefault(owed.group_id, deque()).append(owed)
        self.wake()

    def take(self, admits: Callable[[Stage], bool]) -> Owed | None:
        """Remove and return the next stage that is admitted, if any."""
        self._ripen()
        if self._evaluations and admits(Stage.EVALUATION):
            return self._evaluations.popleft()
        is_behind = len(self._evaluations) > _MOST_EVALUATIONS
        if self._groups and not is_behind and admits(Stage.ROLLOUT):
            group_id, waiting = self._groups.popitem(last=False)
            owed = waiting.popleft()
            if waiting:
                self._groups[group_id] = waiting
            return owed
        return None

    async def wait(self, timeout_s: float) -> None:
        """Wait until something changes, a delayed stage ripens, or the time is up."""
        if self._later:
            timeout_s = min(timeout_s, max(0.0, self._later[0][0] - time.time()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        self._changed.clear()

    def wake(self) -> None:
        """End a wait."""
        self._changed.set()

    def _ripen(self) -> None:
        while self._later and self._later[0][0] <= time.time():
            self.add(heapq.heappop(self._later)[2])
