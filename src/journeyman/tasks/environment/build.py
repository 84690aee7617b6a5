"""Environments: a project's tree and everything needed to run its tests, built once per digest.

A build is whole or absent: it happens beside its place and is renamed there.

    environment = await build_environment(project, Path("tasksets/toolz/environments"))
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.environment.dockerfile import write_dockerfile
from journeyman.tasks.environment.interpreter import find_interpreter
from journeyman.tasks.environment.requirements import (
    Requirements,
    find_requirements,
    providers_of,
    python_of,
)
from journeyman.tasks.environment.suite import Suite, find_suite
from journeyman.tasks.environment.toolchain import (
    Installed,
    Workshop,
    install,
    install_more,
    list_packages,
    open_workshop,
)
from journeyman.tasks.git import git, list_files
from journeyman.tasks.project import Project
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier

__all__ = ["build_environment"]

Progress = Callable[[str], None]

_RECIPE = 1
"""Raised whenever the same project would be built differently, so that old builds are not reused."""

_SUITE_TIMEOUT_S = 900.0
_MAX_ROUNDS = 4
_VARIABLES = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "CI": "1",
}
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w]+)")
_MISSING_FIXTURE = re.compile(r"fixture '(\w+)' not found")
_FIXTURES = {"mocker": "pytest-mock", "benchmark": "pytest-benchmark", "freezer": "pytest-freezer"}


async def build_environment(
    project: Project,
    environments: Path,
    *,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> Environment:
    """Build the environment of a project's commit under `environments`, or return the built one.

    Raises `JourneymanError` where the project cannot be installed or has no tests that run.
    """
    say = on_progress or (lambda _: None)
    tree = git(project.path, "rev-parse", f"{project.commit}^{{tree}}")
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        _export(project, Path(scratch, "tree"))
        interpreter = find_interpreter(python_of(Path(scratch, "tree")))
    key = [_RECIPE, project.name, project.commit, tree, project.created_at, interpreter.version]
    place = environments / digest(key)[:16]
    environments.mkdir(parents=True, exist_ok=True)
    async with _locked(environments / f".{place.name}.lock"):
        if not (place / "environment.json").is_file():
            folder = Path(tempfile.mkdtemp(prefix=".building-", dir=environments))
            workshop = Workshop(
                folder=folder,
                interpreter=interpreter,
                created_at=project.created_at,
                version=_version(project),
            )
            await _build_at(project, workshop, place, say, backend)
    return load_environment(place)


async def _build_at(
    project: Project, workshop: Workshop, place: Path, say: Progress, backend: str
) -> None:
    try:
        await _Build(project, workshop, place.name, say, backend).run()
        workshop.folder.chmod(0o755)
        shutil.rmtree(place, ignore_errors=True)
        workshop.folder.rename(place)
    except JourneymanError as error:
        log = place.parent / f"{place.name}.build.log"
        if (workshop.folder / "build.log").exists():
            shutil.copyfile(workshop.folder / "build.log", log)
            raise type(error)(error.message, error.hint.replace("{log}", str(log))) from None
        raise
    finally:
        shutil.rmtree(workshop.folder, ignore_errors=True)


class _Build:
    """The steps of one build, in order."""

    def __init__(
        self, project: Project, workshop: Workshop, digest: str, say: Progress, backend: str
    ) -> None:
        self.project = project
        self.workshop = workshop
        self.digest = digest
        self.say = say
        self.backend = backend
        self.started = time.monotonic()

    async def run(self) -> None:
        folder = self.workshop.folder
        _export(self.project, folder / "repository")
        suites = find_suite(folder / "repository")
        if not suites:
            raise _no_tests(self.project)
        requirements = find_requirements(folder / "repository")
        self.say(f"installing {self.project.name} and its test requirements")
        async with open_workshop(self.workshop, self.backend) as sandbox:
            installed = await install(sandbox, self.workshop, requirements)
            packages = await list_packages(sandbox)
        _keep_byproducts(folder)
        _seal_toolchain(folder, self.workshop)
        environment = self._describe(installed, packages, suites[0])
        self.say("running its tests once")
        await self._settle(environment, suites, installed, requirements)

    def _describe(
        self, installed: Installed, packages: tuple[str, ...], suite: Suite
    ) -> Environment:
        return Environment(
            digest=self.digest,
            project=self.project.repo,
            commit=self.project.commit,
            created_at=self.project.created_at,
            language_version=self.workshop.interpreter.version,
            test_command=suite.command,
            log_parser=suite.log_parser,
            variables=_VARIABLES,
            packages=packages,
            packages_before=installed.newest,
        )

    async def _settle(
        self,
        environment: Environment,
        suites: list[Suite],
        installed: Installed,
        requirements: Requirements,
    ) -> None:
        """Run the suite; install what it lacks and was declared; write down what was found."""
        tried: set[str] = set()
        remaining = list(suites)
        run = VerifierRun()
        for _ in range(_MAX_ROUNDS + len(suites)):
            suite = remaining[0]
            run = await self._smoke(environment, suite)
            lacking = [item for item in _lacking(run, requirements) if item not in tried]
            if lacking and await self._add(installed, lacking):
                tried.update(lacking)
                continue
            if _num_passed(run) or len(remaining) == 1:
                break
            remaining.pop(0)
        self._accept(run)
        async with open_workshop(self.workshop, self.backend) as sandbox:
            packages = await list_packages(sandbox)
        self._write(environment, remaining[0], packages, installed, run)

    async def _smoke(self, environment: Environment, suite: Suite) -> VerifierRun:
        spec = environment_spec(environment, self.workshop.folder, owner="build")
        verifier = VerifierSpec(
            command=suite.command, log_parser=suite.log_parser, timeout_s=_SUITE_TIMEOUT_S
        )
        async with opened(spec, backend=self.backend) as sandbox:
            run = await run_verifier(sandbox, verifier)
        with (self.workshop.folder / "build.log").open("ab") as log:
            log.write(f"$ {suite.command}\n".encode() + run.log + b"\n")
        return run

    async def _add(self, installed: Installed, lacking: list[str]) -> bool:
        self.say(f"installing {', '.join(lacking)}, which its tests import")
        async with open_workshop(self.workshop, self.backend) as sandbox:
            is_done = await install_more(sandbox, self.workshop, installed, lacking)
        _seal_toolchain(self.workshop.folder, self.workshop)
        return is_done

    def _accept(self, run: VerifierRun) -> None:
        name = self.project.name
        if run.is_timed_out:
            raise JourneymanError(
                f"the tests of {name} do not end within {_SUITE_TIMEOUT_S / 60:.0f} minutes",
                "choose another project; what they printed is in {log}",
            )
        if not run.statuses:
            raise _no_tests(self.project)
        if _num_passed(run) * 2 < len(run.statuses):
            raise JourneymanError(
                f"only {_num_passed(run)} of {len(run.statuses)} tests of {name} pass here",
                "see what they lack in {log}",
            )

    def _write(
        self,
        environment: Environment,
        suite: Suite,
        packages: tuple[str, ...],
        installed: Installed,
        run: VerifierRun,
    ) -> None:
        folder = self.workshop.folder
        finished = environment.model_copy(
            update={
                "test_command": suite.command,
                "log_parser": suite.log_parser,
                "packages": packages,
                "build_duration_s": round(time.monotonic() - self.started, 3),
                "size_bytes": _size(folder),
            }
        )
        is_editable = installed.way == "editable"
        text = write_dockerfile(finished, is_editable, self.workshop.version)
        (folder / "Dockerfile").write_text(text)
        baseline = {
            "duration_s": round(run.duration_s, 3),
            "tests": dict(sorted(run.statuses.items())),
        }
        _write_json(folder / "baseline.json", baseline)
        _write_json(folder / "environment.json", finished.model_dump(mode="json"))


# --- files -------------------------------------------------------------------------------------


def _export(project: Project, target: Path) -> None:
    """Write the commit's tree, byte for byte, without `.git`."""
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        git(project.path, "read-tree", project.commit, env=env)
        git(project.path, "checkout-index", "--all", f"--prefix={target}/", env=env)


def _keep_byproducts(folder: Path) -> None:
    """Take what building wrote into the tree, e.g. compiled modules and version files."""
    made = folder / "byproducts"
    for path in list_files(made):
        source, target = made / path, folder / "repository" / path
        if source.is_symlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    shutil.rmtree(made)


def _seal_toolchain(folder: Path, workshop: Workshop) -> None:
    """Undo what build code may have done to be shown more of the host than the interpreter."""
    shutil.rmtree(folder / "byproducts", ignore_errors=True)
    home = workshop.interpreter.executable.parent
    config = folder / "toolchain" / "pyvenv.cfg"
    config.unlink(missing_ok=True)
    config.write_text(
        f"home = {home}\nimplementation = CPython\nuv = 1\n"
        f"version_info = {workshop.interpreter.version}\ninclude-system-site-packages = false\n"
    )
    for nested in (folder / "toolchain").glob("*/pyvenv.cfg"):
        nested.unlink()


def _version(project: Project) -> str:
    """Return the version that the project's own metadata or tags tell, else a plain one."""
    for name in ("PKG-INFO",):
        path = project.path / name
        if path.is_file():
            found = re.search(r"^Version: (\S+)$", path.read_text(errors="replace"), re.MULTILINE)
            if found:
                return found[1]
    try:
        tag = git(project.path, "describe", "--tags", "--abbrev=0", project.commit)
    except JourneymanError:
        tag = ""
    found = re.search(r"\d+(\.\d+)+$", tag)
    return found[0] if found else "0.0.0"


def _size(folder: Path) -> int:
    return sum((folder / path).lstat().st_size for path in list_files(folder))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock between processes; it is freed by the system if its holder dies."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# --- what a run of the suite says --------------------------------------------------------------


def _num_passed(run: VerifierRun) -> int:
    return sum(status is TestStatus.PASSED for status in run.statuses.values())


def _lacking(run: VerifierRun, requirements: Requirements) -> list[str]:
    """Name the requirements that would provide what the suite complains of not finding."""
    text = run.log.decode(errors="replace")
    modules = dict.fromkeys(_MISSING_MODULE.findall(text))
    found = [item for module in modules for item in providers_of(module, requirements)]
    fixtures = dict.fromkeys(_MISSING_FIXTURE.findall(text))
    found += [_FIXTURES[name] for name in fixtures if name in _FIXTURES]
    return list(dict.fromkeys(found))


def _no_tests(project: Project) -> JourneymanError:
    return JourneymanError(
        f"no tests found in {project.name}", "give a project whose tests pytest or unittest can run"
    )
