"""Two agents on the same tasks: which is better, how sure that is, and how many tasks would settle it.

Tasks are the unit: rollouts of one task are not independent. Where both tried every task once,
McNemar's exact test asks the tasks on which they differ; where there are more rollouts of a task, a
sign-flipping permutation of the tasks' differences does.

    >>> mcnemar(8, 1)
    0.0390625
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from journeyman.evals.statistics import bootstrap_mean, wilson
from journeyman.types import Data

__all__ = ["PairedComparison", "compare_rates", "mcnemar", "num_tasks_needed", "permutation"]

_ERROR = 0.05
_NUM_PERMUTATIONS = 5000
_EXACT_UP_TO = 14


class PairedComparison(Data):
    """The difference of two solve rates over the tasks that both tried."""

    num_tasks: int
    """Tasks that both tried."""
    only_first: int = 0
    """Tasks that the first solved more often than the second."""
    only_second: int = 0
    difference: float = 0.0
    """First minus second, as a share of the tasks."""
    interval: tuple[float, float] = (-1.0, 1.0)
    """95 % bootstrap interval of the difference, over tasks."""
    p_value: float = 1.0
    """Chance of a difference this large where the two are equally good."""
    test: str = "McNemar"
    tasks_needed: int | None = None
    """Tasks that would settle a difference of this size (80 % power, 5 % error); None where it is 0.
    Always more than were tried where those did not settle it."""

    @property
    def is_settled(self) -> bool:
        """Whether chance alone would give such a difference less than once in twenty times."""
        return self.p_value < _ERROR


def compare_rates(first: Mapping[str, float], second: Mapping[str, float]) -> PairedComparison:
    """Compare two agents by the share of each task's rollouts that they solved."""
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return PairedComparison(num_tasks=0)
    differences = [first[task] - second[task] for task in shared]
    above = sum(value > 0 for value in differences)
    below = sum(value < 0 for value in differences)
    is_single = all(rate in (0.0, 1.0) for task in shared for rate in (first[task], second[task]))
    p_value = mcnemar(above, below) if is_single else permutation(differences)
    mean = math.fsum(differences) / len(shared)
    needed = num_tasks_needed(differences)
    if needed is not None and p_value >= _ERROR:
        needed = max(needed, len(shared) + 1)  # the approximation is too hopeful for few tasks
    return PairedComparison(
        num_tasks=len(shared),
        only_first=above,
        only_second=below,
        difference=mean,
        interval=_interval(differences, mean),
        p_value=p_value,
        test="McNemar" if is_single else "permutation",
        tasks_needed=needed,
    )


def _interval(differences: Sequence[float], mean: float) -> tuple[float, float]:
    """A bootstrap over tasks; equal differences have no spread, and Wilson's bound stands for it."""
    if len(set(differences)) > 1:
        return bootstrap_mean(differences)
    slack = wilson(0, len(differences))[1]
    return max(-1.0, mean - slack), min(1.0, mean + slack)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of discordant pairs (McNemar 1947, binomial form)."""
    n = only_first + only_second
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, tail / float(2 ** (n - 1)))


def permutation(differences: Sequence[float], *, seed: int = 0) -> float:
    """Return the two-sided p-value of paired differences whose signs are as good as drawn.

    Exact up to 14 differences that are not 0, from 5000 draws above that; the same for one seed.
    """
    moved = [value for value in differences if value]
    observed = abs(math.fsum(moved)) - 1e-12
    if not moved:
        return 1.0
    if len(moved) <= _EXACT_UP_TO:
        totals = [0.0]
        for value in moved:
            totals = [total + sign * value for total in totals for sign in (1, -1)]
        return sum(abs(total) >= observed for total in totals) / len(totals)
    draw = random.Random(seed)  # noqa: S311
    extreme = sum(
        abs(math.fsum(value if draw.random() < 0.5 else -value for value in moved)) >= observed
        for _ in range(_NUM_PERMUTATIONS)
    )
    return (extreme + 1) / (_NUM_PERMUTATIONS + 1)


def num_tasks_needed(
    differences: Sequence[float], *, power: float = 0.8, error: float = 0.05
) -> int | None:
    """Return how many tasks would show a mean difference like this one, if it is real.

    The usual normal approximation for paired data, `((z_error + z_power) * spread / mean)²`; None
    where the mean is 0, since no number of tasks would show it.
    """
    n = len(differences)
    mean = math.fsum(differences) / n if n else 0.0
    if not mean:
        return None
    spread = math.fsum((value - mean) ** 2 for value in differences) / n
    # All tasks alike say nothing of the spread; then one task more on the other side is assumed.
    spread = spread or abs(mean) / (n + 1)
    z = NormalDist().inv_cdf(1 - error / 2) + NormalDist().inv_cdf(power)
    return max(2, math.ceil(z * z * spread / (mean * mean)))
