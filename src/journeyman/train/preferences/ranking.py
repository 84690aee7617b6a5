"""From comparisons of pairs to a ranking, whatever circles they hold.

Strengths are those of Bradley and Terry (1952), found by Hunter's iteration (2004); half a win and half
a loss against an average candidate keep one that won all or none finite.

    >>> [round(it, 1) for it in rank(3, [Comparison(0, 1, 1.0), Comparison(1, 2, 1.0)])]
    [3.0, 1.0, 0.3]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Comparison", "rank", "select"]

_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates, and how much of the win the first has: 1, 0, or half for a tie."""

    first: int
    second: int
    share: float


def rank(number: int, comparisons: Sequence[Comparison]) -> list[float]:
    """Return each candidate's strength; the mean candidate of all comparisons has 1.

    Raises `ValueError` for a comparison of a candidate that there is not, or of one with itself.
    """
    for it in comparisons:
        if it.first == it.second or not {it.first, it.second} <= set(range(number)):
            raise ValueError(f"no pair of {number} candidates: {it.first}, {it.second}")
    strengths = [1.0] * number
    for _ in range(_ROUNDS):
        wins = [0.5] * number
        expected = [1 / (strength + 1) for strength in strengths]
        for it in comparisons:
            wins[it.first] += it.share
            wins[it.second] += 1 - it.share
            weight = 1 / (strengths[it.first] + strengths[it.second])
            expected[it.first] += weight
            expected[it.second] += weight
        strengths = [won / weight for won, weight in zip(wins, expected, strict=True)]
    return strengths


def select(strengths: Sequence[float], *, margin: float = 1.0) -> tuple[int, int] | None:
    """Return the strongest and the weakest candidate; None if they differ by no more than a factor."""
    order = sorted(range(len(strengths)), key=lambda it: (-strengths[it], it))
    if len(order) < 2 or strengths[order[0]] <= margin * strengths[order[-1]]:
        return None
    return order[0], order[-1]
