"""An event loop whose time passes only when nothing is left to do: hours of waiting in seconds.

Everything that takes its time from the loop (`asyncio.sleep`, `loop.time()`) runs unchanged on it. Not
for what is done outside of it: virtual hours may pass while a thread works for a moment.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_virtually"]

ResultT = TypeVar("ResultT")


class _SkippingSelector(selectors.DefaultSelector):
    """Never waits for a time: it moves the loop's clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # only threads and signals can go on from here
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.now += max(0.0, timeout)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def run_virtually(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end on a virtual clock that begins at 0."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)
