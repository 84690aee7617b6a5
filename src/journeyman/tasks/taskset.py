"""Tasksets: a named, versioned set of tasks on disk.

A folder with `taskset.toml`, `tasks.jsonl` and `environments/<digest>/`. Equal tasks give equal
bytes; files are replaced whole or not at all.

    >>> load_taskset(Path("tasksets/toolz")).tasks[0].instance_id  # doctest: +SKIP
    'toolz__toolz-0001'
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from journeyman.config import read_toml
from journeyman.errors import JourneymanError
from journeyman.types import Data, Task

__all__ = ["Taskset", "load_taskset", "save_taskset"]

_MAKE = "journeyman tasks mutate PROJECT makes one"


class Taskset(Data):
    """The tasks of one folder, in the order of its file."""

    name: str
    folder: Path
    tasks: tuple[Task, ...]
    version: str = "1"
    created_at: str = ""
    project: str = ""

    @property
    def environments(self) -> Path:
        """The folder that holds the environments of these tasks."""
        return self.folder / "environments"


def load_taskset(folder: Path, *, needs_environments: bool = True) -> Taskset:
    """Read a taskset; every fault is a `JourneymanError` that names the file and the line.

    To look at tasks, rather than to run them, their environments need not be there.
    """
    if not folder.is_dir():
        raise JourneymanError(f"no taskset at {folder}", _MAKE)
    if not (folder / "taskset.toml").is_file():
        raise JourneymanError(f"{folder} is not a taskset: it has no taskset.toml", _MAKE)
    head = read_toml(folder / "taskset.toml")
    return Taskset(
        name=str(head.get("name") or folder.name),
        folder=folder,
        version=str(head.get("version", "1")),
        created_at=str(head.get("created_at", "")),
        project=str(head.get("project", "")),
        tasks=_read_tasks(
            folder / "tasks.jsonl", folder / "environments" if needs_environments else None
        ),
    )


def save_taskset(taskset: Taskset) -> None:
    """Write `tasks.jsonl`, then `taskset.toml`, each through a rename."""
    _refuse_duplicates(taskset)
    taskset.folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(task.model_dump(mode="json"), ensure_ascii=False) for task in taskset.tasks]
    _replace(taskset.folder / "tasks.jsonl", "".join(f"{line}\n" for line in lines))
    head = {
        "name": taskset.name,
        "version": taskset.version,
        "created_at": taskset.created_at,
        "project": taskset.project,
        "num_tasks": len(taskset.tasks),
        "environments": sorted({task.environment for task in taskset.tasks}),
    }
    _replace(taskset.folder / "taskset.toml", tomli_w.dumps(head))


def _read_tasks(path: Path, environments: Path | None) -> tuple[Task, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise JourneymanError(f"{path} is missing", _MAKE) from None
    except (OSError, UnicodeDecodeError) as error:
        raise JourneymanError(f"cannot read {path}: {error}", "restore the file") from None
    tasks: list[Task] = []
    first_seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        task = _read_line(path, number, line)
        if task.instance_id in first_seen:
            raise JourneymanError(
                f"{path}:{number}: {task.instance_id} is already on line "
                f"{first_seen[task.instance_id]}",
                "remove one of the two lines",
            )
        if environments is not None:
            _check_environment(f"{path}:{number}", task, environments)
        first_seen[task.instance_id] = number
        tasks.append(task)
    return tuple(tasks)


def _read_line(path: Path, number: int, line: str) -> Task:
    hint = f"mend or remove it: sed -i {number}d {path}"
    try:
        return Task.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = f"{field}: {first['msg']}" if field else first["msg"]
        raise JourneymanError(f"{path}:{number}: not a task: {reason}", hint) from None


def _check_environment(where: str, task: Task, environments: Path) -> None:
    digest = task.environment
    if not digest or not (environments / digest / "environment.json").is_file():
        raise JourneymanError(
            f"{where}: {task.instance_id} needs the environment {digest or '(none)'}, "
            f"which is not in {environments}",
            "journeyman tasks build makes it again",
        )


def _refuse_duplicates(taskset: Taskset) -> None:
    seen: set[str] = set()
    for task in taskset.tasks:
        if task.instance_id in seen:
            raise JourneymanError(f"two tasks are called {task.instance_id}", "rename one of them")
        seen.add(task.instance_id)


def _replace(path: Path, text: str) -> None:
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
