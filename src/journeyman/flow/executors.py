"""The executor that a config names, open for the length of a block."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import AsyncIterator, Callable

from journeyman.errors import JourneymanError
from journeyman.flow.config import RolloutConfig
from journeyman.flow.events import Event
from journeyman.flow.executor import Executor, LocalExecutor
from journeyman.flow.plan import Plan
from journeyman.flow.workplace import Workplace

__all__ = ["opened_executor"]


@contextlib.asynccontextmanager
async def opened_executor(
    config: RolloutConfig, plan: Plan, owner: str, emit: Callable[[Event], None]
) -> AsyncIterator[Executor]:
    """Yield where the jobs of a run are done. `JourneymanError` where that is not installed."""
    if config.executor == "ray":
        if importlib.util.find_spec("ray") is None:
            raise JourneymanError(
                "the Ray executor needs the extra `ray`", "uv sync --extra ray, or pip install ray"
            )
        from journeyman.flow.executor_ray import opened_ray  # heavy, and not installed everywhere

        async with opened_ray(config.address, plan, config, owner, emit) as cluster:
            yield cluster
        return
    place = Workplace(plan.models, ceilings=config.concurrency)
    async with contextlib.aclosing(place):
        yield LocalExecutor(place, emit, closing_s=config.timeouts.closing_s)
