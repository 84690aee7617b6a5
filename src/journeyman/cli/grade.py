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
from journeyman.cli.settings import command_line, resolve_settings, show_config
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
    config: tuple[Path, ...] = (),
    runs: Path = Path("runs"),
    name: str | None = None,
    resume: bool = False,
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
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
    folder, file = _sources(taskset, predictions, is_again=again)
    settings = resolve_settings(GradeConfig, config, given, taskset=folder, predictions=file)
    if dry_run:
        return show_config(settings)
    source = taskset.resolve() if again else None
    summary, path = asyncio.run(
        _grade(settings, runs, source, name=name, is_resumed=resume, is_clean=clean)
    )
    return tell_outcome(summary, path, is_json=json)


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
    config: GradeConfig,
    runs: Path,
    source: Path | None,
    *,
    name: str | None,
    is_resumed: bool,
    is_clean: bool,
) -> tuple[RunSummary, Path]:
    plan = plan_grading(config) if source is None else plan_regrading(source, config)
    run = RunFolder.create(
        runs,
        "grade",
        plan.taskset.name if source is None else f"again-{source.name}",
        config=config,
        argv=command_line(),
        name=name,
        resume=is_resumed,
        clean=is_clean,
    )
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
