"""Ctrl-C: the first drains, the second stops; a third ends the process as if nothing were here."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from journeyman.errors import JourneymanError

__all__ = ["RunInterrupted", "interruptible"]


class RunInterrupted(JourneymanError):  # noqa: N818 - an ending, not an error
    """Somebody stopped a run before it was finished; what is finished is saved."""

    exit_code = 130


@contextlib.contextmanager
def interruptible(drain: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    """Call `drain` at the first interrupt of the block and `stop` at the second, or at a SIGTERM.

    Outside the main thread signals are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    was_asked = False

    def let_go() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def on_interrupt() -> None:
        nonlocal was_asked
        if was_asked:
            on_end()
        else:
            was_asked = True
            drain()

    def on_end() -> None:
        let_go()
        stop()

    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    loop.add_signal_handler(signal.SIGTERM, on_end)
    try:
        yield
    finally:
        let_go()
