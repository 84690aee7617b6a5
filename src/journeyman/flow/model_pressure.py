"""How many requests one model gets at once: as many as it answers well, and no more.

A server that is asked too much answers all of it late, or refuses. So the ceiling falls by half when
requests fail for want of a server, and follows the answers' times as a network's congestion control
does: it grows while answers take no longer than they did at their best, and shrinks as they do
(the gradient limit of Netflix's concurrency-limits, after TCP Vegas, Brakmo and Peterson 1994).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import AsyncIterator

from journeyman.errors import AttributedError
from journeyman.flow.events import ResourceLevel
from journeyman.flow.quota import Quota

__all__ = ["ModelPressure"]

_WINDOW = 64
_TOLERANCE = 3.0
"""An answer may take so many times the best window's time before the ceiling falls."""
_FORGET = 1.02
"""The best time grows by this with every window, so that a model that has changed is learnt anew."""
_FEWEST = 4
_OVERLOADED = ("model_unreachable", "model_timeout")


class ModelPressure:
    """The quota of one model's requests, between a few and `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._quota = Quota("model_requests", most)
        self._num_answers = 0
        self._sum_s = 0.0
        self._best_s = math.inf
        self._cut_at = -math.inf

    @property
    def level(self) -> ResourceLevel:
        """What is in use, as data."""
        return self._quota.level

    @property
    def is_full(self) -> bool:
        """Whether one more request must wait for its turn."""
        return self._quota.is_full

    async def take(self, group: str = "") -> float:
        """Wait for a request's turn, which `give` ends; return the seconds that it took."""
        return await self._quota.take(group)

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Watch one request that has its turn, and end the turn."""
        started = time.monotonic()
        try:
            yield
        except AttributedError as error:
            if error.cause in _OVERLOADED:
                self._cut()
            raise
        else:
            self._learn(time.monotonic() - started)
        finally:
            self._quota.give()

    def _cut(self) -> None:
        """Halve, at most once for the requests that were under way together."""
        now = time.monotonic()
        if now - self._cut_at > 1.0:
            self._cut_at = now
            ceiling = self._quota.ceiling or self._most
            self._quota.resize(max(min(_FEWEST, self._most), ceiling // 2))

    def _learn(self, duration_s: float) -> None:
        self._num_answers += 1
        self._sum_s += duration_s
        if self._num_answers < _WINDOW:
            return
        mean_s = max(self._sum_s / self._num_answers, 1e-6)
        self._num_answers, self._sum_s = 0, 0.0
        self._best_s = min(self._best_s * _FORGET, mean_s)
        ceiling = self._quota.ceiling or self._most
        gradient = max(0.5, min(1.0, _TOLERANCE * self._best_s / mean_s))
        wanted = round(ceiling * gradient + math.sqrt(ceiling))
        self._quota.resize(max(min(_FEWEST, self._most), min(self._most, wanted)))
