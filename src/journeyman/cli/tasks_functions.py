"""`journeyman tasks functions`: single-turn problems of a project's documented functions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.new_taskset import TasksetOptions, made_beside, refuse_or_remove
from journeyman.cli.output import emit, note, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.cli.tasks import show_funnel
from journeyman.tasks import obtain_project
from journeyman.tasks.environment import build_environment
from journeyman.tasks.functions import FunctionsConfig, make_function_tasks

if TYPE_CHECKING:
    from journeyman.tasks.make import MadeTasks

__all__ = ["functions"]


def functions(
    source: str,
    /,
    *,
    given: Annotated[FunctionsConfig, Parameter(name="*")] = FunctionsConfig(),  # noqa: B008 - frozen
    options: TasksetOptions = TasksetOptions(),  # noqa: B008 - frozen
) -> int:
    """Make single-turn problems of a project's functions; tests are kept where solutions agree.

    Parameters
    ----------
    source
        A project's name on the package index, a path to a Git repository or its URL, or `bundled`.
    given
        What to make.
    options
        Where it goes.
    """
    settings = resolve_settings(FunctionsConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    folder, made = asyncio.run(_made(source, settings, options))
    if options.is_json:
        emit({"taskset": str(folder), "num_tasks": len(made.taskset.tasks), "funnel": made.funnel})
        return 0
    show_funnel(made)
    print_lines(["", f"taskset  {folder}", f"look     journeyman tasks show {folder}"])
    print_lines(
        [f"go on    journeyman rollout {folder} --scaffold answer --model oracle --model noop"]
    )
    return 0


async def _made(
    source: str, settings: FunctionsConfig, options: TasksetOptions
) -> tuple[Path, MadeTasks]:
    steps = Steps()
    steps(f"obtaining {source}")
    project = await asyncio.to_thread(obtain_project, source)
    note(f"         {project.origin_note}")
    folder = options.folder(f"{project.name}-functions")
    refuse_or_remove(folder, is_clean=options.is_clean)
    with made_beside(folder) as scratch:
        environment = await build_environment(project, scratch / "environments", on_progress=steps)
        async with opened_model(settings.model) as model:
            made = await make_function_tasks(
                project, environment, scratch, config=settings, model=model, on_progress=steps
            )
    return folder, made
