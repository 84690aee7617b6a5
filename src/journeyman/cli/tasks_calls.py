"""`journeyman tasks calls`: tasks whose answer is a tool call, in any template."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.new_taskset import TasksetOptions, made_beside, refuse_or_remove
from journeyman.cli.output import emit, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.evals.calls.tasks import CallTasksConfig, make_call_tasks

__all__ = ["calls"]


class GivenCalls(CallTasksConfig):
    """The flags of `tasks calls`."""

    templates: Annotated[tuple[str, ...], Parameter(name="--template")] = ()
    """Only this template, again for more; all that calls can be read back from where none is given."""
    toolsets: Annotated[tuple[str, ...], Parameter(name="--toolset")] = ()
    """Only the tools of this scaffold, again for more; all where none is given. `library`, alone: real
    functions of the standard library, at most two to a prompt."""


def calls(
    *,
    given: Annotated[GivenCalls, Parameter(name="*")] = GivenCalls(),  # noqa: B008 - frozen
    options: TasksetOptions = TasksetOptions(),  # noqa: B008 - frozen
) -> int:
    """Make tasks whose right answer is a well-formed and right tool call, in many templates.

    Parameters
    ----------
    given
        What to ask.
    options
        Where it goes.
    """
    settings = resolve_settings(CallTasksConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    folder = options.folder(f"calls-{settings.split}")
    refuse_or_remove(folder, is_clean=options.is_clean)
    with made_beside(folder) as scratch:
        made = asyncio.run(make_call_tasks(settings, scratch, on_progress=Steps()))
    templates = sorted({task.template for task in made.tasks})
    if options.is_json:
        emit({"taskset": str(folder), "num_tasks": len(made.tasks), "templates": templates})
        return 0
    print_lines(
        [f"{len(made.tasks)} tasks in {len(templates)} templates", "", f"taskset  {folder}"]
    )
    command = f"journeyman rollout {folder} --scaffold calls --template task"
    print_lines([f"go on    {command} --model oracle --model noop"])
    return 0
