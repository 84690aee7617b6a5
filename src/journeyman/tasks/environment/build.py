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
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.interpreter import find_interpreter
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.environment.dockerfile import write_dockerfile
from journeyman.tasks.environment.files import (
    export_tree,
    keep_byproducts,
    seal_toolchain,
    size_of,
    write_json,
)
from journeyman.tasks.environment.record import (
    BuildRecord,
    find_built,
    read_record,
    write_record,
)
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
    is_index_reachable,
    list_packages,
    open_workshop,
)
from journeyman.tasks.git import git
from journeyman.tasks.project import Project
from journeyman.types import Environment, TestStatus, VerifierSpec
from journeyman.verify import VerifierRun, run_verifier

__all__ = ["build_environment"]

Progress = Callable[[str], None]

_RECIPE = 2
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
        export_tree(project, Path(scratch, "tree"))
        interpreter = find_interpreter(python_of(Path(scratch, "tree")))
    order = digest(
        [_RECIPE, project.name, project.commit, tree, project.created_at, interpreter.version]
    )
    environments.mkdir(parents=True, exist_ok=True)
    async with _locked(environments / f".{order[:16]}.lock"):
        built = find_built(environments, order)
        if built and not (built.record.is_offline and await _is_online()):
            return load_environment(built.place)
        workshop = Workshop(
            folder=_fresh_folder(environments, order),
            interpreter=interpreter,
            created_at=project.created_at,
            version=_version(project),
        )
        return await _build_in(workshop, _Build(project, workshop, order, say, backend))


async def _is_online() -> bool:
    return await asyncio.to_thread(is_index_reachable)


def _fresh_folder(environments: Path, order: str) -> Path:
    """Make a folder to build in; who holds the order's lock may remove what a dead holder left."""
    prefix = f".building-{order[:16]}-"
    for left in environments.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=environments))


async def _build_in(workshop: Workshop, build: _Build) -> Environment:
    environments = workshop.folder.parent
    try:
        environment = await build.run()
        _put_in_place(workshop.folder, environments / environment.digest)
        return environment
    except JourneymanError as error:
        log = environments / f"{build.order[:16]}.build.log"
        if (workshop.folder / "build.log").exists():
            shutil.copyfile(workshop.folder / "build.log", log)
            raise type(error)(error.message, error.hint.replace("{log}", str(log))) from None
        raise
    finally:
        shutil.rmtree(workshop.folder, ignore_errors=True)


def _put_in_place(folder: Path, place: Path) -> None:
    if (place / "environment.json").is_file():
        # The same was installed once more, and sandboxes may be using it: only its record is new.
        write_record(place, read_record(folder))
        return
    folder.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    folder.rename(place)


class _Build:
    """The steps of one build, in order."""

    def __init__(
        self, project: Project, workshop: Workshop, order: str, say: Progress, backend: str
    ) -> None:
        self.project = project
        self.workshop = workshop
        self.order = order
        self.say = say
        self.backend = backend
        self.started = time.monotonic()

    async def run(self) -> Environment:
        """Build in the workshop's folder; the environment's digest is that of what it holds."""
        folder = self.workshop.folder
        export_tree(self.project, folder / "repository")
        suites = find_suite(folder / "repository")
        if not suites:
            raise _no_tests(self.project)
        requirements = find_requirements(folder / "repository")
        self.say(f"installing {self.project.name} and its test requirements")
        async with open_workshop(self.workshop, self.backend) as sandbox:
            installed = await install(sandbox, self.workshop, requirements)
            packages = await list_packages(sandbox)
        keep_byproducts(folder)
        seal_toolchain(folder, self.workshop.interpreter)
        environment = self._describe(installed, packages, suites[0])
        self.say("running its tests once")
        return await self._settle(environment, suites, installed, requirements)

    def _describe(
        self, installed: Installed, packages: tuple[str, ...], suite: Suite
    ) -> Environment:
        return Environment(
            digest=self.order,
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
    ) -> Environment:
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
        return self._write(environment, remaining[0], packages, installed, run)

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
        seal_toolchain(self.workshop.folder, self.workshop.interpreter)
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
    ) -> Environment:
        folder = self.workshop.folder
        finished = environment.model_copy(
            update={
                "digest": digest([self.order, installed.way, packages])[:16],
                "test_command": suite.command,
                "log_parser": suite.log_parser,
                "packages": packages,
                "build_duration_s": round(time.monotonic() - self.started, 3),
                "size_bytes": size_of(folder),
            }
        )
        is_editable = installed.way == "editable"
        text = write_dockerfile(finished, is_editable, self.workshop.version)
        (folder / "Dockerfile").write_text(text)
        baseline = {
            "duration_s": round(run.duration_s, 3),
            "tests": dict(sorted(run.statuses.items())),
        }
        write_json(folder / "baseline.json", baseline)
        record = BuildRecord(order=self.order, is_offline=installed.is_offline)
        write_record(folder, record)
        write_json(folder / "environment.json", finished.model_dump(mode="json"))
        return finished


# --- the build's own facts ---------------------------------------------------------------------


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
