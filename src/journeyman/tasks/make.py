"""Making tasks: bugs proposed by rule, screened by the tests that reach them, put through the gate.

Candidates are tried several at a time, yet accepted in the order in which they were drawn, so that
a seed gives the same tasks whatever the timing.

    made = await make_tasks(project, environment, folder, config=MakeConfig(num_tasks=25))
    made.taskset.tasks, made.funnel.dropped
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.baseline import MAX_TEST_CALLS, MAX_TEST_S, Baseline, measure_baseline
from journeyman.tasks.candidate import (
    Candidate,
    Dropped,
    Screened,
    ScreenLimits,
    propose,
    screen,
)
from journeyman.tasks.funnel import Funnel, FunnelReport
from journeyman.tasks.gate import Trial, find_flaky, judge
from journeyman.tasks.mutate import check_kinds, iterate_mutations, reverse_diff
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.project import Project
from journeyman.tasks.reach import MAX_CALLS, Reach
from journeyman.tasks.statement import find_leaks, write_statement
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.tasks.trials import Trials, trials_of
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task

__all__ = ["MadeTasks", "MakeConfig", "make_tasks"]

PROGRESS_EVERY_S = 5.0
MAX_MACHINE_FAILURES = 3

Progress = Callable[[str], None]


class MakeConfig(Config):
    """Which tasks are made of a project, and how carefully."""

    num_tasks: int = Field(default=25, ge=1)
    """Validated tasks to make; fewer where the candidates run out."""
    seed: int = 0
    """Seed of the order in which candidate bugs are drawn."""
    kinds: tuple[str, ...] = ()
    """Kinds of bugs to put in; all where none is named."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of files that get no bug, relative to the project."""
    repeats: int = Field(default=2, ge=1)
    """How often each state is run, each time in a fresh sandbox."""
    concurrency: int | None = Field(default=None, ge=1)
    """Candidates tried at the same time; one for each processor where none is given."""
    max_candidates: int | None = Field(default=None, ge=1)
    """Candidate bugs drawn at most; no bound where none is given."""
    max_test_files: int = Field(default=8, ge=1)
    """Test files that one task's verifier runs at most, those first that reach the bug most."""
    max_test_calls: int = Field(default=MAX_TEST_CALLS, ge=1)
    """A test that makes as many calls is left out; the default is a tenth of a second."""
    max_verifier_calls: int = Field(default=MAX_CALLS, ge=1)
    """Calls of the tests that one verifier runs, at most; the default is 0.4 seconds."""
    max_failing_share: float = Field(default=0.5, gt=0, le=1)
    """Part of the suite's tests that one bug may break."""
    screen_cpu_s: float | None = Field(default=None, gt=0)
    """Processor seconds after which a candidate's tests are ended; follows the tests if none."""


@dataclass(frozen=True)
class MadeTasks:
    """A new taskset, and how it came about."""

    taskset: Taskset
    funnel: FunnelReport


@dataclass(frozen=True, slots=True)
class _Accepted:
    task: Task
    kind: str


async def make_tasks(
    project: Project,
    environment: Environment,
    folder: Path,
    *,
    config: MakeConfig,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> MadeTasks:
    """Make tasks of a project and save them as a taskset in `folder`, which holds its environment.

    Raises `JourneymanError` for an unknown kind, where `folder` holds a taskset already, and where
    no test passes; `AttributedError` where the machine fails again and again.
    """
    check_kinds(config.kinds)
    if (folder / "taskset.toml").exists():
        raise JourneymanError(f"{folder} holds a taskset already", "choose another folder")
    concurrency = config.concurrency or num_processors()
    say = on_progress or (lambda _: None)
    funnel = Funnel()
    say("running the tests to find the stable ones and what they reach")
    baseline = await measure_baseline(
        environment,
        folder / "environments" / environment.digest,
        num_runs=config.repeats,
        max_test_calls=config.max_test_calls,
        concurrency=concurrency,
        backend=backend,
    )
    _count_tests(funnel, baseline, config, say)
    say(f"trying candidate bugs, {concurrency} at a time")
    environments = folder / "environments"
    async with trials_of(
        environments, repeats=config.repeats, shares=True, backend=backend
    ) as trials:
        maker = _Maker(project, environment, environments, config, baseline, trials, backend)
        tasks = await _collect(maker, funnel, concurrency, say)
    taskset = Taskset(
        name=project.name,
        folder=folder,
        tasks=tuple(tasks),
        created_at=environment.created_at,
        project=project.repo,
    )
    save_taskset(taskset)
    return MadeTasks(taskset, funnel.report())


def _count_tests(funnel: Funnel, baseline: Baseline, config: MakeConfig, say: Progress) -> None:
    funnel.num_tests, funnel.num_unstable_tests = len(baseline.stable), baseline.num_unstable
    funnel.costly_tests = tuple(baseline.costly)
    funnel.costly_means = f"{config.max_test_calls} calls or {MAX_TEST_S:.0f} s"
    say(f"{len(baseline.stable)} stable tests; {baseline.num_unstable} that fail or differ")
    if baseline.costly:
        say(f"{len(baseline.costly)} tests of over {funnel.costly_means} are left out")


async def _collect(maker: _Maker, funnel: Funnel, concurrency: int, say: Progress) -> list[Task]:
    """Take tasks in the order of their candidates until there are enough."""
    tasks: list[Task] = []
    said_at = time.monotonic()
    work = in_order(maker.attempt, maker.proposals(), concurrency=concurrency)
    async with aclosing(work) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, _Accepted):
                funnel.accept(outcome.kind)
                tasks.append(outcome.task)
            else:
                funnel.drop(outcome.reason, outcome.example, is_screened=outcome.is_screened)
            if time.monotonic() - said_at >= PROGRESS_EVERY_S:
                said_at = time.monotonic()
                say(f"{len(tasks)} of {maker.config.num_tasks} tasks ({funnel})")
            if len(tasks) == maker.config.num_tasks:
                break
    say(f"{len(tasks)} tasks ({funnel})")
    return tasks


class _Maker:
    """Turns candidates into tasks or says why not."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        environments: Path,
        config: MakeConfig,
        baseline: Baseline,
        trials: Trials,
        backend: str,
    ) -> None:
        self.project = project
        self.environment = environment
        self.config = config
        self._environments = environments
        self._folder = environments / environment.digest
        self._baseline = baseline
        self._trials = trials
        self._backend = backend
        self._reach = Reach(
            baseline, max_files=config.max_test_files, max_calls=config.max_verifier_calls
        )
        self._limits = ScreenLimits(
            max_failing_share=config.max_failing_share,
            cpu_s=config.screen_cpu_s,
        )
        self._num_failures = 0
        self._num_accepted = 0

    def proposals(self) -> Iterator[Candidate | Dropped]:
        """Draw candidates, a few at a time."""
        repository = self._folder / "repository"
        mutations = iterate_mutations(
            repository,
            kinds=self.config.kinds or None,
            seed=self.config.seed,
            exclude=self.config.exclude,
        )
        drawn = islice(mutations, self.config.max_candidates)
        return propose(repository, self._baseline, self._reach, drawn)

    async def attempt(self, candidate: Candidate | Dropped) -> _Accepted | Dropped:
        """Screen one candidate and put it through the gate."""
        if isinstance(candidate, Dropped):
            return candidate
        if self._num_accepted >= self.config.num_tasks:
            # Candidates are begun in order, so there are enough tasks before this one.
            return Dropped("not_needed", candidate.label)
        outcome = await self._twice(candidate)
        self._num_accepted += isinstance(outcome, _Accepted)
        return outcome

    async def _twice(self, candidate: Candidate) -> _Accepted | Dropped:
        """Try a candidate, and once more where the machine failed."""
        try:
            return await self._attempt(candidate)
        except AttributedError as error:
            if FAILURES[error.cause].retry_budget == "none":
                raise
        try:
            return await self._attempt(candidate)
        except AttributedError:
            self._num_failures += 1
            if self._num_failures > MAX_MACHINE_FAILURES:
                raise
            return Dropped("failed", candidate.label)

    async def _attempt(self, candidate: Candidate) -> _Accepted | Dropped:
        screened = await screen(
            self.environment,
            self._folder,
            self._baseline,
            candidate,
            self._limits,
            backend=self._backend,
        )
        if isinstance(screened, Dropped):
            return screened
        task = await self._described(screened)
        if task is None:
            return Dropped("leaking_statement", candidate.label, is_screened=True)
        evidence = await self._trials.gather(task, screened=Trial(screened.statuses))
        flaky = find_flaky(task.PASS_TO_PASS, evidence)
        stable = tuple(test for test in task.PASS_TO_PASS if test not in flaky)
        task = task.model_copy(update={"PASS_TO_PASS": stable})
        failed = [check for check in judge(task, evidence) if not check.is_ok]
        if failed:
            example = f"{candidate.label}: {failed[0].detail}"
            return Dropped(f"gate: {failed[0].name}", example, is_screened=True)
        return _Accepted(task, candidate.mutation.kind)

    async def _described(self, screened: Screened) -> Task | None:
        """Write the task with the most telling statement that leaks nothing; None without one."""
        draft = self._draft(screened)
        mutation = screened.candidate.mutation
        statements = write_statement(
            self._folder / "repository", self.project.name, mutation.function, screened.failures
        )
        for text in statements:
            task = draft.model_copy(update={"problem_statement": text})
            if not find_leaks(task):
                commit = await find_base_commit(task, self._environments, backend=self._backend)
                return task.model_copy(update={"base_commit": commit})
        return None

    def _draft(self, screened: Screened) -> Task:
        mutation = screened.candidate.mutation
        owner, _, name = self.project.repo.rpartition("/")
        return Task(
            instance_id=f"{owner or name}__{name}-{mutation.digest[:8]}",
            repo=self.project.repo,
            base_commit="",
            problem_statement="",
            patch=reverse_diff(mutation.patch),
            FAIL_TO_PASS=screened.fail_to_pass,
            PASS_TO_PASS=screened.pass_to_pass,
            created_at=self.environment.created_at,
            environment_setup_commit=self.environment.commit,
            language=self.environment.language,
            environment=self.environment.digest,
            bug_patch=mutation.patch,
            hidden_paths=self._baseline.narrowing.files_of(screened.fail_to_pass),
            verifier=screened.candidate.verifier,
            origin=Origin(
                road="mutate",
                strategy=mutation.kind,
                seed=self.config.seed,
                location=f"{mutation.path}:{mutation.line}",
            ),
        )
