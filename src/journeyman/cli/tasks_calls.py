"""`journeyman tasks calls`: tasks whose answer is a tool call, in any template."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import emit, print_lines
from journeyman.cli.progress import Steps
from journeyman.cli.settings import resolve_settings, show_config
from journeyman.cli.tasks import made_beside, refuse_or_remove
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
    out: Path | None = None,
    given: Annotated[GivenCalls, Parameter(name="*")] = GivenCalls(),  # noqa: B008 - frozen
    config: tuple[Path, ...] = (),
    clean: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Make tasks whose right answer is a well-formed and right tool call, in many templates.

    Parameters
    ----------
    out
        Folder of the new taskset; `tasksets/calls-<split>` where none is given.
    given
        What to ask.
    config
        A TOML file of settings; flags win over it.
    clean
        Throw an old taskset of the same folder away first.
    dry_run
        Print the resolved config and stop.
    json
        Print the counts as JSON.
    """
    settings = resolve_settings(CallTasksConfig, config, given)
    if dry_run:
        return show_config(settings)
    folder = (out or Path("tasksets", f"calls-{settings.split}")).absolute()
    refuse_or_remove(folder, is_clean=clean)
    with made_beside(folder) as scratch:
        made = asyncio.run(make_call_tasks(settings, scratch, on_progress=Steps()))
    templates = sorted({task.template for task in made.tasks})
    if json:
        emit({"taskset": str(folder), "num_tasks": len(made.tasks), "templates": templates})
        return 0
    print_lines(
        [f"{len(made.tasks)} tasks in {len(templates)} templates", "", f"taskset  {folder}"]
    )
    command = f"journeyman rollout {folder} --scaffold calls --template task"
    print_lines([f"go on    {command} --model oracle --model noop"])
    return 0
