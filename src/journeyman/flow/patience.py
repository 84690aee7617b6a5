"""A job's deadline, which does not run while the job waits for its turn at something shared.

async with Patience(deadline_s=900, turn_s=3600) as patience:
    async with patience.waiting():
        await quota.take()
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType

from journeyman.flow.events import Phase

__all__ = ["Patience"]


class Patience:
    """Raises `TimeoutError` out of its block after `deadline_s` of work, or `turn_s` of waiting."""

    def __init__(
        self,
        deadline_s: float,
        turn_s: float,
        on_phase: Callable[[Phase], None] | None = None,
    ) -> None:
        self.waited_s = 0.0
        """Seconds spent waiting so far."""
        self._deadline_s = deadline_s
        self._turn_s = turn_s
        self._on_phase = on_phase
        self._forgivers: list[Callable[[float], None]] = []
        self._timeout: asyncio.Timeout | None = None

    async def __aenter__(self) -> Patience:
        self._timeout = asyncio.timeout(self._deadline_s)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._timeout is not None
        await self._timeout.__aexit__(kind, error, trace)

    def enter(self, phase: Phase) -> None:
        """Say what the job does now."""
        if self._on_phase is not None:
            self._on_phase(phase)

    def forgive_also(self, forgive: Callable[[float], None]) -> None:
        """Tell somebody else who keeps a clock of every second that was waited, such as a session."""
        self._forgivers.append(forgive)

    @contextlib.asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Stop the clock of the job for the length of the block."""
        assert self._timeout is not None
        loop = asyncio.get_running_loop()
        started, ends = loop.time(), self._timeout.when()
        assert ends is not None
        left = self._turn_s - self.waited_s
        self.enter("waiting")
        self._timeout.reschedule(max(ends, started + left))
        try:
            yield
        finally:
            waited = loop.time() - started
            self.waited_s += waited
            if not self._timeout.expired():
                self._timeout.reschedule(ends + waited)
            for forgive in self._forgivers:
                forgive(waited)
