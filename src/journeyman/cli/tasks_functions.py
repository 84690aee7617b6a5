"""`journeyman tasks functions`: single-turn problems of a project's documented functions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from journeyman.cli.models import opened_model
from journeyman.cli.output import emit, note, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.cli.tasks import made_beside, refuse_or_remove, show_funnel
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
    out: Path | None = None,
    given: Annotated[FunctionsConfig, Parameter(name="*")] = FunctionsConfig(),  # noqa: B008 - frozen
    config: tuple[Path, ...] = (),
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Make single-turn problems of a project's functions; tests are kept where solutions agree.

    Parameters
    ----------
    source
        A project's name on the package index, a path to a Git repository or its URL, or `bundled`.
    out
        Folder of the new taskset; `tasksets/<project>-functions` where none is given.
    given
        What to make.
    config
        A TOML file of settings; flags win over it.
    clean
        Throw an old taskset of the same folder away first.
    dry_run
        Print the resolved config and stop.
    json
        Print the counts as JSON.
    """
    settings = resolve_settings(FunctionsConfig, config, given)
    if dry_run:
        return show_config(settings)
    folder, made = asyncio.run(_made(source, out, settings, is_clean=clean))
    if json:
        emit({"taskset": str(folder), "num_tasks": len(made.taskset.tasks), "funnel": made.funnel})
        return 0
    show_funnel(made)
    print_lines(["", f"taskset  {folder}", f"look     journeyman tasks show {folder}"])
    print_lines(
        [f"go on    journeyman rollout {folder} --scaffold answer --model oracle --model noop"]
    )
    return 0


async def _made(
    source: str, out: Path | None, settings: FunctionsConfig, *, is_clean: bool
) -> tuple[Path, MadeTasks]:
    steps = Steps()
    steps(f"obtaining {source}")
    project = await asyncio.to_thread(obtain_project, source)
    note(f"         {project.origin_note}")
    folder = (out or Path("tasksets", f"{project.name}-functions")).absolute()
    refuse_or_remove(folder, is_clean=is_clean)
    with made_beside(folder) as scratch:
        environment = await build_environment(project, scratch / "environments", on_progress=steps)
        async with opened_model(settings.model) as model:
            made = await make_function_tasks(
                project, environment, scratch, config=settings, model=model, on_progress=steps
            )
    return folder, made
