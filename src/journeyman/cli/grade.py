"""`journeyman grade`: verdicts for patches that others made, in SWE-bench's predictions format."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note
from journeyman.cli.progress import RolloutProgress
from journeyman.cli.settings import command_line, resolve_settings, show_config
from journeyman.cli.summary import tell_outcome
from journeyman.flow import GradeConfig, RunSummary, grade_predictions, plan_grading, summarise
from journeyman.runs import RunFolder

__all__ = ["grade"]


class Given(GradeConfig):
    """The flags of `grade`; taskset and predictions are positional."""

    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    predictions: Annotated[Path, Parameter(parse=False)] = Path()
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""


def grade(
    taskset: Path,
    predictions: Path,
    /,
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    config: tuple[Path, ...] = (),
    runs: Path = Path("runs"),
    name: str | None = None,
    resume: bool = False,
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Grade a file of predictions, each patch in a fresh sandbox.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    predictions
        A JSON or JSONL file of `instance_id`, `model_name_or_path` and `model_patch`.
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
    dry_run
        Print the resolved config and stop.
    json
        Print the summary as JSON.
    """
    settings = resolve_settings(
        GradeConfig, config, given, taskset=taskset.absolute(), predictions=predictions.absolute()
    )
    if dry_run:
        return show_config(settings)
    summary, path = asyncio.run(
        _grade(settings, runs, name=name, is_resumed=resume, is_clean=clean)
    )
    return tell_outcome(summary, path, is_json=json)


async def _grade(
    config: GradeConfig, runs: Path, *, name: str | None, is_resumed: bool, is_clean: bool
) -> tuple[RunSummary, Path]:
    plan = plan_grading(config)
    run = RunFolder.create(
        runs,
        "grade",
        plan.taskset.name,
        config=config,
        argv=command_line(),
        name=name,
        resume=is_resumed,
        clean=is_clean,
    )
    note(f"{len(plan.seats)} predictions to grade in {run.path}")
    with run, RolloutProgress() as progress:
        rollouts = await grade_predictions(config, run, on_event=progress, plan=plan)
    return summarise(rollouts, plan.seats), run.path
