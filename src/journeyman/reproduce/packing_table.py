"""Our analogue of Table 13: what each way of packing documents into rows pads, cuts, repeats and drops.

for way in packing_ways(lengths, capacity=4096):
    way.method, way.rates.padding
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from journeyman.train.packing import LongDocuments, Method, Rates, measure, plan_rows

__all__ = ["PackingWay", "draw_lengths", "packing_ways", "timed"]

T = TypeVar("T")

_WAYS: tuple[tuple[Method, LongDocuments], ...] = (
    ("concat", "split"),
    ("restart_last", "split"),
    ("pad_last", "split"),
    ("best_fit", "split"),
    ("best_fit", "slide"),
    ("best_fit", "drop"),
)


@dataclass(frozen=True, slots=True)
class PackingWay:
    """One method, and what became of the documents."""

    method: Method
    long: LongDocuments
    rates: Rates
    duration_s: float
    """CPU time of the plan."""


def draw_lengths(number: int, *, seed: int = 0) -> list[int]:
    """Draw lengths of documents: lognormal, median 600 tokens, sigma 1.4, a shape that code
    corpora have."""
    draw = random.Random(seed)  # noqa: S311
    return [max(1, round(draw.lognormvariate(math.log(600), 1.4))) for _ in range(number)]


def packing_ways(lengths: Sequence[int], capacity: int) -> Iterator[PackingWay]:
    """Yield every way, planned on the same lengths; windows of `slide` share an eighth of a row."""
    for method, long in _WAYS:
        overlap = capacity // 8 if long == "slide" else 0
        plan, duration_s = timed(
            lambda method=method, long=long, overlap=overlap: plan_rows(  # type: ignore[misc]
                lengths, capacity, method=method, long=long, overlap=overlap
            )
        )
        yield PackingWay(method, long, measure(plan, lengths), duration_s)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what `work` returns and the CPU seconds of this process that it took."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started
