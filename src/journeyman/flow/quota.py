"""A ceiling on what is used at once, shared fairly: those who wait are served group by group in turn.

quota = Quota("sandboxes", 64)
async with quota.hold("task-1.oracle.bash") as waited_s:
    ...
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable

from journeyman.flow.events import ResourceLevel

__all__ = ["Quota"]

_LOOK_AGAIN_S = 0.25


class Quota:
    """Slots of one resource, of one process.

    With a `gate`, one more is let in only while it says that there is room; it is asked again from
    time to time, because a load falls without anybody's telling.
    """

    def __init__(
        self, name: str, ceiling: int | None, *, gate: Callable[[int], bool] | None = None
    ) -> None:
        self.name = name
        self.ceiling = ceiling
        self.num_used = 0
        self._gate = gate
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._num_waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def num_waiting(self) -> int:
        """How many wait for a slot."""
        return self._num_waiting

    @property
    def is_full(self) -> bool:
        """Whether one more must wait."""
        return bool(self._waiting) or not self._has_room()

    @property
    def level(self) -> ResourceLevel:
        """What is in use, as data."""
        return ResourceLevel(
            name=self.name,
            num_used=self.num_used,
            num_waiting=self.num_waiting,
            ceiling=self.ceiling,
        )

    @contextlib.asynccontextmanager
    async def hold(self, key: str = "") -> AsyncIterator[float]:
        """Hold a slot for the length of a block; yields the seconds that it was waited for."""
        waited_s = await self.take(key)
        try:
            yield waited_s
        finally:
            self.give()

    async def take(self, key: str = "") -> float:
        """Wait for a slot, which `give` must give back; return the seconds that it took."""
        if not self._waiting and self._has_room():
            self.num_used += 1
            return 0.0
        loop = asyncio.get_running_loop()
        started = loop.time()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(key, deque()).append(future)
        self._num_waiting += 1
        self._serve()  # who stood before may have gone
        try:
            await future
        except BaseException:
            if future.done() and not future.cancelled():
                self.give()
            raise
        finally:
            if future.cancelled():
                self._num_waiting -= 1
        return loop.time() - started

    def give(self) -> None:
        """Give a slot back."""
        self.num_used -= 1
        self._serve()

    def resize(self, ceiling: int) -> None:
        """Change the ceiling; what is above it already is left to end."""
        self.ceiling = ceiling
        self._serve()

    def _has_room(self) -> bool:
        if self.ceiling is not None and self.num_used >= self.ceiling:
            return False
        return self._gate is None or self._gate(self.num_used)

    def _serve(self) -> None:
        """Let in who may come in, one of each group in turn."""
        while self._waiting and self._has_room():
            key, futures = self._waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self._waiting[key] = futures
            if not future.done():
                self._num_waiting -= 1
                self.num_used += 1
                future.set_result(None)
        self._look_later()

    def _look_later(self) -> None:
        if self._gate is None or self._timer is not None or not self._waiting:
            return
        self._timer = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        self._timer = None
        self._serve()
