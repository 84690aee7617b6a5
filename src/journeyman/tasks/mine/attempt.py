"""One candidate made into a task: its environment, its tests in both states, its words, the gate.

outcome = await Maker(project, shelf, environments, trials, "namespace").attempt(candidate)
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.tasks.failures import read_failures
from journeyman.tasks.gate import Trial, find_flaky, judge
from journeyman.tasks.languages import PROFILES
from journeyman.tasks.mine.environments import Shelf, UnbuildableError
from journeyman.tasks.mine.observe import Observed, observe, verifier_of
from journeyman.tasks.mine.plan import MineCandidate
from journeyman.tasks.mine.reasons import Refused
from journeyman.tasks.mine.statement import Material, changed_functions, statements
from journeyman.tasks.mine.words import secrets_of
from journeyman.tasks.narrowing import Narrowing, narrowing_of
from journeyman.tasks.probe import TestFailure
from journeyman.tasks.project import Project
from journeyman.tasks.sight import FilesBySize, files_by_size
from journeyman.tasks.statement import find_leaks
from journeyman.tasks.tree import TreeFile, apply_patches, read_file, write_file
from journeyman.tasks.trials import Trials
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task, VerifierSpec

__all__ = ["LANGUAGES", "Builder", "Maker"]

Builder = Callable[[MineCandidate], Awaitable[tuple[Environment, VerifierSpec]]]
"""Builds for a candidate what conventions could not, and says how it is verified; where it cannot
either, it raises `JourneymanError`."""

LANGUAGES = frozenset(("python", "typescript", "cpp", *PROFILES))
"""Languages for which environments are built."""


class Maker:
    """Turns candidates into tasks or says why not."""

    def __init__(
        self,
        project: Project,
        shelf: Shelf,
        environments: Path,
        trials: Trials,
        backend: str,
        builder: Builder | None = None,
    ) -> None:
        self._project = project
        self._builder = builder
        self._shelf = shelf
        self._environments = environments
        self._trials = trials
        self._backend = backend

    async def attempt(self, candidate: MineCandidate) -> Task | Refused:
        """Try one candidate. Raises `AttributedError` where the machine fails."""
        if candidate.split.language not in LANGUAGES:
            return Refused("unsupported_language", f"{candidate.label}: {candidate.split.language}")
        built = await self._built(candidate)
        if isinstance(built, Refused):
            return built
        draft = self._draft(candidate, *built)
        try:
            fixed = apply_patches(self._repository(draft), [draft.patch, draft.test_patch])
        except AttributedError as error:
            return Refused("unreadable", f"{candidate.label}: {error.detail}")
        copy = await asyncio.to_thread(self._copy_of_fix, draft, fixed)
        if copy:
            return Refused("visible_fix", f"{candidate.label}: {copy}")
        found = await observe(draft, self._environments, backend=self._backend)
        if isinstance(found, Refused):
            return Refused(found.reason, f"{candidate.label}: {found.example}")
        described = await self._described(candidate, draft, found, fixed)
        return (
            described
            if isinstance(described, Refused)
            else await self._gated(candidate, described, found)
        )

    async def _built(
        self, candidate: MineCandidate
    ) -> tuple[Environment, VerifierSpec | None] | Refused:
        """Build by lock files and conventions, else by the builder, if there is one."""
        try:
            environment = await self._shelf.at(
                candidate.change.base, candidate.base_date, candidate.split.language
            )
            return environment, None
        except UnbuildableError as error:
            why = str(error)
        if self._builder is not None:
            try:
                return await self._builder(candidate)
            except JourneymanError as error:
                why = error.message
        return Refused("unbuildable", f"{candidate.label}: {why}")

    def _repository(self, task: Task) -> Path:
        return self._environments / task.environment / "repository"

    def _draft(
        self, candidate: MineCandidate, environment: Environment, verifier: VerifierSpec | None
    ) -> Task:
        folder = self._environments / environment.digest / "repository"
        command = narrowing_of(environment, folder).command(candidate.split.tests)
        change = candidate.change
        return Task(
            instance_id=candidate.instance_id,
            repo=self._project.repo,
            base_commit="",
            problem_statement="",
            patch=candidate.split.patch,
            test_patch=candidate.split.test_patch,
            FAIL_TO_PASS=(),
            created_at=candidate.base_date,
            environment_setup_commit=environment.commit,
            language=candidate.split.language,
            environment=environment.digest,
            verifier=verifier or verifier_of(command, environment.log_parser),
            origin=Origin(
                road="mine",
                strategy=change.shape,
                location=f"#{change.number}" if change.number else change.fixed[:10],
            ),
        )

    def _copy_of_fix(self, task: Task, fixed: dict[str, TreeFile | None]) -> str:
        """Name a place in the environment that holds a fixed file, e.g. the package installed anew."""
        folder = self._environments / task.environment
        files: FilesBySize = files_by_size(folder)
        for path, file in fixed.items():
            before = read_file(folder / "repository", path)
            if file is None or len(file.data) < 32 or (before and before.data == file.data):
                continue
            for other in files.get(len(file.data), ()):
                if other.read_bytes() == file.data:
                    return f"{path} is at {other.relative_to(folder)}"
        return ""

    # --- the statement ---------------------------------------------------------------------

    async def _described(
        self,
        candidate: MineCandidate,
        draft: Task,
        found: Observed,
        fixed: dict[str, TreeFile | None],
    ) -> Task | Refused:
        """Write the task with the most telling statement that leaks nothing."""
        task = draft.model_copy(
            update={
                "FAIL_TO_PASS": found.fail_to_pass,
                "PASS_TO_PASS": found.pass_to_pass,
                "verifier": draft.verifier.model_copy(update={"timeout_s": found.timeout_s}),
            }
        )
        with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
            tests = Path(scratch)
            for path, file in fixed.items():
                if file is not None and path not in candidate.split.sources:
                    (tests / path).parent.mkdir(parents=True, exist_ok=True)
                    write_file(tests / path, file)
            material = self._material(candidate, task, found, fixed, tests)
            if not found.failures:
                material = replace(material, failures=self._told_failures(task, found, tests))
            texts = list(statements(material))
        for text in texts:
            told = task.model_copy(update={"problem_statement": text})
            if not find_leaks(told):
                commit = await find_base_commit(told, self._environments, backend=self._backend)
                return told.model_copy(update={"base_commit": commit})
        return Refused("leaking_statement" if texts else "vague_statement", candidate.label)

    def _told_failures(self, task: Task, found: Observed, tests: Path) -> tuple[TestFailure, ...]:
        """Return what the log says of failed tests, in languages that have no probe."""
        narrowing = Narrowing(task.verifier.command, task.verifier.log_parser, tests)
        return read_failures(narrowing, found.run, task.FAIL_TO_PASS)

    def _material(
        self,
        candidate: MineCandidate,
        task: Task,
        found: Observed,
        fixed: dict[str, TreeFile | None],
        tests: Path,
    ) -> Material:
        split, repository = candidate.split, self._repository(task)
        before = {path: _text(read_file(repository, path)) for path in split.sources}
        new_tests = [path for path in split.tests if read_file(repository, path) is None]
        functions = [
            name
            for path in split.sources
            for name in changed_functions(before[path], _text(fixed.get(path)))
        ]
        return Material(
            project=self._project.name,
            issues=candidate.issues,
            titles=candidate.titles,
            body=candidate.body,
            secrets=secrets_of(
                split.patch,
                split.test_patch,
                "\n".join(before.values()),
                [*split.sources, *new_tests],
            ),
            failures=found.failures,
            complaints=found.complaints,
            functions=functions,
            tests=tests,
        )

    # --- the gate --------------------------------------------------------------------------

    async def _gated(self, candidate: MineCandidate, task: Task, found: Observed) -> Task | Refused:
        """Put a task through the gate, without the tests that are not the same every time."""
        evidence = await self._trials.gather(task, screened=Trial(found.buggy))
        flaky = set(find_flaky((*task.FAIL_TO_PASS, *task.PASS_TO_PASS), evidence))
        if not flaky >= set(task.FAIL_TO_PASS):
            task = task.model_copy(update=dict(_without(task, flaky)))
        failed = [check for check in judge(task, evidence) if not check.is_ok]
        if failed:
            example = f"{candidate.label}: {failed[0].detail}"
            return Refused(f"gate: {failed[0].name}", example)
        return task


def _without(task: Task, flaky: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in ("FAIL_TO_PASS", "PASS_TO_PASS"):
        yield name, tuple(test for test in getattr(task, name) if test not in flaky)


def _text(file: TreeFile | None) -> str:
    return file.data.decode("utf-8", "replace") if file else ""
