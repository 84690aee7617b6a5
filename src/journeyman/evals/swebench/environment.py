"""The environment of one instance on this machine: its base commit's tree, and what its tests need.

Packages are those of the commit's time where that resolves, under this machine's Python; SWE-bench's
own images pin conda environments instead. The difference is part of every report.

    environment = await build_instance(instance, repository, Path("taskset/environments"))
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.evals.swebench.commands import specify
from journeyman.evals.swebench.instance import Instance
from journeyman.interpreter import find_interpreter
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.environment.files import (
    export_tree,
    keep_byproducts,
    seal_toolchain,
    size_of,
    write_json,
)
from journeyman.tasks.environment.record import BuildRecord, find_built, write_record
from journeyman.tasks.environment.requirements import (
    find_requirements,
    providers_of,
    python_of,
)
from journeyman.tasks.environment.toolchain import (
    Installed,
    Workshop,
    install,
    install_more,
    list_packages,
    open_workshop,
)
from journeyman.tasks.git import git
from journeyman.tasks.project import Project
from journeyman.types import Environment
from journeyman.verify import run_verifier

__all__ = ["build_instance"]

_RECIPE = 1
_VARIABLES = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "CI": "1"}
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w]+)|(\w+) is not installed")
_TEST_RUNNERS = ("pytest",)


async def build_instance(
    instance: Instance,
    repository: Path,
    environments: Path,
    *,
    on_progress: Callable[[str], None] | None = None,
    backend: str = "namespace",
) -> Environment:
    """Build the environment of an instance's base commit, or return the one that is there.

    Raises `JourneymanError` where the repository lacks the commit or it cannot be installed.
    """
    say = on_progress or (lambda _: None)
    project = await asyncio.to_thread(_project_at, instance, repository)
    order = digest([_RECIPE, "swe-bench", instance.repo, instance.base_commit])
    environments.mkdir(parents=True, exist_ok=True)
    if built := find_built(environments, order):
        return load_environment(built.place)
    say(f"{instance.instance_id}: installing {instance.repo} at {instance.base_commit[:10]}")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=environments) as scratch:
        folder = Path(scratch, "environment")
        folder.mkdir()
        environment = await _build(instance, project, folder, order, backend)
        place = environments / environment.digest
        if not place.exists():
            folder.chmod(0o755)
            folder.rename(place)
    return load_environment(place)


def _project_at(instance: Instance, repository: Path) -> Project:
    commit = instance.base_commit
    try:
        moment = git(
            repository, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            commit, env={"TZ": "UTC"},
        )  # fmt: skip
        full = git(repository, "rev-parse", f"{commit}^{{commit}}")
    except JourneymanError as error:
        raise JourneymanError(
            f"{repository} does not hold {commit[:12]}, which {instance.instance_id} begins at",
            f"fetch the whole history of {instance.repo}: {error.message[:120]}",
        ) from None
    name = instance.repo.rpartition("/")[2]
    return Project(name=name, repo=instance.repo, path=repository, commit=full, created_at=moment)


async def _build(
    instance: Instance, project: Project, folder: Path, order: str, backend: str
) -> Environment:
    started = time.monotonic()
    await asyncio.to_thread(export_tree, project, folder / "repository")
    tree = folder / "repository"
    requirements = find_requirements(tree)
    wanted = (*requirements.wanted, *_TEST_RUNNERS)
    requirements = requirements.model_copy(update={"wanted": tuple(dict.fromkeys(wanted))})
    workshop = Workshop(
        folder=folder,
        interpreter=find_interpreter(python_of(tree)),
        created_at=project.created_at,
        version=_version(instance, project),
    )
    async with open_workshop(workshop, backend) as sandbox:
        installed = await install(sandbox, workshop, requirements)
    keep_byproducts(folder)
    seal_toolchain(folder, workshop.interpreter)
    verifier = specify(instance)
    environment = Environment(
        digest=order,
        project=instance.repo,
        commit=project.commit,
        created_at=project.created_at,
        language_version=workshop.interpreter.version,
        test_command=verifier.command,
        log_parser=verifier.log_parser,
        variables=_VARIABLES,
        packages_before=installed.newest,
    )
    lacking = await _lacking(environment, instance, folder, backend)
    wanted_more = [item for name in lacking for item in providers_of(name, requirements)]
    if wanted_more:
        async with open_workshop(workshop, backend) as sandbox:
            await install_more(sandbox, workshop, installed, wanted_more)
        seal_toolchain(folder, workshop.interpreter)
    async with open_workshop(workshop, backend) as sandbox:
        packages = await list_packages(sandbox)
    return _write(environment, folder, order, installed, packages, started)


async def _lacking(
    environment: Environment, instance: Instance, folder: Path, backend: str
) -> list[str]:
    """Name the modules that the tests complain of not finding."""
    async with opened(environment_spec(environment, folder, owner="build"), backend=backend) as box:
        run = await run_verifier(box, specify(instance))
    with (folder / "build.log").open("ab") as log:
        log.write(f"$ {environment.test_command}\n".encode() + run.log + b"\n")
    found = _MISSING.findall(run.log.decode(errors="replace"))
    return list(dict.fromkeys(name for pair in found for name in pair if name))


def _write(
    environment: Environment,
    folder: Path,
    order: str,
    installed: Installed,
    packages: tuple[str, ...],
    started: float,
) -> Environment:
    finished = environment.model_copy(
        update={
            "digest": digest([order, installed.way, packages])[:16],
            "packages": packages,
            "build_duration_s": round(time.monotonic() - started, 3),
            "size_bytes": size_of(folder),
        }
    )
    write_record(folder, BuildRecord(order=order, is_offline=installed.is_offline))
    write_json(folder / "environment.json", finished.model_dump(mode="json"))
    return finished


def _version(instance: Instance, project: Project) -> str:
    """Return the version that tags tell, else the row's, e.g. 2.3, as a release."""
    try:
        tag = git(project.path, "describe", "--tags", "--abbrev=0", project.commit)
    except JourneymanError:
        tag = ""
    found = re.search(r"\d+(\.\d+)+$", tag) or re.search(r"^\d+(\.\d+)*$", instance.version)
    return found[0] if found else "0.0.0"
