"""Equal patches of one task, graded once: what execution said of the first holds for the others.

A policy that becomes surer writes the same patch again and again, and grading is half of what a short
rollout costs. Only a verdict that says something about the patch is shared; after a failure the next
one is graded itself.

    verdicts = SharedVerdicts(Path("verdicts"))
    key = patch_key(task, patch, "namespace")
    graded = await verdicts.get(key, lambda: grade(task, environments, patch))
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from journeyman.config import digest
from journeyman.runs import write_atomic
from journeyman.types import Task, Verdict
from journeyman.verify import Graded

__all__ = ["SHARED", "SharedVerdicts", "patch_key"]

SHARED = "graded once with an equal patch of this task"
"""A verdict's note."""
_VERDICT, _LOG = "verdict.json", "test.log"


def patch_key(task: Task, patch: str, sandbox: str) -> str:
    """Return what two gradings have in common that must say the same.

    All of the task counts: its tests, its environment's digest and its verifier among it.
    """
    return digest([task.model_dump(mode="json"), patch, sandbox])


class SharedVerdicts:
    """What one process graded and, with a folder, what others did that keep theirs there."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Graded] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, key: str, work: Callable[[], Awaitable[Graded]]) -> Graded:
        """Return the grading of a patch, made by `work` where none is known. Raises as it does."""
        async with self._locks[key]:
            known = self._known.get(key) or self._read(key)
            if known is not None:
                self._known[key] = known
                return known
            graded = await work()
            verdict = graded.verdict
            if verdict.failure is None and not verdict.notes:
                shared = verdict.model_copy(update={"notes": (SHARED,)})
                self._known[key] = graded.model_copy(update={"verdict": shared})
                self._write(key, self._known[key])
            return graded

    def _read(self, key: str) -> Graded | None:
        if self._folder is None:
            return None
        place = self._folder / key[:2] / key
        with suppress(FileNotFoundError):
            verdict = Verdict.model_validate_json((place / _VERDICT).read_bytes())
            return Graded(verdict=verdict, log=(place / _LOG).read_bytes())
        return None

    def _write(self, key: str, graded: Graded) -> None:
        """The verdict comes last: whoever finds it finds the log as well."""
        if self._folder is None:
            return
        place = self._folder / key[:2] / key
        place.mkdir(parents=True, exist_ok=True)
        write_atomic(place / _LOG, graded.log)
        write_atomic(place / _VERDICT, graded.verdict.model_dump_json())
