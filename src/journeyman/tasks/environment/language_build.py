"""The build of a project of any language but Python, as its profile says.

The ladder of the profile is climbed in a build sandbox with the network open; what a rung could not
reach is kept as the reason. Where no rung works, a project that needs nothing may still be tested:
the suite decides. What the project itself compiles to is never kept, for it would give its fix away.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.sandbox import ENVIRONMENT_PATH, Limits, Mount, Sandbox, SandboxSpec, opened
from journeyman.tasks.environment.dockerfile import write_language_dockerfile
from journeyman.tasks.environment.files import export_tree, size_of, take_byproducts, write_json
from journeyman.tasks.environment.record import BuildRecord, write_record
from journeyman.tasks.environment.registries import registry_mounts, registry_variables
from journeyman.tasks.environment.smoke import accept, num_passed, smoke
from journeyman.tasks.languages import Rung, Toolchain, find_suites, profile_of
from journeyman.tasks.languages.profile import Suite
from journeyman.tasks.project import Project
from journeyman.types import Environment
from journeyman.verify import VerifierRun

__all__ = ["LanguageBuild"]

Progress = Callable[[str], None]

_TIMEOUT_S = 900.0
_BYPRODUCTS = "/opt/byproducts"
_WORD = re.compile(r"ERR!.*|error.*|Error.*|fatal.*|Could not.*|command not found", re.IGNORECASE)


class LanguageBuild:
    """The steps of one build, in order."""

    def __init__(
        self,
        project: Project,
        language: str,
        toolchain: Toolchain,
        folder: Path,
        order: str,
        say: Progress,
        backend: str,
    ) -> None:
        self.order = order
        self._project = project
        self._language = language
        self._profile = profile_of(language)
        self._toolchain = toolchain
        self._folder = folder
        self._say = say
        self._backend = backend
        self._started = time.monotonic()
        self._reasons: list[str] = []
        self._is_offline = False

    async def run(self) -> Environment:
        """Build in the folder; the environment's digest is that of what it holds."""
        export_tree(self._project, self._folder / "repository")
        suites = find_suites(self._language, self._folder / "repository")
        if not suites:
            raise self._no_tests()
        for name in ("toolchain", "byproducts"):
            (self._folder / name).mkdir()
        self._say(f"installing {self._project.name} for {self._profile.title}")
        async with self._workshop() as sandbox:
            way = await self._install(sandbox)
        self._seal()
        self._say("running its tests once")
        suite, run = await self._settle(self._describe(suites[0]), suites)
        self._accept(run, suite)
        return self._write(suite, way, run)

    # --- installing ------------------------------------------------------------------------

    @asynccontextmanager
    async def _workshop(self) -> AsyncIterator[Sandbox]:
        spec = SandboxSpec(
            workspace_layers=(self._folder / "repository",),
            mounts=tuple(self._mounts()),
            variables=self._build_variables(),
            network="open",
            limits=Limits(memory_bytes=8 << 30, disk_bytes=8 << 30, num_processes=2048),
            owner="build",
        )
        async with opened(spec, backend=self._backend) as sandbox:
            yield sandbox

    def _mounts(self) -> Iterator[Mount]:
        for prefix in self._toolchain.prefixes:
            yield Mount(source=Path(prefix), target=prefix)
        toolchain, made = self._folder / "toolchain", self._folder / "byproducts"
        yield Mount(source=toolchain, target=ENVIRONMENT_PATH, is_writable=True)
        yield Mount(source=made, target=_BYPRODUCTS, is_writable=True)
        yield from registry_mounts()

    def _build_variables(self) -> dict[str, str]:
        before = datetime.fromisoformat(self._project.created_at) + timedelta(days=1)
        return {
            **self._variables(),
            **registry_variables(),
            **self._profile.build_variables,
            "BEFORE": before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _variables(self) -> dict[str, str]:
        own = self._profile.variables
        path = ":".join([*self._toolchain.paths, own.get("PATH", "/usr/local/bin:/usr/bin:/bin")])
        return {**own, "PATH": path}

    async def _install(self, sandbox: Sandbox) -> str:
        """Climb the ladder; return the name of the rung that held, "bare" where none did."""
        way = "bare"
        for rung in self._profile.install:
            if not self._applies(rung):
                continue
            if await self._run(sandbox, rung.command):
                way = rung.name
                break
            self._reasons.append(self._reason(rung))
        if self._profile.after_install:
            await self._run(sandbox, self._profile.after_install)
        for name in self._profile.byproducts if way != "bare" else ():
            await self._run(sandbox, f"[ ! -e {name} ] || cp -a {name} {_BYPRODUCTS}/")
        return way

    def _applies(self, rung: Rung) -> bool:
        tree = self._folder / "repository"
        found = [path for name in rung.needs for path in sorted(tree.glob(name)) if path.is_file()]
        if rung.needs and not found:
            return False
        if not rung.content:
            return True
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in found)
        return any(re.search(rung.content, text) for text in texts)

    async def _run(self, sandbox: Sandbox, command: str) -> bool:
        done = await sandbox.execute(command, timeout_s=_TIMEOUT_S)
        outcome = "timed out" if done.is_timed_out else f"exit {done.exit_code}"
        with (self._folder / "build.log").open("ab") as log:
            log.write(f"$ {command}\n".encode() + done.stdout + done.stderr)
            log.write(f"[{outcome} after {done.duration_s:.1f} s]\n\n".encode())
        return done.exit_code == 0 and not done.is_timed_out

    def _reason(self, rung: Rung) -> str:
        """Say why a rung did not hold, from the end of the log."""
        text = (self._folder / "build.log").read_text(errors="replace")[-8000:]
        said = text.rpartition("\n$ ")[2]
        if rung.registry and re.search(self._profile.unreachable, said):
            self._is_offline = True
            return f"{rung.name}: the {rung.registry} cannot be reached"
        words = [line.strip() for line in said.splitlines() if _WORD.search(line)]
        return f"{rung.name}: {words[-1][:160] if words else 'it failed'}"

    def _seal(self) -> None:
        """Put links and byproducts into the tree; undo what could show more of the host."""
        repository, toolchain = self._folder / "repository", self._folder / "toolchain"
        take_byproducts(self._folder / "byproducts", repository)
        for name, target in self._profile.links.items():
            if (toolchain / target).is_dir() and not os.path.lexists(repository / name):
                (repository / name).symlink_to(f"{ENVIRONMENT_PATH}/{target}")
        for config in (*toolchain.glob("pyvenv.cfg"), *toolchain.glob("*/pyvenv.cfg")):
            config.unlink()
        for own in toolchain.glob("node_modules/.cache"):
            shutil.rmtree(own, ignore_errors=True)

    # --- running ---------------------------------------------------------------------------

    async def _settle(
        self, environment: Environment, suites: list[Suite]
    ) -> tuple[Suite, VerifierRun]:
        """Try the suites in order; return the first in which tests pass, else the last."""
        suite, run = suites[0], VerifierRun()
        for suite in map(self._prepared, suites):
            run = await smoke(environment, self._folder, suite, self._backend)
            if num_passed(run) and not run.is_timed_out:
                break
        return suite, run

    def _prepared(self, suite: Suite) -> Suite:
        if not self._profile.before_tests:
            return suite
        return suite.model_copy(
            update={"command": f"{self._profile.before_tests}\n{suite.command}"}
        )

    def _accept(self, run: VerifierRun, suite: Suite) -> None:
        why = "; ".join(self._reasons)
        if self._reasons and num_passed(run) * 2 <= len(run.statuses):
            raise JourneymanError(
                f"{self._project.name} cannot be tested here: {why}",
                "vendor what it depends on, or give it a registry; see {log}",
            )
        if not run.statuses and not run.is_timed_out:
            raise JourneymanError(f"the tests of {self._project.name} left no result", "see {log}")
        accept(run, self._project.name)

    def _no_tests(self) -> JourneymanError:
        return JourneymanError(
            f"no tests found in {self._project.name}",
            f"give a project whose tests are run as those of {self._profile.title} commonly are",
        )

    # --- writing ---------------------------------------------------------------------------

    def _describe(self, suite: Suite) -> Environment:
        return Environment(
            digest=self.order,
            project=self._project.repo,
            language=self._language,
            commit=self._project.commit,
            created_at=self._project.created_at,
            language_version=self._toolchain.version,
            test_command=suite.command,
            log_parser=suite.log_parser,
            variables=self._variables(),
            prefixes=self._toolchain.prefixes,
        )

    def _write(self, suite: Suite, way: str, run: VerifierRun) -> Environment:
        folder = self._folder
        packages = tuple(_packages(folder / "toolchain"))
        finished = self._describe(suite).model_copy(
            update={
                "digest": digest([self.order, way, packages])[:16],
                "packages": packages,
                "packages_before": self._project.created_at if way == "npm install" else "",
                "build_duration_s": round(time.monotonic() - self._started, 3),
                "size_bytes": size_of(folder),
            }
        )
        (folder / "Dockerfile").write_text(
            write_language_dockerfile(finished, self._profile.packages)
        )
        baseline = {
            "duration_s": round(run.duration_s, 3),
            "tests": dict(sorted(run.statuses.items())),
        }
        write_json(folder / "baseline.json", baseline)
        write_record(folder, BuildRecord(order=self.order, is_offline=self._is_offline))
        write_json(folder / "environment.json", finished.model_dump(mode="json"))
        return finished


def _packages(toolchain: Path) -> Iterator[str]:
    """List what was installed, `name==version`, sorted, where the packages' own files tell."""
    modules = toolchain / "node_modules"
    places = [*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]
    for path in sorted(places):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            yield f"{told['name']}=={told['version']}"
        except (OSError, ValueError, KeyError, TypeError):
            continue
