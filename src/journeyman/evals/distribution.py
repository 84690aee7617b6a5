"""How turns, tokens, seconds and dollars are spread, and how solving goes with turns.

>>> spread([1, 2, 3, 4]).median
2.5
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.evals.statistics import quantile, wilson
from journeyman.types import Data

__all__ = ["Band", "Spread", "bands_of_turns", "spread"]

TURN_EDGES = (1, 5, 10, 20, 35, 50, 75, 100, 130, 200, 300)
"""Upper ends of the bands; the report speaks of 50 to 130 turns for most solved tasks."""


class Spread(Data):
    """Five numbers of a distribution, and its mean."""

    num: int = 0
    mean: float = 0.0
    low: float = 0.0
    """10 % are below."""
    median: float = 0.0
    high: float = 0.0
    """10 % are above."""
    most: float = 0.0


class Band(Data):
    """Rollouts whose turns lie in one range, both ends included, and how many were resolved."""

    first: int
    last: int
    num_rollouts: int
    num_resolved: int
    interval: tuple[float, float]
    """Wilson's 95 % interval of the share that was resolved."""


def spread(values: Sequence[float]) -> Spread:
    """Sum up a distribution; all zeros for no values."""
    if not values:
        return Spread()
    ordered = sorted(values)
    return Spread(
        num=len(ordered),
        mean=sum(ordered) / len(ordered),
        low=quantile(ordered, 0.1),
        median=quantile(ordered, 0.5),
        high=quantile(ordered, 0.9),
        most=ordered[-1],
    )


def bands_of_turns(pairs: Sequence[tuple[int, bool]]) -> tuple[Band, ...]:
    """Sort rollouts, given as turns and whether resolved, into bands of turns; empty ones left out."""
    bands: list[Band] = []
    first = 0
    for last in (*TURN_EDGES, max((turns for turns, _ in pairs), default=0)):
        inside = [is_resolved for turns, is_resolved in pairs if first <= turns <= last]
        if inside:
            solved = sum(inside)
            bands.append(
                Band(
                    first=first,
                    last=last,
                    num_rollouts=len(inside),
                    num_resolved=solved,
                    interval=wilson(solved, len(inside)),
                )
            )
        first = last + 1
    return tuple(bands)
