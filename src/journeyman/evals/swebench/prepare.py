"""A benchmark's instances made into a taskset that every verb works on.

prepared = await prepare(instances, Path("repositories"), Path("tasksets/verified"))
prepared.taskset.tasks, prepared.left_out
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.evals.swebench.commands import specify
from journeyman.evals.swebench.environment import build_instance
from journeyman.evals.swebench.instance import Instance
from journeyman.tasks import Taskset, save_taskset
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task

__all__ = ["Prepared", "find_repository", "prepare", "task_of"]


@dataclass(frozen=True)
class Prepared:
    """A new taskset, and the instances that could not become part of it, with the reason."""

    taskset: Taskset
    left_out: dict[str, str]


async def prepare(
    instances: Sequence[Instance],
    repositories: Path,
    folder: Path,
    *,
    name: str,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> Prepared:
    """Build every instance's environment and save the taskset; what cannot be built is left out.

    Environments that are there already are used, so that an ended call goes on where it was.
    """
    say = on_progress or (lambda _: None)
    environments = folder / "environments"
    tasks: list[Task] = []
    left_out: dict[str, str] = {}
    for number, instance in enumerate(instances, start=1):
        say(f"{instance.instance_id} ({number} of {len(instances)})")
        try:
            repository = find_repository(repositories, instance.repo)
            environment = await build_instance(
                instance, repository, environments, on_progress=say, backend=backend
            )
            tasks.append(await task_of(instance, environment, environments))
        except (JourneymanError, AttributedError) as error:
            left_out[instance.instance_id] = str(error)
            say(f"{instance.instance_id} is left out: {error}")
    if not tasks:
        raise JourneymanError(
            f"none of the {len(instances)} instances can be built here: "
            f"{next(iter(left_out.values()), 'there are none')}",
            "use their official images: journeyman eval official",
        )
    taskset = Taskset(name=name, folder=folder, tasks=tuple(tasks), project=name)
    await asyncio.to_thread(save_taskset, taskset)
    return Prepared(taskset, left_out)


async def task_of(instance: Instance, environment: Environment, environments: Path) -> Task:
    """Return the task of an instance in its environment."""
    task = Task(
        instance_id=instance.instance_id,
        repo=instance.repo,
        base_commit="",
        problem_statement=instance.problem_statement,
        patch=instance.patch,
        test_patch=instance.test_patch,
        FAIL_TO_PASS=instance.FAIL_TO_PASS,
        PASS_TO_PASS=instance.PASS_TO_PASS,
        hints_text=instance.hints_text,
        created_at=instance.created_at or environment.created_at,
        version=instance.version,
        environment_setup_commit=instance.environment_setup_commit or environment.commit,
        environment=environment.digest,
        verifier=specify(instance),
        origin=Origin(road="import", strategy="swe-bench", location=instance.base_commit),
    )
    commit = await find_base_commit(task, environments)
    return task.model_copy(update={"base_commit": commit})


def find_repository(folder: Path, repo: str) -> Path:
    """Return the Git repository of `owner/name` under a folder of clones, bare ones included."""
    owner, _, name = repo.partition("/")
    names = (f"{owner}/{name}", f"{owner}__{name}", f"{owner}+{name}", f"{owner}-{name}", name)
    for candidate in (place for base in names for place in (base, f"{base}.git", f"{base}/repo")):
        place = folder / candidate
        if (place / ".git").exists() or (place / "HEAD").is_file():
            return place
    raise JourneymanError(
        f"no clone of {repo} in {folder}",
        f"git clone https://github.com/{repo} {folder / owner}__{name}",
    )
