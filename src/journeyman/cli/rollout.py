"""`journeyman rollout`: let models work on the tasks of a taskset, and grade what they did."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.cli.summary import tell_outcome
from journeyman.flow import (
    Event,
    Metrics,
    RolloutConfig,
    RunSummary,
    planned,
    run_rollouts,
    summarise,
)

__all__ = ["rollout"]


class Given(RolloutConfig):
    """The flags of `rollout`; the taskset is positional."""

    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("oracle",)
    """A model to roll out: oracle, noop, smollm2, gguf:PATH, scripted:FILE, http://…/v1#name; again
    for more."""
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""


def rollout(
    taskset: Path,
    /,
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
    metrics_port: int | None = None,
) -> int:
    """Roll models out on a taskset: each task in a fresh sandbox, graded in another.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    metrics_port
        Serve the run's counts and levels for Prometheus on this port of the loopback.
    """
    settings = resolve_settings(RolloutConfig, options.config, given, taskset=taskset.absolute())
    if options.is_dry_run:
        return show_config(settings)
    summary, path = asyncio.run(_roll_out(settings, metrics_port, options))
    return tell_outcome(summary, path, is_json=options.is_json)


async def _roll_out(
    config: RolloutConfig, metrics_port: int | None, options: RunOptions
) -> tuple[RunSummary, Path]:
    metrics = Metrics()
    async with planned(config, on_progress=Steps()) as plan, metrics.served(metrics_port) as port:
        run = options.create("rollout", plan.taskset.name, config)
        note(f"{len(plan.seats)} rollouts in {run.path}")
        if port:
            note(f"metrics at http://127.0.0.1:{port}/metrics")
        with run, RolloutProgress() as progress:

            def on_event(event: Event) -> None:
                metrics(event)
                progress(event)

            rollouts = await run_rollouts(config, run, on_event=on_event, plan=plan)
        return summarise(rollouts, plan.seats), run.path
