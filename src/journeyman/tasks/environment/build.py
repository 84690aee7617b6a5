"""Environments: a project's tree and everything needed to run its tests, built once.

A build is whole or absent: it happens beside its place and is renamed there. Its digest covers what
was installed, so that a build without the index is never taken for one that had it; where the index
is back, the environment is built again.

    environment = await build_environment(project, Path("tasksets/toolz/environments"))
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.interpreter import find_interpreter
from journeyman.sandbox import load_environment
from journeyman.tasks.environment.files import export_tree
from journeyman.tasks.environment.language_build import LanguageBuild
from journeyman.tasks.environment.python_build import PythonBuild, version_of
from journeyman.tasks.environment.record import find_built, read_record, write_record
from journeyman.tasks.environment.requirements import has_node_packages, python_of
from journeyman.tasks.environment.toolchain import Workshop, is_index_reachable
from journeyman.tasks.git import git
from journeyman.tasks.languages import (
    environment_language,
    find_language,
    find_toolchain,
    profile_of,
)
from journeyman.tasks.project import Project
from journeyman.types import Environment

__all__ = ["build_environment"]

Progress = Callable[[str], None]

_RECIPE = 2
"""Raised whenever the same project would be built differently, so that old builds are not reused."""


class _Build(Protocol):
    """The steps of one build: in a folder of its own, for one order."""

    order: str

    async def run(self) -> Environment: ...


class _Plan(Protocol):
    """What is to be built, before there is a folder for it."""

    order: str

    def build_in(self, folder: Path) -> _Build: ...


async def build_environment(
    project: Project,
    environments: Path,
    *,
    language: str = "",
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> Environment:
    """Build the environment of a project's commit under `environments`, or return the built one.

    The language is the one that most of its source is written in, unless it is given. Raises
    `JourneymanError` where the project cannot be installed or has no tests that run.
    """
    say = on_progress or (lambda _: None)
    tree = git(project.path, "rev-parse", f"{project.commit}^{{tree}}")
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        exported = Path(scratch, "tree")
        export_tree(project, exported)
        language = language or find_language(exported)
        requires = python_of(exported) if language == "python" else ""
        wants_node = language == "python" and has_node_packages(exported)
    plan: _Plan
    if language == "python":
        plan = _PythonPlan(project, tree, requires, wants_node, say, backend)
    else:
        plan = _LanguagePlan(project, tree, language, say, backend)
    environments.mkdir(parents=True, exist_ok=True)
    async with _locked(environments / f".{plan.order[:16]}.lock"):
        built = find_built(environments, plan.order)
        is_kept = built and (
            language != "python" or not built.record.is_offline or not await _is_online()
        )
        if built and is_kept:
            return load_environment(built.place)
        folder = _fresh_folder(environments, plan.order)
        return await _build_in(folder, plan.build_in(folder))


class _PythonPlan:
    def __init__(
        self,
        project: Project,
        tree: str,
        requires: str,
        wants_node: bool,
        say: Progress,
        backend: str,
    ) -> None:
        self._project, self._say, self._backend = project, say, backend
        self._wants_node = wants_node
        self._interpreter = find_interpreter(requires)
        made_of = [project.name, project.commit, tree, project.created_at]
        self.order = digest([_RECIPE, *made_of, self._interpreter.version])

    def build_in(self, folder: Path) -> _Build:
        workshop = Workshop(
            folder=folder,
            interpreter=self._interpreter,
            created_at=self._project.created_at,
            version=version_of(self._project),
            has_node_packages=self._wants_node,
        )
        return PythonBuild(self._project, workshop, self.order, self._say, self._backend)


class _LanguagePlan:
    def __init__(
        self, project: Project, tree: str, language: str, say: Progress, backend: str
    ) -> None:
        self._project, self._language, self._say, self._backend = project, language, say, backend
        self._profile = profile_of(language)
        self._toolchain = find_toolchain(self._profile)
        made_of = [project.name, project.commit, tree, project.created_at]
        way = [environment_language(language), self._profile.model_dump(), self._toolchain.version]
        self.order = digest([_RECIPE, *made_of, *way])

    def build_in(self, folder: Path) -> _Build:
        return LanguageBuild(
            self._project,
            self._language,
            self._toolchain,
            folder,
            self.order,
            self._say,
            self._backend,
        )


async def _is_online() -> bool:
    return await asyncio.to_thread(is_index_reachable)


def _fresh_folder(environments: Path, order: str) -> Path:
    """Make a folder to build in; who holds the order's lock may remove what a dead holder left."""
    prefix = f".building-{order[:16]}-"
    for left in environments.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=environments))


async def _build_in(folder: Path, build: _Build) -> Environment:
    environments = folder.parent
    try:
        environment = await build.run()
        _put_in_place(folder, environments / environment.digest)
        return environment
    except JourneymanError as error:
        log = environments / f"{build.order[:16]}.build.log"
        if (folder / "build.log").exists():
            shutil.copyfile(folder / "build.log", log)
            raise type(error)(error.message, error.hint.replace("{log}", str(log))) from None
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: Path, place: Path) -> None:
    if (place / "environment.json").is_file():
        # The same was installed once more, and sandboxes may be using it: only its record is new.
        write_record(place, read_record(folder))
        return
    folder.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    folder.rename(place)


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock between processes; it is freed by the system if its holder dies."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
