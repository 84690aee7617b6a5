"""Candidates screened one after another, with what is learned of files on the way.

Where lines are not recorded, in other languages than Python, a file that no test uses costs a run of
the suite for each of its bugs. After the first that survives, the file is made unusable once: if
that goes unnoticed too, its other bugs are dropped unrun. No task depends on it, for none of them would
have been noticed.

    screener = Screener(environment, folder, baseline, limits, "namespace")
    outcome = await screener.screen(candidate)
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from journeyman.tasks.baseline import Baseline, run_probed
from journeyman.tasks.candidate import Candidate, Dropped, Screened, ScreenLimits, screen
from journeyman.tasks.languages import broken_text
from journeyman.tasks.warm import NotWarmError, WarmPool
from journeyman.types import Environment, TestStatus

__all__ = ["Screener"]


class Screener:
    """Screens the candidates of one environment."""

    def __init__(
        self,
        environment: Environment,
        folder: Path,
        baseline: Baseline,
        limits: ScreenLimits,
        backend: str,
        warm: WarmPool | None = None,
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._baseline = baseline
        self._limits = limits
        self._backend = backend
        self._warm = warm
        self._warm_is_proven = False
        """Whether tests have passed in a warm sandbox; until then it may be that none can."""
        self._used: set[str] = set()
        self._looking: dict[str, asyncio.Lock] = {}
        self._unused: set[str] = set()

    async def screen(self, candidate: Candidate) -> Screened | Dropped:
        """Run the tests of a candidate, unless its file is known to matter to none."""
        path = candidate.mutation.path
        if path in self._unused:
            return Dropped("not_covered", candidate.label)
        outcome = await self._screen_warm(candidate) or await self._screen(candidate, None)
        if self._baseline.narrowing.is_probed or path in self._used:
            return outcome
        if isinstance(outcome, Dropped) and outcome.reason == "survived":
            async with self._looking.setdefault(path, asyncio.Lock()):
                await self._look(candidate)
        else:
            self._used.add(path)
        return outcome

    async def _screen(self, candidate: Candidate, warm: WarmPool | None) -> Screened | Dropped:
        return await screen(
            self._environment,
            self._folder,
            self._baseline,
            candidate,
            self._limits,
            backend=self._backend,
            warm=warm,
        )

    async def _screen_warm(self, candidate: Candidate) -> Screened | Dropped | None:
        """Screen in a warm sandbox; None where its outcome is for a fresh one to tell."""
        if self._warm is None or self._warm.why_not:
            return None
        try:
            outcome = await self._screen(candidate, self._warm)
        except NotWarmError:
            return None
        is_sure = isinstance(outcome, Screened) or outcome.reason == "survived"
        self._warm_is_proven = self._warm_is_proven or is_sure
        return outcome if self._warm_is_proven else None

    async def _look(self, candidate: Candidate) -> None:
        """Make the candidate's file unusable and see whether any test notices."""
        path = candidate.mutation.path
        if path in self._used or path in self._unused:
            return
        data = (self._folder / "repository" / path).read_bytes()
        run, _ = await run_probed(
            self._environment,
            self._folder,
            candidate.verifier,
            changes={path: broken_text(path) + data},
            backend=self._backend,
        )
        passed = (run.statuses.get(test) == TestStatus.PASSED for test in candidate.selection.tests)
        (self._unused if all(passed) else self._used).add(path)
