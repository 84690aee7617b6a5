"""The formats by name, and tasksets in and out of them.

>>> sorted(FORMATS)
['harbor', 'swebench', 'swesmith', 'verifiers', 'verl']
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.tasks.exchange.harbor import read_harbor, write_harbor
from journeyman.tasks.exchange.records import (
    swebench_record,
    swesmith_record,
    task_of_swebench,
    task_of_swesmith,
    task_of_verifiers,
    task_of_verl,
    verifiers_record,
    verl_record,
)
from journeyman.tasks.exchange.rows import read_rows, write_rows
from journeyman.tasks.subset import save_subset
from journeyman.tasks.taskset import Taskset
from journeyman.types import Task

__all__ = ["FORMATS", "export_tasks", "find_format", "import_tasks"]


@dataclass(frozen=True, slots=True)
class _Format:
    description: str
    write: Callable[[Taskset, int, Task], dict[str, Any]] | None = None
    read: Callable[[Mapping[str, Any]], Task] | None = None


FORMATS: dict[str, _Format] = {
    "swebench": _Format(
        "SWE-bench instances, JSONL or Parquet",
        lambda _, __, task: swebench_record(task),
        task_of_swebench,
    ),
    "swesmith": _Format(
        "SWE-smith instances, JSONL or Parquet",
        lambda _, __, task: swesmith_record(task),
        task_of_swesmith,
    ),
    "harbor": _Format("a folder of Harbor's for each task"),
    "verifiers": _Format(
        "rows of a verifiers (prime-rl) dataset, JSONL or Parquet",
        lambda _, number, task: verifiers_record(task, number),
        task_of_verifiers,
    ),
    "verl": _Format(
        "rows of a verl dataset, Parquet or JSONL",
        lambda taskset, number, task: verl_record(task, number, name=taskset.name),
        task_of_verl,
    ),
}


def find_format(name: str) -> str:
    """Return a format's name; `JourneymanError` with the nearest right one for another word."""
    if name in FORMATS:
        return name
    near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"formats: {', '.join(FORMATS)}"
    raise JourneymanError(f"unknown format {name}", hint)


def export_tasks(taskset: Taskset, path: Path, format_name: str) -> int:
    """Write a taskset as `format_name` to a file, or a folder for `harbor`; return how many tasks.

    Raises `JourneymanError` where `path` is there already and where the format cannot hold a task.
    """
    form = FORMATS[find_format(format_name)]
    if path.exists():
        raise JourneymanError(f"{path} exists already", "choose another --out, or remove it")
    if form.write is None:
        write_harbor(taskset.tasks, taskset.environments, path)
    else:
        write_rows(path, [form.write(taskset, at, task) for at, task in enumerate(taskset.tasks)])
    return len(taskset.tasks)


def import_tasks(
    path: Path, folder: Path, format_name: str, *, environments: Sequence[Path] = ()
) -> Taskset:
    """Read tasks of a format and save them as a taskset in `folder`.

    Environments are taken over from the folders of `environments` that hold them, by digest; a task
    without one can be looked at and built for, not run.
    """
    form = FORMATS[find_format(format_name)]
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "choose another --out")
    tasks = [form.read(it) for it in read_rows(path)] if form.read else read_harbor(path)
    if not tasks:
        raise JourneymanError(f"{path} holds no tasks", "check the file")
    repos = {task.repo for task in tasks}
    taskset = Taskset(
        name=path.stem,
        folder=folder,
        tasks=tuple(tasks),
        created_at=max(task.created_at for task in tasks),
        project=repos.pop() if len(repos) == 1 else "",
    )
    return save_subset(taskset, folder, environments=environments)
