"""`journeyman grade`: verdicts for patches that others made, in SWE-bench's predictions format."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note
from journeyman.cli.progress import RolloutProgress
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.cli.summary import tell_outcome
from journeyman.errors import JourneymanError
from journeyman.flow import (
    GradeConfig,
    RunSummary,
    VerdictChange,
    compare_verdicts,
    grade_predictions,
    plan_grading,
    plan_regrading,
    read_rollouts,
    summarise,
    taskset_of,
)
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
    predictions: Path | None = None,
    /,
    *,
    again: bool = False,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Grade a file of predictions, or a run's rollouts again, each patch in a fresh sandbox.

    Parameters
    ----------
    taskset
        Folder of the taskset; with `--again` the folder of a run, e.g. runs/latest.
    predictions
        A JSON or JSONL file of `instance_id`, `model_name_or_path` and `model_patch`.
    again
        Grade the stored patches of a run anew, without running any agent, into a run of its own.
    given
        What to do.
    options
        Where it is kept, and whether it goes on.
    """
    folder, file = _sources(taskset, predictions, is_again=again)
    settings = resolve_settings(
        GradeConfig, options.config, given, taskset=folder, predictions=file
    )
    if options.is_dry_run:
        return show_config(settings)
    source = taskset.resolve() if again else None
    summary, path = asyncio.run(_grade(settings, source, options))
    return tell_outcome(summary, path, is_json=options.is_json)


def _sources(taskset: Path, predictions: Path | None, *, is_again: bool) -> tuple[Path, Path]:
    """Return the taskset and the file of patches that a command line names."""
    if is_again and predictions is None:
        run = taskset.resolve()
        return taskset_of(run), run / "rollouts.jsonl"
    if is_again or predictions is None:
        raise JourneymanError(
            "either a taskset and its predictions, or a run and --again",
            "journeyman grade TASKSET PREDICTIONS, or journeyman grade runs/latest --again",
        )
    return taskset.absolute(), predictions.absolute()


async def _grade(
    config: GradeConfig, source: Path | None, options: RunOptions
) -> tuple[RunSummary, Path]:
    plan = plan_grading(config) if source is None else plan_regrading(source, config)
    what = plan.taskset.name if source is None else f"again-{source.name}"
    run = options.create("grade", what, config)
    note(f"{len(plan.seats)} predictions to grade in {run.path}")
    with run, RolloutProgress() as progress:
        rollouts = await grade_predictions(config, run, on_event=progress, plan=plan)
        if source is not None:
            _tell_changes(run, compare_verdicts(read_rollouts(source), rollouts))
    return summarise(rollouts, plan.seats), run.path


def _tell_changes(run: RunFolder, changes: Sequence[VerdictChange]) -> None:
    """Write `changes.json` and say what is judged otherwise than before."""
    names = {True: "resolved", False: "unresolved", None: "no verdict"}
    records = [change.model_dump() for change in changes]
    run.write_text("changes.json", dumps(records, indent=2) + "\n")
    note(f"{len(changes)} verdicts are other ones than before: {run.path}/changes.json")
    for change in changes[:20]:
        note(f"{change.rollout_id}: {names[change.before]} before, {names[change.after]} now")
