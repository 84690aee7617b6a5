"""`journeyman eval terminal`: task folders of Terminal-Bench and Harbor, in their own containers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.eval_tell import tell
from journeyman.cli.output import note
from journeyman.cli.progress import Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.evals.reports import write_reports
from journeyman.evals.terminal.evaluate import TerminalConfig, evaluate_terminal
from journeyman.evals.terminal.folder import read_folders
from journeyman.sandbox.engine import find_engine

__all__ = ["terminal"]


class Given(TerminalConfig):
    """The flags of `eval terminal`; the folder is positional."""

    folder: Annotated[Path, Parameter(parse=False)] = Path()
    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("oracle", "noop")
    """A model to evaluate; again for more. `oracle` runs each task's own solution."""
    scaffolds: Annotated[tuple[str, ...], Parameter(name="--scaffold")] = ("bash",)
    """An agent around the models, bash or editor; again for more."""
    tasks: Annotated[tuple[str, ...], Parameter(name="--task")] = ()
    """Only this task; again for more."""


def terminal(
    folder: Path,
    /,
    *,
    given: Annotated[Given, Parameter(name="*")] = Given(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Let models work on task folders of Terminal-Bench or Harbor; the tasks' own tests decide.

    Parameters
    ----------
    folder
        A task folder (task.toml or task.yaml), or a folder of such folders.
    given
        Who works, and how.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(TerminalConfig, options.config, given, folder=folder.absolute())
    if options.is_dry_run:
        return show_config(settings)
    read_folders(settings.folder)
    find_engine(settings.engine, is_the_only_way=True)
    with options.create("eval", settings.folder.name, settings) as run:
        note(f"evaluation in {run.path}")
        evaluation = asyncio.run(evaluate_terminal(settings, run, say=Steps()))
        write_reports(run, evaluation)
        run.set_status("finished", num_tasks=evaluation.num_tasks)
    return tell(evaluation, run.path, is_json=options.is_json)
