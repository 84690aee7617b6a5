"""Curves over a run's time, thinned to what a screen can show.

>>> cumulate([[10.0, 1], [12.0, 0]], start=10.0)
[[0.0, 1, 1], [2.0, 2, 1]]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["cumulate", "pace", "thin"]

MOST_POINTS = 240


def thin(points: Sequence[Any], most: int = MOST_POINTS) -> list[Any]:
    """Return at most `most` of the points, evenly, the last one among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]


def cumulate(finished: Sequence[Sequence[float]], *, start: float) -> list[list[float]]:
    """Return seconds since `start`, rollouts finished by then and those solved."""
    solved, points = 0, []
    for number, (at, is_solved) in enumerate(sorted(finished, key=lambda it: it[0]), start=1):
        solved += int(is_solved)
        points.append([round(at - start, 1), number, solved])
    return [list(it) for it in thin(points)]


def pace(tokens: Mapping[str, int], *, start: float, most: int = 120) -> list[list[float]]:
    """Return seconds since `start` and sampled tokens per second, in equal slices of time."""
    if not tokens:
        return []
    moments = sorted((int(second), count) for second, count in tokens.items())
    first = min(int(start) or moments[0][0], moments[0][0])
    span = moments[-1][0] - first + 1
    width = max(1, -(-span // most))
    sums = [0] * -(-span // width)
    for second, count in moments:
        sums[(second - first) // width] += count
    return [[(index + 0.5) * width, round(total / width, 2)] for index, total in enumerate(sums)]
