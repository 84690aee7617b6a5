"""The build of a Python project: a virtual environment, and its suite run until nothing is lacking.

environment = await PythonBuild(project, workshop, order, say, "namespace").run()
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.tasks.environment.dockerfile import write_dockerfile
from journeyman.tasks.environment.files import (
    export_tree,
    keep_byproducts,
    seal_toolchain,
    size_of,
    write_json,
)
from journeyman.tasks.environment.record import BuildRecord, write_record
from journeyman.tasks.environment.requirements import (
    Requirements,
    find_requirements,
    providers_of,
)
from journeyman.tasks.environment.smoke import accept, no_tests, num_passed, smoke
from journeyman.tasks.environment.suite import Suite, find_suite
from journeyman.tasks.environment.toolchain import (
    NODE_MODULES,
    Installed,
    Workshop,
    install,
    install_more,
    install_node_packages,
    list_packages,
    open_workshop,
)
from journeyman.tasks.git import git
from journeyman.tasks.project import Project
from journeyman.types import Environment
from journeyman.verify import VerifierRun

__all__ = ["PythonBuild", "version_of"]

Progress = Callable[[str], None]

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


class PythonBuild:
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
            raise no_tests(self.project.name)
        requirements = find_requirements(folder / "repository")
        self.say(f"installing {self.project.name} and its test requirements")
        async with open_workshop(self.workshop, self.backend) as sandbox:
            installed = await install(sandbox, self.workshop, requirements)
            if self.workshop.has_node_packages:
                self.say("installing its Node packages")
                await install_node_packages(sandbox, self.workshop)
            packages = await list_packages(sandbox)
        keep_byproducts(folder)
        if self.workshop.has_node_packages:
            _link_node_packages(folder)
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
            variables={**_VARIABLES, **self._node_variables()},
            packages=packages,
            packages_before=installed.newest,
        )

    def _node_variables(self) -> dict[str, str]:
        return {"JOURNEYMAN_NODE_MODULES": NODE_MODULES} if self.workshop.has_node_packages else {}

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
            run = await smoke(environment, self.workshop.folder, suite, self.backend)
            lacking = [item for item in _lacking(run, requirements) if item not in tried]
            if lacking and await self._add(installed, lacking):
                tried.update(lacking)
                continue
            if num_passed(run) or len(remaining) == 1:
                break
            remaining.pop(0)
        accept(run, self.project.name)
        async with open_workshop(self.workshop, self.backend) as sandbox:
            packages = await list_packages(sandbox)
        return self._write(environment, remaining[0], packages, installed, run)

    async def _add(self, installed: Installed, lacking: list[str]) -> bool:
        self.say(f"installing {', '.join(lacking)}, which its tests import")
        async with open_workshop(self.workshop, self.backend) as sandbox:
            is_done = await install_more(sandbox, self.workshop, installed, lacking)
        seal_toolchain(self.workshop.folder, self.workshop.interpreter)
        return is_done

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
        rung = "lock" if installed.is_locked else "convention"
        record = BuildRecord(order=self.order, is_offline=installed.is_offline, rung=rung)
        write_record(folder, record)
        write_json(folder / "environment.json", finished.model_dump(mode="json"))
        return finished


def _link_node_packages(folder: Path) -> None:
    """Link each package into a folder of the project, where Node looks and builds leave scraps."""
    place = folder / "repository/node_modules"
    place.mkdir(exist_ok=True)
    for package in (folder / "toolchain/node_modules").iterdir():
        (place / package.name).symlink_to(f"{NODE_MODULES}/{package.name}")


def version_of(project: Project) -> str:
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


def _lacking(run: VerifierRun, requirements: Requirements) -> list[str]:
    """Name the requirements that would provide what the suite complains of not finding."""
    text = run.log.decode(errors="replace")
    modules = dict.fromkeys(_MISSING_MODULE.findall(text))
    found = [item for module in modules for item in providers_of(module, requirements)]
    fixtures = dict.fromkeys(_MISSING_FIXTURE.findall(text))
    found += [_FIXTURES[name] for name in fixtures if name in _FIXTURES]
    return list(dict.fromkeys(found))
