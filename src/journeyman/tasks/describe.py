"""Problem statements written by a model, and judged before they are taken.

The model sees the statement that the rules wrote, the fix and what the failing tests say; it is asked
for a user's report. What leaks, says too little or misses the point is sent back with the reason; a
statement that no attempt makes right stays as it was.

    described, report = await describe_tasks(taskset, model)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field

from journeyman.tasks.asking import Asker
from journeyman.tasks.model_use import ModelUse
from journeyman.tasks.quality.statements import hidden_tests, judge_statement
from journeyman.tasks.taskset import Taskset
from journeyman.types import Data, Sampling, Task

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["DescribeReport", "describe_tasks"]

SYSTEM = """\
You write bug reports as users of a library do: what they ran, what they saw, what they expected, in
plain words and at most one short example. You have met the failing behaviour, and have not seen the
source code. Never say how to mend it, never quote a line of the fix, never name a test or a test file.
Answer with the report alone: a title line, an empty line, then the text."""

MAX_TEST_CHARACTERS = 3000
MIN_TITLE_CHARACTERS = 8


class DescribeReport(Data):
    """What came of asking."""

    num_written: int = 0
    refused: dict[str, int] = Field(default_factory=dict)
    """Answers that were not taken, by the rule that they broke."""
    model_use: ModelUse = ModelUse()


async def describe_tasks(
    taskset: Taskset,
    model: Model,
    *,
    attempts: int = 3,
    on_progress: Callable[[str], None] | None = None,
) -> tuple[Taskset, DescribeReport]:
    """Return the taskset with new statements where they pass, and the count of what was refused.

    Raises as `Model.complete` does where the model cannot be reached.
    """
    asker = Asker(model, sampling=Sampling(temperature=0.7, max_tokens=1024))
    refused: Counter[str] = Counter()
    tasks: list[Task] = []
    for task in taskset.tasks:
        tasks.append(await _described(taskset, task, asker, attempts, refused))
        if on_progress:
            is_new = tasks[-1] is not task
            on_progress(f"{task.instance_id}: {'new' if is_new else 'as it was'}")
    num_written = sum(new is not old for new, old in zip(tasks, taskset.tasks, strict=True))
    report = DescribeReport(
        num_written=num_written, refused=dict(refused.most_common()), model_use=asker.use
    )
    return taskset.model_copy(update={"tasks": tuple(tasks)}), report


async def _described(
    taskset: Taskset, task: Task, asker: Asker, attempts: int, refused: Counter[str]
) -> Task:
    complaint = ""
    for attempt in range(attempts):
        question = _question(taskset, task, complaint)
        answer = await asker.ask(SYSTEM, question, about=task.instance_id, seed=attempt)
        if answer.failure:
            refused["no_answer"] += 1
            return task
        told = task.model_copy(update={"problem_statement": _tidied(answer.text)})
        rule, complaint = _fault(told, taskset)
        if not rule:
            return told
        refused[rule] += 1
    return task


def _question(taskset: Taskset, task: Task, complaint: str) -> str:
    tests = hidden_tests(task, taskset.environments)[:MAX_TEST_CHARACTERS]
    parts = [
        f"The project is {task.repo}. What is known so far:\n\n{task.problem_statement}",
        f"The change that mends it, for your eyes only:\n\n{task.patch}",
        f"What its tests check, for your eyes only:\n\n{tests}" if tests else "",
        f"Your last report could not be used: {complaint}" if complaint else "",
        "Write the report.",
    ]
    return "\n\n".join(part for part in parts if part)


def _fault(task: Task, taskset: Taskset) -> tuple[str, str]:
    """Return the rule that a statement breaks, and how; a report has a title and a text."""
    title, _, text = task.problem_statement.partition("\n\n")
    if "\n" in title.strip() or len(title.strip()) < MIN_TITLE_CHARACTERS or not text.strip():
        return "form", "it is not a title line, an empty line and a text"
    findings = judge_statement(task, taskset.environments)
    return (findings[0].rule, findings[0].detail) if findings else ("", "")


def _tidied(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().split("\n")]
    if lines and lines[0].lower().startswith("title:"):
        lines[0] = lines[0][len("title:") :].strip()
    lines[0] = lines[0].lstrip("# ").strip("*") if lines else ""
    return "\n".join(lines) + "\n"
