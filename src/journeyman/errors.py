"""Errors for people, and the one table that says what every failure and every ending means.

`JourneymanError` is what a user sees: one line of error, one of hint. `FAILURES` says, for each
cause, who failed, from which budget it is retried, and whether the rollout is graded and its reward
valid. `ENDINGS` says what each way an agent can stop does to the reward. Nothing else in the code
decides these things.

    >>> FAILURES["sandbox_died"].reward_is_valid
    False
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from journeyman.types import Ending, Failure

__all__ = [
    "ENDINGS",
    "FAILURES",
    "AttributedError",
    "EndingRule",
    "FailureRule",
    "JourneymanError",
]


class JourneymanError(Exception):
    """A failure that a user can do something about."""

    exit_code = 2
    """What the command ends with."""

    def __init__(self, message: str, hint: str = "", *, cause: str = "unexpected") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.cause = cause
        """What it counts as where it ends one job in the middle of a run: a key of `FAILURES`."""


class AttributedError(Exception):
    """A failure with a cause from `FAILURES`; raised where the boundary that failed is known."""

    def __init__(self, cause: str, detail: str = "") -> None:
        if cause not in FAILURES:
            raise KeyError(f"unknown failure cause {cause!r}")
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail

    @property
    def failure(self) -> Failure:
        """The same as data."""
        return Failure(cause=self.cause, detail=self.detail)


Who = Literal["sandbox", "model", "scaffold", "verifier", "task", "infrastructure", "user"]
Budget = Literal["infrastructure", "data", "none"]


@dataclass(frozen=True, slots=True)
class FailureRule:
    """One row of the failure table."""

    who: Who
    retry_budget: Budget
    """`infrastructure`: tried again with backoff; `data`: once more, then the task is quarantined."""
    is_graded: bool
    """Whether the patch that exists, if any, is still graded."""
    reward_is_valid: bool
    """Whether the reward may enter the group's baseline and the loss."""


FAILURES: dict[str, FailureRule] = {
    "sandbox_unavailable": FailureRule("sandbox", "infrastructure", False, False),
    "sandbox_died": FailureRule("sandbox", "infrastructure", False, False),
    "sandbox_disk_full": FailureRule("sandbox", "none", True, True),
    "model_unreachable": FailureRule("model", "infrastructure", False, False),
    "model_refused": FailureRule("model", "none", False, False),
    "model_timeout": FailureRule("model", "infrastructure", False, False),
    "scaffold_unavailable": FailureRule("scaffold", "infrastructure", False, False),
    "scaffold_crashed": FailureRule("scaffold", "data", False, False),
    "scaffold_silent": FailureRule("scaffold", "data", False, False),
    "scaffold_stuck": FailureRule("scaffold", "data", False, False),
    "environment_missing": FailureRule("task", "none", False, False),
    "task_broken": FailureRule("task", "data", False, False),
    "patch_invalid": FailureRule("scaffold", "none", True, True),
    "verifier_timeout": FailureRule("verifier", "none", True, True),
    "verifier_crashed": FailureRule("verifier", "data", False, False),
    "verifier_unreadable": FailureRule("verifier", "data", False, False),
    "disk_full": FailureRule("infrastructure", "none", False, False),
    "worker_lost": FailureRule("infrastructure", "infrastructure", False, False),
    "deadline_passed": FailureRule("infrastructure", "infrastructure", False, False),
    "abandoned": FailureRule("user", "none", False, False),
    "interrupted": FailureRule("user", "none", False, False),
    "unexpected": FailureRule("infrastructure", "data", False, False),
}


@dataclass(frozen=True, slots=True)
class EndingRule:
    """What one way of stopping does to a rollout's reward."""

    is_graded: bool
    penalty: float
    """Added to the outcome reward (0 or 1) when the task is not resolved; at most 0."""
    is_trained_on: bool
    """False masks the whole trajectory out of the loss."""


# The report gives an unfinished-trajectory penalty without a figure; MegaFlow's appendix D uses -0.5.
ENDINGS: dict[Ending, EndingRule] = {
    Ending.SUBMITTED: EndingRule(True, 0.0, True),
    Ending.TURN_LIMIT: EndingRule(True, -0.5, True),
    Ending.TOKEN_LIMIT: EndingRule(True, -0.5, True),
    Ending.CONTEXT_OVERFLOW: EndingRule(True, -0.5, True),
    Ending.TIME_LIMIT: EndingRule(True, 0.0, False),
    Ending.COST_LIMIT: EndingRule(True, 0.0, False),
    Ending.FORMAT_LIMIT: EndingRule(True, -0.5, True),
    Ending.CHEATING_BLOCKED: EndingRule(True, -0.5, True),
    Ending.FAILED: EndingRule(False, 0.0, False),
}
