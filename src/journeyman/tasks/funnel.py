"""How many candidates became tasks, and why the others did not.

>>> funnel = Funnel()
>>> funnel.drop("survived", "toolz/itertoolz.py:41 comparison_change")
>>> funnel.report().dropped
{'survived': 1}
"""

from __future__ import annotations

import time

from pydantic import Field

from journeyman.tasks.model_use import ModelUse
from journeyman.tasks.processor import cpu_seconds
from journeyman.types import Data

__all__ = ["REASONS", "Funnel", "FunnelReport"]

MAX_EXAMPLES = 3

REASONS: dict[str, str] = {
    "not_covered": "no test runs the changed lines",
    "only_costly": "only tests that are left out as costly run the changed lines",
    "equivalent": "it compiles to the same code",
    "survived": "every test that reaches it still passes",
    "timeout": "the tests no longer end",
    "does_not_build": "the compiler refuses the change",
    "breaks_import": "files of tests can no longer be imported",
    "breaks_run": "tests disappear, or the run breaks off",
    "too_broad": "too large a part of the test suite fails",
    "unreadable": "the test run left no readable result",
    "leaking_statement": "no statement could be written that does not give the fix away",
    "gate": "the task did not pass the gate",
    "failed": "the sandbox or the machine failed",
    "model_refused": "the model gave no answer, or one that was cut off",
    "model_unreadable": "the model's answer has not the form that was asked for, or does not compile",
    "model_unchanged": "the model's answer does the same as what was there",
    "mirror_conflict": "an old fix cannot be undone on today's code",
    "combine_overlap": "bugs that touch the same lines",
    "too_few_tests": "too few calls of the function were agreed on, or all give the same",
    "duplicate": "the same bug was there before",
}
"""Every reason for which a candidate is dropped; the gate's own say which check failed."""


class FunnelReport(Data):
    """The counts of one making of tasks. Times are of this run and enter no task."""

    num_candidates: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """A few candidates for each reason."""
    num_screened: int = 0
    """Candidates whose tests were run."""
    num_validated: int = 0
    kinds: dict[str, int] = Field(default_factory=dict)
    """Validated tasks by kind."""
    strategies: dict[str, int] = Field(default_factory=dict)
    """Validated tasks by strategy."""
    model_use: ModelUse = ModelUse()
    """What the questions to a model took."""
    num_tests: int = 0
    """Tests that pass every time on the fixed state."""
    num_unstable_tests: int = 0
    """Tests that fail, or differ between runs, on the fixed state."""
    costly_tests: tuple[str, ...] = ()
    """Stable tests that were left out, because they cost more time than they are worth."""
    costly_means: str = ""
    """Beyond what a test is left out."""
    duration_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def tasks_per_cpu_minute(self) -> float:
        """Validated tasks for each minute of processor time."""
        return 60 * self.num_validated / self.cpu_s if self.cpu_s else 0.0

    @property
    def validated_share(self) -> float:
        """The part of all candidates that became tasks."""
        return self.num_validated / self.num_candidates if self.num_candidates else 0.0


class Funnel:
    """Counts while tasks are made."""

    def __init__(self) -> None:
        self.num_screened = 0
        self.num_tests = 0
        self.num_unstable_tests = 0
        self.costly_tests: tuple[str, ...] = ()
        self.costly_means = ""
        self._dropped: dict[str, list[str]] = {}
        self._kinds: dict[str, int] = {}
        self._strategies: dict[str, int] = {}
        self.model_use = ModelUse()
        self._started, self._cpu = time.monotonic(), cpu_seconds()

    @property
    def num_validated(self) -> int:
        """Tasks that passed the gate."""
        return sum(self._kinds.values())

    def __str__(self) -> str:
        dropped = ", ".join(f"{len(items)} {reason}" for reason, items in self._dropped.items())
        return f"dropped: {dropped or 'none'}"

    def accept(self, kind: str, strategy: str = "procedural") -> None:
        """Count a task."""
        self.num_screened += 1
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        self._strategies[strategy] = self._strategies.get(strategy, 0) + 1

    def drop(self, reason: str, example: str, *, is_screened: bool = True) -> None:
        """Count a candidate that did not become one, and whether its tests were run."""
        self.num_screened += is_screened
        self._dropped.setdefault(reason, []).append(example)

    def report(self) -> FunnelReport:
        """Return the counts so far."""
        dropped = {reason: len(items) for reason, items in sorted(self._dropped.items())}
        return FunnelReport(
            num_candidates=sum(dropped.values()) + self.num_validated,
            dropped=dropped,
            examples={reason: tuple(self._dropped[reason][:MAX_EXAMPLES]) for reason in dropped},
            num_screened=self.num_screened,
            num_validated=self.num_validated,
            kinds=dict(sorted(self._kinds.items())),
            strategies=dict(sorted(self._strategies.items())),
            model_use=self.model_use,
            num_tests=self.num_tests,
            num_unstable_tests=self.num_unstable_tests,
            costly_tests=self.costly_tests,
            costly_means=self.costly_means,
            duration_s=time.monotonic() - self._started,
            cpu_s=cpu_seconds() - self._cpu,
        )
