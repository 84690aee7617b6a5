"""Numbers with their uncertainty: intervals of rates and means, and pass@k.

Pure functions on plain numbers.

    >>> low, high = wilson(5, 10)
    >>> round(low, 4), round(high, 4)
    (0.2366, 0.7634)
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from journeyman.flow.interval import wilson

__all__ = ["bootstrap_mean", "pass_at_k", "quantile", "wilson"]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased chance that at least one of `k` samples passes, of `n` with `c` right.

    `1 - C(n-c, k) / C(n, k)` as the product `1 - prod(1 - k/i)`, which neither overflows nor
    cancels (Chen et al. 2021, arXiv 2107.03374, section 2.1).
    """
    if not 0 <= c <= n:
        raise ValueError(f"{c} correct of {n} samples")
    if not 1 <= k <= n:
        raise ValueError(f"k = {k} needs 1 <= k <= n = {n}")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def bootstrap_mean(
    values: Sequence[float], *, confidence: float = 0.95, num_samples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean (Efron 1979); the same for the same seed.

    Raises `ValueError` for no values, which have no mean.
    """
    if not values:
        raise ValueError("no values")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}")
    draw = random.Random(seed)  # noqa: S311
    n = len(values)
    means = sorted(math.fsum(draw.choices(values, k=n)) / n for _ in range(num_samples))
    tail = (1 - confidence) / 2
    return quantile(means, tail), quantile(means, 1 - tail)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, straight between the two that are nearest."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
