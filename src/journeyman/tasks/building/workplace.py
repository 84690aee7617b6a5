"""Where a building agent works: a build sandbox with the project's tree, in two states it can switch.

async with opened_workplace(project, case, environments) as place:
    await place.switch("fixed")
    environment = await place.finish(verifier, key="…")
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.interpreter import find_interpreter
from journeyman.sandbox import ENVIRONMENT_PATH, Sandbox
from journeyman.tasks.building.case import Case
from journeyman.tasks.environment.files import (
    export_tree,
    keep_byproducts,
    seal_toolchain,
    size_of,
    write_json,
)
from journeyman.tasks.environment.python_build import version_of
from journeyman.tasks.environment.record import BuildRecord, write_record
from journeyman.tasks.environment.requirements import python_of
from journeyman.tasks.environment.toolchain import HARVEST, Workshop, list_packages, open_workshop
from journeyman.tasks.git import list_files
from journeyman.tasks.project import Project
from journeyman.types import Environment, VerifierSpec

__all__ = ["Workplace", "opened_workplace"]

_STATES = "/tmp/.journeyman-states"  # noqa: S108 - a path inside the sandbox
_MAX_LISTED = 120
_SWITCH_S = 120.0
_VARIABLES = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "CI": "1",
}


@dataclass
class Workplace:
    """A build in progress."""

    project: Project
    case: Case
    workshop: Workshop
    environments: Path
    sandbox: Sandbox
    started: float = field(default_factory=time.monotonic)
    state: str = ""

    @property
    def listing(self) -> str:
        """The project's files, as many as fit."""
        files = list_files(self.workshop.folder / "repository")
        more = len(files) - _MAX_LISTED
        return "\n".join([*files[:_MAX_LISTED], *([f"… and {more} more"] if more > 0 else [])])

    @property
    def kept_log(self) -> Path:
        """Where the log stays if nothing comes of the build."""
        return self.environments / f"{self.case.commit[:16]}.agent.log"

    def log(self, text: str) -> None:
        """Write down what was done, beside the environment and for the case that there is none."""
        for path in (self.workshop.folder / "build.log", self.kept_log):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"{text}\n\n")

    async def switch(self, state: str) -> None:
        """Bring the files that the states differ in to one of them; what was installed stays.

        Raises `AttributedError("task_broken")` where the case's own diffs do not apply.
        """
        if self.state == state:
            return
        done = await self.sandbox.execute(f"sh {_STATES}/switch {state}", timeout_s=_SWITCH_S)
        if done.exit_code != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise AttributedError("task_broken", f"the {state} state: {said[:300]}")
        self.state = state

    async def prepare(self) -> None:
        """Bring both states into the sandbox, and make the toolchain's folder an environment."""
        for state, patches in (("buggy", self.case.to_buggy), ("fixed", self.case.to_fixed)):
            for number, patch in enumerate(patches):
                if patch.strip():
                    await self.sandbox.write(
                        f"{_STATES}/{state}.{number}.patch",
                        patch.encode("utf-8", "surrogateescape"),
                    )
        await self.sandbox.write(f"{_STATES}/switch", _SWITCH.encode())
        base = self.workshop.interpreter.executable
        venv = f"/opt/uv venv --quiet --clear --python {base} {ENVIRONMENT_PATH}"
        made = await self.sandbox.execute(
            f"touch /tmp/.started; cd / && {venv}",
            timeout_s=_SWITCH_S,
        )
        if made.exit_code != 0:
            said = made.stderr.decode(errors="replace").strip()
            raise JourneymanError(f"no virtual environment can be made: {said[-300:]}", "see uv")
        await self.switch("buggy")

    async def finish(self, verifier: VerifierSpec, *, key: str) -> Environment:
        """Seal what was installed as an environment of the case's commit, and put it in its place."""
        packages = await list_packages(self.sandbox)
        await self.switch("base")
        await self.sandbox.execute(HARVEST, timeout_s=_SWITCH_S)
        folder = self.workshop.folder
        keep_byproducts(folder)
        seal_toolchain(folder, self.workshop.interpreter)
        name = digest(["agent", self.project.commit, self.case.commit, key, packages])[:16]
        environment = Environment(
            digest=name,
            project=self.project.repo,
            commit=self.case.commit,
            created_at=self.case.created_at,
            language_version=self.workshop.interpreter.version,
            test_command=verifier.command,
            log_parser=verifier.log_parser,
            variables=_VARIABLES,
            packages=packages,
            build_duration_s=round(time.monotonic() - self.started, 3),
            size_bytes=size_of(folder),
        )
        write_record(folder, BuildRecord(order=name, is_offline=False, rung="agent"))
        write_json(folder / "environment.json", environment.model_dump(mode="json"))
        target = self.environments / name
        if not target.exists():
            folder.chmod(0o755)
            folder.rename(target)
        return environment


@asynccontextmanager
async def opened_workplace(
    project: Project, case: Case, environments: Path, *, backend: str = "namespace"
) -> AsyncIterator[Workplace]:
    """Lay a case's tree out and open a build sandbox on it; nothing is left of it but logs and the
    environment that was finished.
    """
    environments.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-agent-", dir=environments))
    try:
        at = project.model_copy(update={"commit": case.commit, "created_at": case.created_at})
        export_tree(at, folder / "repository")
        workshop = Workshop(
            folder=folder,
            interpreter=find_interpreter(python_of(folder / "repository")),
            created_at=case.created_at,
            version=version_of(project),
        )
        async with open_workshop(workshop, backend) as sandbox:
            place = Workplace(project, case, workshop, environments, sandbox)
            await place.prepare()
            yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_SWITCH = f"""\
set -e
export GIT_CEILING_DIRECTORIES=/ GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
cd /testbed
if [ -f {_STATES}/now ]; then
    for patch in $(ls -r {_STATES}/$(cat {_STATES}/now).*.patch 2>/dev/null); do
        git apply --reverse --whitespace=nowarn "$patch"
    done
fi
for patch in $(ls {_STATES}/$1.*.patch 2>/dev/null); do
    git apply --whitespace=nowarn "$patch"
done
echo "$1" > {_STATES}/now
"""
