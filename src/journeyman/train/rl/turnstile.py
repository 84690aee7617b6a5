"""A change of weights waits for the completions under way, and new ones wait for it.

async with turnstile.drawing():
    completion = await served.complete(prompt, sampling)
async with turnstile.changing():
    served = await serve(weights)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

__all__ = ["Turnstile"]


class Turnstile:
    """Many may draw, or one may change."""

    def __init__(self) -> None:
        self._turn = asyncio.Condition()
        self._num_drawing = 0
        self._is_changing = False

    @contextlib.asynccontextmanager
    async def drawing(self) -> AsyncIterator[None]:
        """Hold weights still while a completion is drawn."""
        async with self._turn:
            await self._turn.wait_for(lambda: not self._is_changing)
            self._num_drawing += 1
        try:
            yield
        finally:
            self._num_drawing -= 1
            async with self._turn:
                self._turn.notify_all()

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Wait for what is drawn, and keep everything else waiting."""
        async with self._turn:
            await self._turn.wait_for(lambda: not self._is_changing)
            self._is_changing = True
        try:
            async with self._turn:
                await self._turn.wait_for(lambda: not self._num_drawing)
            yield
        finally:
            self._is_changing = False
            async with self._turn:
                self._turn.notify_all()
