"""Lets in as many model calls as may run, lets as many wait, and refuses the rest at once."""

from __future__ import annotations

import asyncio
from types import TracebackType

from journeyman.gateway.errors import GatewayError

__all__ = ["Gate"]


class Gate:
    """A bound on calls under way, and one on the queue before it; closed, it lets nobody in."""

    def __init__(self, num_running: int, num_waiting: int) -> None:
        self._slots = asyncio.Semaphore(num_running)
        self._most_waiting = num_waiting
        self._num_inside = 0
        self.num_waiting = 0
        self.is_closed = False
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @property
    def num_inside(self) -> int:
        """Calls that run or wait."""
        return self._num_inside

    async def __aenter__(self) -> None:
        if self.is_closed:
            raise GatewayError("overloaded", "the gateway is shutting down", retry_after_s=5)
        if self._slots.locked() and self.num_waiting >= self._most_waiting:
            raise GatewayError(
                "rate_limited", f"{self.num_waiting} calls are waiting already", retry_after_s=1
            )
        self._num_inside += 1
        self.num_waiting += 1
        self._is_empty.clear()
        try:
            await self._slots.acquire()
        except BaseException:
            self._leave()
            raise
        finally:
            self.num_waiting -= 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._slots.release()
        self._leave()

    def _leave(self) -> None:
        self._num_inside -= 1
        if self._num_inside == 0:
            self._is_empty.set()

    async def drain(self) -> None:
        """Let nobody in any more, and wait until everybody is out."""
        self.is_closed = True
        await self._is_empty.wait()

    def abandon(self) -> None:
        """Let `drain` end although somebody is inside."""
        self._is_empty.set()
