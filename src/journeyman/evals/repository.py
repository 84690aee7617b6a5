"""A person's own repository as a benchmark: bugs put into it, and its own past fixes, as one taskset.

made = await make_benchmark(project, Path("runs/eval--toolz--1a2b3c4d"), config)
made.taskset.tasks, made.notes
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import AttributedError, JourneymanError
from journeyman.tasks import Project, Taskset, load_taskset, save_taskset
from journeyman.tasks.environment import build_environment
from journeyman.tasks.make import make_tasks
from journeyman.tasks.make_config import MakeConfig
from journeyman.tasks.mine import MineConfig, mine_tasks
from journeyman.types import Task

__all__ = ["Benchmark", "BenchmarkConfig", "make_benchmark"]

Progress = Callable[[str], None]


class BenchmarkConfig(Config):
    """Which tasks are made of a repository."""

    num_mutated: int = Field(default=20, ge=0)
    """Tasks of bugs that are put into the code as it stands."""
    num_mined: int = Field(default=10, ge=0)
    """Tasks of fixes in the repository's history; 0 leaves history alone."""
    mine_limit: int = Field(default=60, ge=1)
    """Commits and pull requests of the history that are looked at, the newest first."""
    seed: int = 0
    """Seed of the bugs."""


@dataclass(frozen=True)
class Benchmark:
    """A taskset made of a repository, and what should be known of it."""

    taskset: Taskset
    notes: tuple[str, ...]


async def make_benchmark(
    project: Project,
    folder: Path,
    config: BenchmarkConfig,
    *,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> Benchmark:
    """Make `taskset` in `folder`, or take the one that is there; each half goes on where it was.

    Raises `JourneymanError` where neither road gives a task.
    """
    say = on_progress or (lambda _: None)
    place = folder / "taskset"
    if (place / "taskset.toml").is_file():
        taskset = load_taskset(place)
        return Benchmark(taskset, tuple(_notes(taskset, config, [])))
    troubles: list[str] = []
    halves: list[Taskset] = []
    for wanted, make in ((config.num_mutated, _mutated), (config.num_mined, _mined)):
        if not wanted:
            continue
        try:
            halves.append(await make(project, folder, config, say, backend))
        except (JourneymanError, AttributedError) as error:
            troubles.append(str(error))
            say(f"no tasks this way: {error}")
    tasks = [task for half in halves for task in half.tasks]
    if not tasks:
        raise JourneymanError(
            f"no task can be made of {project.name}: {'; '.join(troubles) or 'none was asked for'}",
            f"journeyman tasks mutate {project.name} says more",
        )
    taskset = await asyncio.to_thread(_joined, project, place, halves, tasks)
    return Benchmark(taskset, tuple(_notes(taskset, config, troubles)))


async def _mutated(
    project: Project, folder: Path, config: BenchmarkConfig, say: Progress, backend: str
) -> Taskset:
    place = folder / "mutated"
    if (place / "taskset.toml").is_file():
        return load_taskset(place)
    say(f"building the environment of {project.name}")
    environment = await build_environment(
        project, place / "environments", on_progress=say, backend=backend
    )
    made = await make_tasks(
        project,
        environment,
        place,
        config=MakeConfig(num_tasks=config.num_mutated, seed=config.seed),
        on_progress=say,
        backend=backend,
    )
    return made.taskset


async def _mined(
    project: Project, folder: Path, config: BenchmarkConfig, say: Progress, backend: str
) -> Taskset:
    place = folder / "mined"
    if (place / "taskset.toml").is_file():
        return load_taskset(place)
    say(f"mining the history of {project.name}")
    mined = await mine_tasks(
        project,
        place,
        config=MineConfig(num_tasks=config.num_mined, limit=config.mine_limit),
        on_progress=say,
        backend=backend,
    )
    return mined.taskset


def _joined(
    project: Project, place: Path, halves: Sequence[Taskset], tasks: Sequence[Task]
) -> Taskset:
    """Join the halves under one name; their environments are linked, so they take no more room."""
    fresh = place.with_name("taskset.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for half in halves:
        for name in sorted({task.environment for task in half.tasks}):
            target = fresh / "environments" / name
            if not target.exists():
                source = half.environments / name
                shutil.copytree(source, target, symlinks=True, copy_function=_link)
    by_id = {task.instance_id: task for task in tasks}
    taskset = Taskset(
        name=project.name,
        folder=fresh,
        tasks=tuple(by_id.values()),
        created_at=project.created_at,
        project=project.repo,
    )
    save_taskset(taskset)
    fresh.rename(place)
    return load_taskset(place)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _notes(taskset: Taskset, config: BenchmarkConfig, troubles: Sequence[str]) -> list[str]:
    roads = [task.origin.road for task in taskset.tasks]
    num_mutated, num_mined = roads.count("mutate"), roads.count("mine")
    notes = [
        f"Tasks of bugs that were put into the code: {num_mutated} ({config.num_mutated} asked for); of "
        f"fixes from its history: {num_mined} ({config.num_mined} asked for). Each passed the gate by "
        "execution. They stand for repairing this code, not for adding to it."
    ]
    return [*notes, *(f"A road gave nothing: {trouble}" for trouble in troubles)]
