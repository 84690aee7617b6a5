"""`journeyman eval terminal`: task folders of Terminal-Bench and Harbor, in their own containers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.eval_tell import tell
from journeyman.cli.output import note
from journeyman.cli.progress import Steps
from journeyman.cli.settings import command_line, resolve_settings, show_config
from journeyman.evals.reports import write_reports
from journeyman.evals.terminal.evaluate import TerminalConfig, evaluate_terminal
from journeyman.evals.terminal.folder import read_folders
from journeyman.runs import RunFolder
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
    config: tuple[Path, ...] = (),
    runs: Path = Path("runs"),
    name: str | None = None,
    resume: bool = False,
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Let models work on task folders of Terminal-Bench or Harbor; the tasks' own tests decide.

    Parameters
    ----------
    folder
        A task folder (task.toml or task.yaml), or a folder of such folders.
    given
        Who works, and how.
    config
        A TOML file of settings; flags win over it. Again for more, the later wins.
    runs
        Folder of the runs.
    name
        Name of the run; made up where none is given.
    resume
        Go on with the named run, or with the newest of this folder.
    clean
        Throw an old run of the same name away first.
    dry_run
        Print the resolved config and stop.
    json
        Print the evaluation as JSON.
    """
    settings = resolve_settings(TerminalConfig, config, given, folder=folder.absolute())
    if dry_run:
        return show_config(settings)
    read_folders(settings.folder)
    find_engine(settings.engine)
    with RunFolder.create(
        runs, "eval", settings.folder.name, config=settings, argv=command_line(),
        name=name, resume=resume, clean=clean,
    ) as run:  # fmt: skip
        note(f"evaluation in {run.path}")
        evaluation = asyncio.run(evaluate_terminal(settings, run, say=Steps()))
        write_reports(run, evaluation)
        run.set_status("finished", num_tasks=evaluation.num_tasks)
    return tell(evaluation, run.path, is_json=json)
