"""What came of the changes in a history: candidates, why the others were dropped, built, validated.

report.dropped["no_tests"], report.examples["no_tests"][0]
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from pydantic import Field

from journeyman.tasks.mine.reasons import REASONS, Refused
from journeyman.tasks.processor import cpu_seconds
from journeyman.types import Data, Task

__all__ = ["MineReport", "Tally"]

MAX_EXAMPLES = 3


class MineReport(Data):
    """The counts of one mining. Times are of the last run alone and enter no task."""

    num_candidates: int = 0
    """Steps of the main line that were looked at."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """By reason, in the order in which the reasons are looked for."""
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """A few candidates for each reason."""
    num_split: int = 0
    """Candidates that were taken apart into a fix and its tests."""
    num_built: int = 0
    """Of those, how many got an environment."""
    num_validated: int = 0
    shapes: dict[str, int] = Field(default_factory=dict)
    """Validated tasks by the way they came to the main line."""
    num_environments: int = 0
    """Environments that were installed; the others share what is installed in one of these."""
    duration_s: float = 0.0
    cpu_s: float = 0.0

    def without_times(self) -> dict[str, object]:
        """Return the report as data that is the same whenever the mining is repeated."""
        left_out = {"duration_s", "cpu_s"}
        return self.model_dump(mode="json", exclude=left_out)


BUILT = frozenset(list(REASONS)[list(REASONS).index("visible_fix") :])
"""Reasons that are found in an environment."""

SPLIT = frozenset(list(REASONS)[list(REASONS).index("duplicate") :])
"""Reasons that are found of a fix and its tests."""


class Tally:
    """Counts while a history is mined."""

    def __init__(self) -> None:
        self.num_validated = 0
        self._dropped: dict[str, list[str]] = {}
        self._shapes: dict[str, int] = {}
        self._started, self._cpu = time.monotonic(), cpu_seconds()

    def add(self, outcome: Task | Refused) -> None:
        """Count what came of one candidate."""
        if isinstance(outcome, Refused):
            self._dropped.setdefault(outcome.reason, []).append(outcome.example)
            return
        self.num_validated += 1
        shape = outcome.origin.strategy
        self._shapes[shape] = self._shapes.get(shape, 0) + 1

    def __str__(self) -> str:
        return ", ".join(f"{len(items)} {reason}" for reason, items in self._dropped.items())

    def report(self, *, num_environments: int = 0) -> MineReport:
        """Return the counts so far."""
        order = list(REASONS)
        reasons = sorted(self._dropped, key=lambda reason: (order.index(_key(reason)), reason))
        dropped = {reason: len(self._dropped[reason]) for reason in reasons}
        return MineReport(
            num_candidates=sum(dropped.values()) + self.num_validated,
            dropped=dropped,
            examples={reason: tuple(self._dropped[reason][:MAX_EXAMPLES]) for reason in reasons},
            num_split=self.num_validated + _num_of(dropped, SPLIT),
            num_built=self.num_validated + _num_of(dropped, BUILT),
            num_validated=self.num_validated,
            shapes=dict(sorted(self._shapes.items())),
            num_environments=num_environments,
            duration_s=time.monotonic() - self._started,
            cpu_s=cpu_seconds() - self._cpu,
        )


def _key(reason: str) -> str:
    """Return a reason without the check of the gate that it may name."""
    return reason.partition(":")[0]


def _num_of(dropped: Mapping[str, int], reasons: frozenset[str]) -> int:
    return sum(count for reason, count in dropped.items() if _key(reason) in reasons)
