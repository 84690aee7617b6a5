"""The gate over a whole taskset: every task tried again in fresh sandboxes, and what was found.

results = await validate_tasks(load_taskset(folder), repeats=2)
broken = [result for result in results if not result.is_valid]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

from pydantic import computed_field

from journeyman.errors import FAILURES, AttributedError, JourneymanError
from journeyman.tasks.gate import find_flaky, judge
from journeyman.tasks.order import in_order, num_processors
from journeyman.tasks.taskset import Taskset
from journeyman.tasks.trials import Trials, trials_of
from journeyman.types import Check, Data, Failure, Task

__all__ = ["TaskValidation", "validate_tasks"]

PROGRESS_EVERY_S = 5.0


class TaskValidation(Data):
    """What the gate found of one task."""

    instance_id: str
    checks: tuple[Check, ...] = ()
    """Every check of the gate; only `can_be_tried` where the task itself cannot be set up."""
    flaky_tests: tuple[str, ...] = ()
    """Tests of the task that did not do the same in every run of the same state."""
    failure: Failure | None = None
    """Set where the machine failed; that says nothing for or against the task."""
    duration_s: float = 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_valid(self) -> bool:
        """Whether every check holds."""
        return self.failure is None and all(check.is_ok for check in self.checks)


async def validate_tasks(
    taskset: Taskset,
    *,
    repeats: int = 2,
    concurrency: int | None = None,
    backend: str = "namespace",
    on_progress: Callable[[str], None] | None = None,
) -> list[TaskValidation]:
    """Put every task through the whole gate, each run in a fresh sandbox of its own.

    No run is shared between tasks and nothing is changed on disk. A failure of the machine is
    tried once more and then reported as what it is.
    """
    if repeats < 1:
        raise JourneymanError(f"repeats is {repeats}", "each state has to be run at least once")
    say = on_progress or (lambda _: None)
    results: list[TaskValidation] = []
    said_at = time.monotonic()
    async with trials_of(taskset.environments, repeats=repeats, backend=backend) as trials:
        work = in_order(
            lambda task: _validated(trials, task),
            taskset.tasks,
            concurrency=concurrency or num_processors(),
        )
        async with aclosing(work) as finished:
            async for result in finished:
                results.append(result)
                is_last = len(results) == len(taskset.tasks)
                if is_last or time.monotonic() - said_at >= PROGRESS_EVERY_S:
                    said_at = time.monotonic()
                    num_valid = sum(result.is_valid for result in results)
                    say(f"{len(results)} of {len(taskset.tasks)} tasks, {num_valid} valid")
    return results


async def _validated(trials: Trials, task: Task) -> TaskValidation:
    started = time.monotonic()
    try:
        try:
            evidence = await trials.gather(task)
        except AttributedError as error:
            if FAILURES[error.cause].retry_budget == "none":
                raise
            evidence = await trials.gather(task)
    except AttributedError as error:
        return _untried(task, error)
    return TaskValidation(
        instance_id=task.instance_id,
        checks=judge(task, evidence),
        flaky_tests=find_flaky((*task.FAIL_TO_PASS, *task.PASS_TO_PASS), evidence),
        duration_s=time.monotonic() - started,
    )


def _untried(task: Task, error: AttributedError) -> TaskValidation:
    if FAILURES[error.cause].who == "task":
        check = Check(name="can_be_tried", is_ok=False, detail=str(error))
        return TaskValidation(instance_id=task.instance_id, checks=(check,))
    return TaskValidation(instance_id=task.instance_id, failure=error.failure)
