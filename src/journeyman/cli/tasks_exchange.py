"""`journeyman tasks import` and `export`: tasks in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import print_json, print_lines
from journeyman.errors import JourneymanError
from journeyman.tasks import load_taskset
from journeyman.tasks.exchange import FORMATS, export_tasks, find_format, import_tasks

__all__ = ["export", "import_"]


def export(
    taskset: Path,
    /,
    *,
    out: Path,
    format: Annotated[str, Parameter(name="--format")] = "swebench",  # noqa: A002 - the flag's name
    json: bool = False,
) -> int:
    """Write a taskset in another program's format.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    out
        The new file, .jsonl, .json or .parquet; for harbor a new folder.
    format
        swebench, swesmith, harbor, verifiers or verl.
    json
        Print what was written as JSON.
    """
    loaded = load_taskset(taskset, needs_environments=find_format(format) == "harbor")
    number = export_tasks(loaded, out, format)
    if json:
        print_json({"format": format, "out": str(out), "num_tasks": number})
    else:
        print_lines([f"{number} tasks in {out}: {FORMATS[format].description}"])
    return 0


def import_(
    source: Path,
    /,
    *,
    out: Path | None = None,
    format: Annotated[str, Parameter(name="--format")] = "swebench",  # noqa: A002 - the flag's name
    environments: Annotated[tuple[Path, ...], Parameter(name="--environments")] = (),
    json: bool = False,
) -> int:
    """Read tasks of another program's format into a new taskset.

    Parameters
    ----------
    source
        A file, .jsonl, .json or .parquet; for harbor a folder.
    out
        Folder of the new taskset; `tasksets/<name of the file>` where none is given.
    format
        swebench, swesmith, harbor, verifiers or verl.
    environments
        A folder of environments that the tasks may need, such as another taskset's; again for more.
    json
        Print what was read as JSON.
    """
    for folder in environments:
        if not folder.is_dir():
            raise JourneymanError(f"no folder at {folder}", "give the environments/ of a taskset")
    place = out or Path("tasksets", source.stem)
    taskset = import_tasks(source, place.absolute(), format, environments=environments)
    held = {path.name for path in taskset.environments.iterdir()}
    num_runnable = sum(task.environment in held for task in taskset.tasks)
    if json:
        print_json({"taskset": str(place), "num_tasks": len(taskset.tasks),
                    "num_with_environment": num_runnable})  # fmt: skip
        return 0
    print_lines([f"{len(taskset.tasks)} tasks in {place}, {num_runnable} with their environment"])
    if num_runnable < len(taskset.tasks):
        print_lines([f"build    journeyman tasks build {place} --repositories FOLDER"])
    return 0
