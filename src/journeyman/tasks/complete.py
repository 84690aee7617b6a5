"""Environments for tasks that came without one, built from clones of their repositories.

report = await complete_taskset(load_taskset(folder, needs_environments=False), Path("clones"))
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from journeyman.errors import JourneymanError
from journeyman.tasks.environment import build_environment
from journeyman.tasks.git import git
from journeyman.tasks.narrowing import narrowing_of
from journeyman.tasks.project import Project, obtain_project
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.tasks.tree import touched_paths
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Data, Environment, Task, VerifierSpec

__all__ = ["CompleteReport", "complete_taskset"]


class CompleteReport(Data):
    """What could be built."""

    num_built: int = 0
    num_ready: int = 0
    """Tasks whose environment is there now."""
    failed: dict[str, str] = Field(default_factory=dict)
    """Why a task has none, by instance id."""


async def complete_taskset(
    taskset: Taskset,
    repositories: Path,
    *,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> CompleteReport:
    """Build at each task's base commit, and save the taskset.

    What the base commit was is the set-up commit afterwards. A task keeps the environment that it has.
    One whose repository or commit is not there, or that cannot be built for, says why and stays.
    """
    built: dict[tuple[str, str], Environment | str] = {}
    tasks: list[Task] = []
    failed: dict[str, str] = {}
    for task in taskset.tasks:
        if (taskset.environments / task.environment / "environment.json").is_file():
            tasks.append(task)
            continue
        key = (task.repo, task.base_commit)
        if key not in built:
            built[key] = await _build(task, taskset, repositories, on_progress, backend)
        environment = built[key]
        if isinstance(environment, str):
            failed[task.instance_id] = environment
            tasks.append(task)
        else:
            complete = _with(task, environment, taskset.environments)
            # What the agent finds is a commit of its own, which has no history behind it.
            commit = await find_base_commit(complete, taskset.environments, backend=backend)
            tasks.append(complete.model_copy(update={"base_commit": commit}))
    save_taskset(taskset.model_copy(update={"tasks": tuple(tasks)}))
    return CompleteReport(
        num_built=sum(isinstance(it, Environment) for it in built.values()),
        num_ready=len(tasks) - len(failed),
        failed=failed,
    )


async def _build(
    task: Task,
    taskset: Taskset,
    repositories: Path,
    on_progress: Callable[[str], None] | None,
    backend: str,
) -> Environment | str:
    names = (task.repo.replace("/", "__"), task.repo.rpartition("/")[2], task.repo)
    found = [repositories / name for name in names if (repositories / name).is_dir()]
    if not found:
        return f"no clone of {task.repo} in {repositories}"
    try:
        project = _at(obtain_project(str(found[0])), task)
        return await build_environment(
            project, taskset.environments, on_progress=on_progress, backend=backend
        )
    except JourneymanError as error:
        return error.message


def _at(project: Project, task: Task) -> Project:
    commit = git(project.path, "rev-parse", "--verify", f"{task.base_commit}^{{commit}}")
    moment = git(project.path, "log", "-1", "--format=%cd",
                 "--date=format-local:%Y-%m-%dT%H:%M:%SZ", commit, env={"TZ": "UTC"})  # fmt: skip
    return project.model_copy(update={"commit": commit, "created_at": moment, "repo": task.repo})


def _with(task: Task, environment: Environment, environments: Path) -> Task:
    """Return the task with an environment, and a verifier that runs its tests' files there."""
    narrowing = narrowing_of(environment, environments / environment.digest / "repository")
    named = narrowing.files_of(task.FAIL_TO_PASS)
    files = [path for path in touched_paths([task.test_patch]) if path.endswith(".py")]
    targets = list(dict.fromkeys([*files, *named]))
    command = narrowing.command(targets) if targets else shlex.join(shlex.split(narrowing.whole))
    verifier = VerifierSpec(
        command=command, log_parser=environment.log_parser, timeout_s=task.verifier.timeout_s
    )
    return task.model_copy(
        update={
            "environment": environment.digest,
            "environment_setup_commit": environment.commit,
            "verifier": verifier,
        }
    )
