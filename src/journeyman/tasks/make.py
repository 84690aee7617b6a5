"""Making tasks: bugs proposed by rule, screened by the tests that reach them, put through the gate.

Candidates are tried several at a time, yet accepted in the order in which they were drawn, so that
a seed gives the same tasks whatever the timing.

    made = await make_tasks(project, environment, folder, config=MakeConfig(num_tasks=25))
    made.taskset.tasks, made.funnel.dropped
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from journeyman.config import Config
from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.asking import Asker
from journeyman.tasks.baseline import MAX_TEST_CALLS, MAX_TEST_S, Baseline, measure_baseline
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.candidate import (
    Dropped,
    Screened,
    ScreenLimits,
    propose,
)
from journeyman.tasks.funnel import Funnel, FunnelReport
from journeyman.tasks.gate import Trial, find_flaky, judge
from journeyman.tasks.gate_history import passed, record_gate
from journeyman.tasks.mutate import check_kinds, reverse_diff
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.project import Project
from journeyman.tasks.reach import MAX_CALLS, Reach
from journeyman.tasks.screener import Screener
from journeyman.tasks.statement import find_leaks, write_statement
from journeyman.tasks.strategies import (
    NEEDS_MODEL,
    Drawn,
    Setting,
    draw,
    label_of_drawn,
    resolve_drawn,
    share_out,
)
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.tasks.trials import Trials, trials_of
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Environment, Origin, Task

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["MadeTasks", "MakeConfig", "make_tasks"]

PROGRESS_EVERY_S = 5.0
MAX_MACHINE_FAILURES = 3
MIN_INGREDIENTS = 4
MAX_INGREDIENTS = 60

Progress = Callable[[str], None]


class MakeConfig(Config):
    """Which tasks are made of a project, and how carefully."""

    num_tasks: int = Field(default=25, ge=1)
    """Validated tasks to make; fewer where the candidates run out."""
    seed: int = 0
    """Seed of the order in which candidate bugs are drawn."""
    language: str = ""
    """Language of the files that get bugs; the one that most source is in where none is given."""
    strategies: tuple[str, ...] = ("procedural",)
    """How bugs are thought of: procedural, remove, modify, rewrite, pr_mirror or combine, each with a
    weight where that is written, as in `remove=2`."""
    model: str = ""
    """Model that writes the bugs of modify and rewrite, and mends those of pr_mirror."""
    history_limit: int | None = Field(default=None, ge=1)
    """Changes of the history that pr_mirror looks at, the newest first; all where none is given."""
    kinds: tuple[str, ...] = ()
    """Kinds of procedural bugs to put in; all where none is named."""
    max_function_lines: int | None = Field(default=None, ge=1)
    """Longest function that gets a procedural bug, in lines: a first step of a curriculum; any where
    none is given."""
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
    strategy: str


async def make_tasks(
    project: Project,
    environment: Environment,
    folder: Path,
    *,
    config: MakeConfig,
    model: Model | None = None,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> MadeTasks:
    """Make tasks of a project and save them as a taskset in `folder`, which holds its environment.

    `model` is what `config.model` names, opened. Raises `JourneymanError` for an unknown kind or
    strategy, where a strategy needs a model and there is none, where `folder` holds a taskset already,
    and where no test passes; `AttributedError` where the machine fails again and again.
    """
    check_kinds(config.kinds, environment.language)
    shares = share_out(config.strategies, config.num_tasks)
    asker = _asker(shares, model)
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
        maker = _Maker(project, environment, environments, config, baseline, trials, asker, backend)
        tasks = await _all_shares(maker, shares, funnel, concurrency, say)
    if asker is not None:
        funnel.model_use = asker.use
    taskset = Taskset(
        name=project.name,
        folder=folder,
        tasks=tuple(tasks),
        created_at=environment.created_at,
        project=project.repo,
    )
    save_taskset(taskset)
    record_gate(folder, passed(tasks, by="mutate", num_runs=config.repeats))
    return MadeTasks(taskset, funnel.report())


def _count_tests(funnel: Funnel, baseline: Baseline, config: MakeConfig, say: Progress) -> None:
    funnel.num_tests, funnel.num_unstable_tests = len(baseline.stable), baseline.num_unstable
    funnel.costly_tests = tuple(baseline.costly)
    funnel.costly_means = f"{config.max_test_calls} calls or {MAX_TEST_S:.0f} s"
    say(f"{len(baseline.stable)} stable tests; {baseline.num_unstable} that fail or differ")
    if baseline.costly:
        say(f"{len(baseline.costly)} tests of over {funnel.costly_means} are left out")


def _asker(shares: Mapping[str, int], model: Model | None) -> Asker | None:
    lacking = [name for name in shares if name in NEEDS_MODEL]
    if lacking and model is None:
        raise JourneymanError(f"the strategy {lacking[0]} needs a model", "add --model MODEL")
    return Asker(model) if model is not None else None


async def _all_shares(
    maker: _Maker, shares: Mapping[str, int], funnel: Funnel, concurrency: int, say: Progress
) -> list[Task]:
    """Let each strategy give its share; what one cannot give is asked of the next."""
    tasks: list[Task] = []
    num_owed = 0
    for strategy, share in shares.items():
        num_wanted = share + num_owed
        if strategy == "combine":
            maker.ingredients = [*tasks, *await _ingredients(maker, tasks, share, concurrency, say)]
        made = await _collect(maker, strategy, num_wanted, funnel, concurrency, say)
        tasks += made
        num_owed = num_wanted - len(made)
    return tasks


async def _ingredients(
    maker: _Maker, tasks: Sequence[Task], share: int, concurrency: int, say: Progress
) -> list[Task]:
    """Make procedural bugs to combine where the other strategies gave too few; they are not kept."""
    num_missing = min(MAX_INGREDIENTS, max(MIN_INGREDIENTS, 2 * share)) - len(tasks)
    if num_missing <= 0:
        return []
    say("making bugs to combine")
    made = await _collect(maker, "procedural", num_missing, Funnel(), concurrency, say)
    known = {task.instance_id for task in tasks}
    return [task for task in made if task.instance_id not in known]


async def _collect(
    maker: _Maker, strategy: str, num_wanted: int, funnel: Funnel, concurrency: int, say: Progress
) -> list[Task]:
    """Take tasks of a strategy in the order of their candidates until there are enough."""
    if num_wanted <= 0:
        return []
    tasks: list[Task] = []
    said_at = time.monotonic()
    maker.begin(num_wanted)
    work = in_order(maker.attempt, maker.drawn(strategy), concurrency=concurrency)
    async with aclosing(work) as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, _Accepted):
                funnel.accept(outcome.kind, outcome.strategy)
                tasks.append(outcome.task)
            else:
                funnel.drop(outcome.reason, outcome.example, is_screened=outcome.is_screened)
            if time.monotonic() - said_at >= PROGRESS_EVERY_S:
                said_at = time.monotonic()
                say(f"{len(tasks)} of {num_wanted} {strategy} tasks ({funnel})")
            if len(tasks) == num_wanted:
                break
    say(f"{len(tasks)} {strategy} tasks ({funnel})")
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
        asker: Asker | None,
        backend: str,
    ) -> None:
        self.project = project
        self.ingredients: Sequence[Task] = ()
        self.environment = environment
        self.config = config
        self._environments = environments
        self._folder = environments / environment.digest
        self._baseline = baseline
        self._trials = trials
        self._asker = asker
        self._backend = backend
        self._reach = Reach(
            baseline, max_files=config.max_test_files, max_calls=config.max_verifier_calls
        )
        limits = ScreenLimits(max_failing_share=config.max_failing_share, cpu_s=config.screen_cpu_s)
        self._screener = Screener(environment, self._folder, baseline, limits, backend)
        self._num_failures = 0
        self._num_accepted = 0
        self._num_wanted = 0
        self._patches: set[str] = set()

    def begin(self, num_wanted: int) -> None:
        """Get ready for the candidates of one strategy."""
        self._num_accepted, self._num_wanted = 0, num_wanted

    def drawn(self, strategy: str) -> Iterator[Drawn]:
        """Draw what a strategy thinks of, a few at a time."""
        setting = Setting(
            project=self.project,
            repository=self._folder / "repository",
            seed=self.config.seed,
            kinds=self.config.kinds,
            exclude=self.config.exclude,
            history_limit=self.config.history_limit,
            tasks=self.ingredients,
            language=self.environment.language,
            max_function_lines=self.config.max_function_lines,
        )
        return islice(draw(strategy, setting), self.config.max_candidates)

    async def attempt(self, drawn: Drawn) -> _Accepted | Dropped:
        """Resolve, screen and try one candidate."""
        if self._num_accepted >= self._num_wanted:
            # Candidates are begun in order, so there are enough tasks before this one.
            return Dropped("not_needed", "")
        outcome = await self._twice(drawn)
        if isinstance(outcome, _Accepted):
            if outcome.task.bug_patch in self._patches:
                return Dropped("duplicate", label_of_drawn(drawn), is_screened=True)
            self._patches.add(outcome.task.bug_patch)
            self._num_accepted += 1
        return outcome

    async def _twice(self, candidate: Drawn) -> _Accepted | Dropped:
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
            return Dropped("failed", label_of_drawn(candidate))

    async def _attempt(self, drawn: Drawn) -> _Accepted | Dropped:
        bug = await resolve_drawn(drawn, self._asker)
        if isinstance(bug, Unmade):
            return Dropped(bug.reason, bug.example)
        repository = self._folder / "repository"
        candidate = propose(repository, self._baseline, self._reach, bug)
        if isinstance(candidate, Dropped):
            return candidate
        screened = await self._screener.screen(candidate)
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
        strategy = bug.strategy if isinstance(bug, Bug) else "procedural"
        return _Accepted(task, bug.kind, strategy)

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
                parts=tuple(mutation.source.split(" + "))
                if isinstance(mutation, Bug) and mutation.source
                else (),
            ),
        )
