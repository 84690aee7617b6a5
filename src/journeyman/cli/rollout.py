"""`journeyman rollout`: let models work on the tasks of a taskset, and grade what they did."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import command_line, resolve_settings, show_config
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
from journeyman.runs import RunFolder

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
    config: tuple[Path, ...] = (),
    runs: Path = Path("runs"),
    name: str | None = None,
    resume: bool = False,
    clean: bool = False,
    metrics_port: int | None = None,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Roll models out on a taskset: each task in a fresh sandbox, graded in another.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    given
        What to do.
    config
        A TOML file of settings; flags win over it. Again for more, the later wins.
    runs
        Folder of the runs.
    name
        Name of the run; made up where none is given.
    resume
        Go on with the named run, or with the newest of this taskset.
    clean
        Throw an old run of the same name away first.
    metrics_port
        Serve the run's counts and levels for Prometheus on this port of the loopback.
    dry_run
        Print the resolved config and stop.
    json
        Print the summary as JSON.
    """
    settings = resolve_settings(RolloutConfig, config, given, taskset=taskset.absolute())
    if dry_run:
        return show_config(settings)
    summary, path = asyncio.run(
        _roll_out(settings, runs, metrics_port, name=name, is_resumed=resume, is_clean=clean)
    )
    return tell_outcome(summary, path, is_json=json)


async def _roll_out(
    config: RolloutConfig,
    runs: Path,
    metrics_port: int | None,
    *,
    name: str | None,
    is_resumed: bool,
    is_clean: bool,
) -> tuple[RunSummary, Path]:
    metrics = Metrics()
    async with planned(config, on_progress=Steps()) as plan, metrics.served(metrics_port) as port:
        run = RunFolder.create(
            runs,
            "rollout",
            plan.taskset.name,
            config=config,
            argv=command_line(),
            name=name,
            resume=is_resumed,
            clean=is_clean,
        )
        note(f"{len(plan.seats)} rollouts in {run.path}")
        if port:
            note(f"metrics at http://127.0.0.1:{port}/metrics")
        with run, RolloutProgress() as progress:

            def on_event(event: Event) -> None:
                metrics(event)
                progress(event)

            rollouts = await run_rollouts(config, run, on_event=on_event, plan=plan)
        return summarise(rollouts, plan.seats), run.path
