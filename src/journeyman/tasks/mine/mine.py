"""Mining a repository: its pull requests planned, built, tried, gated and saved as a taskset.

Candidates are tried several at a time, yet decided in the order of history, newest first, so that a
repository gives the same tasks whatever the timing. All work is done beside the taskset's folder, in
`<folder>.mining`, where it goes on if it was ended; the taskset is there whole or not at all.

    mined = await mine_tasks(project, Path("tasksets/toolz"), config=MineConfig(limit=100))
    mined.taskset.tasks, mined.report.dropped
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from journeyman.config import digest
from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.environment.files import write_json
from journeyman.tasks.gate_history import GATE_FILE, passed, record_gate
from journeyman.tasks.git import git
from journeyman.tasks.mine.attempt import Builder, Maker
from journeyman.tasks.mine.environments import Shelf
from journeyman.tasks.mine.journal import Journal
from journeyman.tasks.mine.plan import MineCandidate, MineConfig, plan
from journeyman.tasks.mine.reasons import Refused
from journeyman.tasks.mine.report import MineReport, Tally
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.project import Project
from journeyman.tasks.taskset import Taskset, save_taskset
from journeyman.tasks.trials import trials_of
from journeyman.types import Task

__all__ = ["MinedTasks", "mine_tasks", "plan_all", "work_folder"]

PROGRESS_EVERY_S = 5.0
MAX_MACHINE_FAILURES = 3
_RECIPE = 1
"""Raised whenever the same history would be mined differently, so that old outcomes are not reused."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class MinedTasks:
    """A new taskset, and how it came about."""

    taskset: Taskset
    report: MineReport


def work_folder(folder: Path) -> Path:
    """Return the folder beside a taskset's in which it is being mined."""
    return folder.with_name(f"{folder.name}.mining")


def plan_all(
    project: Project, config: MineConfig, *, on_progress: Progress | None = None
) -> list[MineCandidate | Refused]:
    """Return everything that the main line offers, newest first, and say how far it got.

    Raises `JourneymanError` as `plan` does, and where there is no history but one commit.
    """
    say = on_progress or (lambda _: None)
    say("reading the history")
    if git(project.path, "rev-parse", "--is-shallow-repository") == "true":
        say("the clone is shallow, what came before is left out: git fetch --unshallow brings it")
    if git(project.path, "rev-list", "--count", "--max-count=2", project.commit) == "1":
        raise JourneymanError(
            f"{project.name} has no history: there is one commit",
            "give a Git repository, or its URL, that was cloned with its history",
        )
    found: list[MineCandidate | Refused] = []
    said_at = time.monotonic()
    for step in plan(project, config):
        found.append(step)
        if time.monotonic() - said_at >= PROGRESS_EVERY_S:
            said_at = time.monotonic()
            say(f"{len(found)} changes read, {_num_candidates(found)} with a fix and tests")
    say(f"{len(found)} changes, {_num_candidates(found)} with a fix and tests")
    return found


async def mine_tasks(
    project: Project,
    folder: Path,
    *,
    config: MineConfig,
    builder: Builder | None = None,
    on_progress: Progress | None = None,
    backend: str = "namespace",
) -> MinedTasks:
    """Mine a repository and save what passes the gate as a taskset in `folder`, with its report.

    `builder` is asked where no environment can be built by lock files and conventions.
    Raises `JourneymanError` where `folder` holds a taskset already, for a wrong date or export, and
    where another mining of this folder was begun with other settings; `AttributedError` where the
    machine fails again and again. What was decided until then is kept for the next call.
    """
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "choose another folder")
    say = on_progress or (lambda _: None)
    steps = await asyncio.to_thread(plan_all, project, config, on_progress=say)
    work = work_folder(folder)
    with Journal.open(work, _identity(project, config, steps)) as journal:
        if journal.num_decided:
            say(f"going on: {journal.num_decided} candidates were decided before")
        tally = Tally()
        shelf = Shelf(project, work / "environments", on_progress=say, backend=backend)
        async with trials_of(
            work / "environments", repeats=config.repeats, backend=backend
        ) as trials:
            _recall(shelf, journal, steps)
            maker = Maker(project, shelf, work / "environments", trials, backend, builder)
            tasks = await _collect(_Attempts(maker, journal), steps, config, tally, say)
        report = tally.report(num_environments=shelf.num_installed)
        taskset = _saved(project, work, tasks, report)
        (work / GATE_FILE).unlink(missing_ok=True)
        record_gate(work, passed(tasks, by="mine", num_runs=config.repeats))
        _leave_only(work, tasks)
        work.rename(folder)
    return MinedTasks(taskset.model_copy(update={"folder": folder}), report)


def _recall(shelf: Shelf, journal: Journal, steps: Sequence[MineCandidate | Refused]) -> None:
    """Let what was decided before have built what it built then."""
    for step in steps:
        outcome = journal.outcome(step.instance_id) if isinstance(step, MineCandidate) else None
        if outcome is not None and isinstance(step, MineCandidate):
            is_unbuildable = isinstance(outcome, Refused) and outcome.reason == "unbuildable"
            failure = outcome.example if isinstance(outcome, Refused) and is_unbuildable else ""
            shelf.recall(step.change.base, failure, step.split.language)


def _num_candidates(steps: Sequence[MineCandidate | Refused]) -> int:
    return sum(isinstance(step, MineCandidate) for step in steps)


def _identity(
    project: Project, config: MineConfig, steps: Sequence[MineCandidate | Refused]
) -> str:
    """Stand for all that decides what comes of a candidate; not for how many are tried at a time."""
    said = [
        [step.instance_id, step.split.digest, step.split.test_patch, *step.titles, step.body]
        + [text for issue in step.issues for text in (issue.title, issue.body)]
        for step in steps
        if isinstance(step, MineCandidate)
    ]
    return digest([_RECIPE, project.repo, project.commit, config.repeats, said])


async def _collect(
    attempts: _Attempts,
    steps: Sequence[MineCandidate | Refused],
    config: MineConfig,
    tally: Tally,
    say: Progress,
) -> list[Task]:
    """Take tasks in the order of history until there are enough."""
    tasks: list[Task] = []
    said_at = time.monotonic()
    concurrency = config.concurrency or num_processors()
    say(f"trying {_num_candidates(steps)} candidates, {concurrency} at a time")
    work = in_order(attempts.outcome, steps, concurrency=concurrency)
    num_done = 0
    async with aclosing(work) as outcomes:
        async for outcome in outcomes:
            attempts.keep(steps[num_done], outcome)
            num_done += 1
            tally.add(outcome)
            if isinstance(outcome, Task):
                tasks.append(outcome)
            if time.monotonic() - said_at >= PROGRESS_EVERY_S:
                said_at = time.monotonic()
                say(f"{num_done} of {len(steps)} changes, {len(tasks)} tasks (dropped: {tally})")
            if len(tasks) == config.num_tasks:
                break
    say(f"{num_done} of {len(steps)} changes, {len(tasks)} tasks")
    return tasks


class _Attempts:
    """Tries candidates that were not decided before, each once more if the machine fails."""

    def __init__(self, maker: Maker, journal: Journal) -> None:
        self._maker = maker
        self._journal = journal
        self._num_failures = 0

    async def outcome(self, step: MineCandidate | Refused) -> Task | Refused:
        """Return what comes of one step of the main line."""
        if isinstance(step, Refused):
            return step
        decided = self._journal.outcome(step.instance_id)
        return decided or await self._attempt(step)

    def keep(self, step: MineCandidate | Refused, outcome: Task | Refused) -> None:
        """Write down what came of a candidate; a failure of the machine is work owed."""
        is_owed = isinstance(outcome, Refused) and outcome.reason == "failed"
        if isinstance(step, MineCandidate) and not is_owed:
            self._journal.write(step.instance_id, outcome)

    async def _attempt(self, candidate: MineCandidate) -> Task | Refused:
        try:
            return await self._maker.attempt(candidate)
        except AttributedError as error:
            if FAILURES[error.cause].who == "task":
                return Refused("gate: can_be_tried", f"{candidate.label}: {error.detail}")
            if FAILURES[error.cause].retry_budget == "none":
                raise
        try:
            return await self._maker.attempt(candidate)
        except AttributedError as error:
            self._num_failures += 1
            if self._num_failures > MAX_MACHINE_FAILURES:
                raise
            return Refused("failed", f"{candidate.label}: {error}")


def _saved(project: Project, work: Path, tasks: Sequence[Task], report: MineReport) -> Taskset:
    taskset = Taskset(
        name=project.name,
        folder=work,
        tasks=tuple(tasks),
        created_at=project.created_at,
        project=project.repo,
    )
    save_taskset(taskset)
    write_json(work / "funnel.json", report.without_times())
    return taskset


def _leave_only(work: Path, tasks: Sequence[Task]) -> None:
    """Remove what was needed on the way: environments without a task, locks, the journal.

    The logs of builds that failed stay, for whoever wants to know why.
    """
    kept = {task.environment for task in tasks}
    (work / "environments").mkdir(exist_ok=True)
    for path in (work / "environments").iterdir():
        if path.name.endswith(".build.log"):
            (work / "logs").mkdir(exist_ok=True)
            path.rename(work / "logs" / path.name)
        elif path.is_dir() and path.name not in kept:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    for path in work.iterdir():
        if path.is_file() and path.name not in (
            "taskset.toml",
            "tasks.jsonl",
            "funnel.json",
            GATE_FILE,
        ):
            path.unlink()
