"""`journeyman eval trained`: what a training changed, on adherence and on held-out tasks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.cli.progress import RolloutProgress, Steps
from journeyman.cli.settings import RunOptions, command_line, resolve_settings, show_config
from journeyman.evals.adherence.suite import list_questions
from journeyman.evals.trained.report import say_study, write_study
from journeyman.evals.trained.study import Study, TrainedConfig, run_study
from journeyman.evals.words import chance, share, span
from journeyman.tasks import load_taskset

__all__ = ["trained"]


class Given(TrainedConfig):
    """The flags of `eval trained`; the models are positional."""

    models: Annotated[tuple[str, ...], Parameter(parse=False)] = ()
    taskset: Annotated[Path, Parameter(parse=False)] = Path()
    scaffolds: Annotated[tuple[str, ...], Parameter(name="--scaffold")] = ("bash",)
    """An agent around the models; again for more."""
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this instance id; again for more."""


def trained(
    base: str,
    models: tuple[str, ...],
    /,
    *,
    taskset: Path,
    given: Annotated[Given, Parameter(name="*")] = Given(models=("x", "y")),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Measure a base model and what was trained from it, in pairs: adherence, and held-out tasks.

    Parameters
    ----------
    base
        The model that training began with.
    models
        One or more that were trained from it, e.g. `gguf:tuned.gguf`.
    taskset
        Folder of the held-out taskset.
    given
        What is asked, and how tasks are worked on.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(
        TrainedConfig, options.config, given, models=(base, *models), taskset=taskset.absolute()
    )
    if options.is_dry_run:
        return show_config(settings)
    list_questions(settings.adherence)
    what = f"trained-{load_taskset(settings.taskset).name}"
    with options.create("eval", what, settings) as run:
        note(f"study in {run.path}")
        study = asyncio.run(
            run_study(settings, run, argv=command_line(), listener=RolloutProgress, say=Steps())
        )
        write_study(run, study)
        run.set_status("finished", num_tasks=study.num_tasks)
    return _tell(study, run.path, is_json=options.is_json)


def _tell(study: Study, run: Path, *, is_json: bool) -> int:
    if is_json:
        print_json(study)
        return 0
    rows = [
        (
            it.what if len(study.trained) == 1 else f"{it.trained}: {it.what}",
            it.comparison.num_tasks,
            f"{share(it.base_share.rate)} ({span(it.base_share.interval)})",
            f"{share(it.trained_share.rate)} ({span(it.trained_share.interval)})",
            f"{100 * it.comparison.difference:+.1f}",
            chance(it.comparison.p_value),
        )
        for it in study.measures
        if not it.by
    ]
    print_table(("measure", "units", f"{study.base} (95%)", "trained (95%)", "points", "p"), rows)
    print_lines(["", *(line.replace("**", "") for line in say_study(study)), ""])
    print_lines([f"report  {run}/report.md", f"page    {run}/report.html"])
    return 0
