"""Whether and when a failed stage is tried again."""

from __future__ import annotations

import random
from collections import Counter

from journeyman.errors import FAILURES
from journeyman.flow.config import RetryBudgets

__all__ = ["retry_delay"]


def retry_delay(cause: str, past: Counter[str], budgets: RetryBudgets) -> float | None:
    """Return the seconds to wait before the next try, or None to give up.

    `past` counts the failures before this one. Infrastructure has a budget for each cause and waits
    longer each time, by a random half so that many do not return at once; data has one for all.
    """
    budget = FAILURES[cause].retry_budget
    if budget == "infrastructure":
        if past[cause] >= budgets.infrastructure:
            return None
        wait = min(budgets.longest_backoff_s, budgets.backoff_s * 2.0 ** past[cause])
        return wait * random.uniform(0.5, 1.0)  # noqa: S311
    if budget == "data":
        used = sum(past[other] for other in past if FAILURES[other].retry_budget == "data")
        return None if used >= budgets.data else 0.0
    return None
