"""One candidate's way: resolved, screened, described, tried, and either a task or a reason.

What warm sandboxes refuse is tried again in fresh ones, so that no candidate is lost to them.

    maker = Maker(
        project, environment, environments, config, baseline, trials, fresh, asker, backend, warm
    )
    outcome = await maker.attempt(drawn)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from journeyman.errors import FAILURES, AttributedError
from journeyman.tasks.asking import Asker
from journeyman.tasks.baseline import Baseline
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.candidate import Dropped, Screened, ScreenLimits, propose
from journeyman.tasks.gate import Evidence, Trial, find_flaky, judge
from journeyman.tasks.make_config import MakeConfig
from journeyman.tasks.mutate import reverse_diff
from journeyman.tasks.project import Project
from journeyman.tasks.reach import Reach
from journeyman.tasks.screener import Screener
from journeyman.tasks.statement import find_leaks, write_statement
from journeyman.tasks.strategies import Drawn, Setting, draw, label_of_drawn, resolve_drawn
from journeyman.tasks.trials import Trials
from journeyman.tasks.warm import WarmPool
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import Check, Environment, Origin, Task

__all__ = ["Accepted", "Maker"]

MAX_MACHINE_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task that has passed the gate."""

    task: Task
    kind: str
    strategy: str


class Maker:
    """Turns candidates into tasks or says why not."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        environments: Path,
        config: MakeConfig,
        baseline: Baseline,
        trials: Trials,
        fresh: Trials,
        asker: Asker | None,
        backend: str,
        warm: WarmPool | None,
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
        self._warm = warm
        self._fresh = fresh
        self._reach = Reach(
            baseline, max_files=config.max_test_files, max_calls=config.max_verifier_calls
        )
        limits = ScreenLimits(max_failing_share=config.max_failing_share, cpu_s=config.screen_cpu_s)
        self._screener = Screener(environment, self._folder, baseline, limits, backend, warm)
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

    async def attempt(self, drawn: Drawn) -> Accepted | Dropped:
        """Resolve, screen and try one candidate."""
        if self._num_accepted >= self._num_wanted:
            # Candidates are begun in order, so there are enough tasks before this one.
            return Dropped("not_needed", "")
        outcome = await self._twice(drawn)
        if isinstance(outcome, Accepted):
            if outcome.task.bug_patch in self._patches:
                return Dropped("duplicate", label_of_drawn(drawn), is_screened=True)
            self._patches.add(outcome.task.bug_patch)
            self._num_accepted += 1
        return outcome

    async def _twice(self, candidate: Drawn) -> Accepted | Dropped:
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

    async def _attempt(self, drawn: Drawn) -> Accepted | Dropped:
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
        tried, failed = _judged(task, evidence)
        if failed and self._warm is not None:
            tried, failed = await self._again(task, self._warm)
        task = tried
        if failed:
            example = f"{candidate.label}: {failed[0].detail}"
            return Dropped(f"gate: {failed[0].name}", example, is_screened=True)
        strategy = bug.strategy if isinstance(bug, Bug) else "procedural"
        return Accepted(task, bug.kind, strategy)

    async def _again(self, task: Task, warm: WarmPool) -> tuple[Task, list[Check]]:
        """Try a task that warm sandboxes refused in fresh ones, whose word counts."""
        tried, failed = _judged(task, await self._fresh.gather(task))
        if not failed:
            warm.doubt()
        return tried, failed

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


def _judged(task: Task, evidence: Evidence) -> tuple[Task, list[Check]]:
    """Return the task without its flaky tests, and the checks of the gate that it does not pass."""
    flaky = find_flaky(task.PASS_TO_PASS, evidence)
    stable = tuple(test for test in task.PASS_TO_PASS if test not in flaky)
    task = task.model_copy(update={"PASS_TO_PASS": stable})
    return task, [check for check in judge(task, evidence) if not check.is_ok]
