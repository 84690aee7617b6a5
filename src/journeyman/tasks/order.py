"""Work done several at a time, with results in the order of what was asked for.

Whoever stops early gets the same results whatever the timing; what is still running is then ended.

    async with aclosing(in_order(work, items, concurrency=2)) as results:
        async for result in results: ...
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

__all__ = ["in_order", "num_processors"]

Item = TypeVar("Item")
Result = TypeVar("Result")

NUM_AHEAD = 3
"""How many times the number of workers may be begun or done before the first in order is done."""


def num_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


async def in_order(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, concurrency: int
) -> AsyncGenerator[Result, None]:
    """Yield `work(item)` for each item, in order; items are drawn only a little ahead."""
    slots = asyncio.Semaphore(concurrency)

    async def one(item: Item) -> Result:
        async with slots:
            return await work(item)

    begun: deque[asyncio.Task[Result]] = deque()
    remaining = iter(items)
    is_drained = False
    try:
        while True:
            while not is_drained and len(begun) < NUM_AHEAD * concurrency:
                try:
                    begun.append(asyncio.create_task(one(next(remaining))))
                except StopIteration:
                    is_drained = True
            if not begun:
                return
            yield await begun[0]
            begun.popleft()
    finally:
        for job in begun:
            job.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
