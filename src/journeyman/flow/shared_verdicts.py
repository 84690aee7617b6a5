"""Equal patches of one task, graded once: what execution said of the first holds for the others.

A policy that becomes surer writes the same patch again and again, and grading is half of what a short
rollout costs. Only a verdict that says something about the patch is shared; after a failure the next
one is graded itself.

    verdicts = SharedVerdicts()
    graded = await verdicts.get((instance_id, patch), lambda: grade(task, environments, patch))
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from journeyman.verify import Graded

__all__ = ["SHARED", "SharedVerdicts"]

SHARED = "graded once with an equal patch of this task"
"""A verdict's note."""


class SharedVerdicts:
    """What one process of a run graded."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Graded] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: tuple[str, str], work: Callable[[], Awaitable[Graded]]) -> Graded:
        """Return the grading of a patch, made by `work` where none is known. Raises as it does."""
        async with self._locks[key]:
            if key in self._known:
                return self._known[key]
            graded = await work()
            verdict = graded.verdict
            if verdict.failure is None and not verdict.notes:
                shared = verdict.model_copy(update={"notes": (SHARED,)})
                self._known[key] = graded.model_copy(update={"verdict": shared})
            return graded
