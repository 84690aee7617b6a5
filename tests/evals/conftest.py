"""Rollouts and tasks for reports: made records of the same types as real ones, no mocks of code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from journeyman.evals.evaluation import Evaluation, evaluate
from journeyman.tasks import Taskset
from journeyman.types import (
    Ending,
    Origin,
    Reward,
    Rollout,
    Task,
    TestStatus,
    Verdict,
    VerifierSpec,
)


def make_task(name: str) -> Task:
    return Task(
        instance_id=name,
        repo="owner/name",
        base_commit="1" * 40,
        problem_statement=f"{name} fails",
        patch=f"--- a/{name}.py\n+++ b/{name}.py\n@@ -1 +1 @@\n-a\n+b\n",
        FAIL_TO_PASS=("t.py::t",),
        verifier=VerifierSpec(command="true"),
        origin=Origin(road="mutate"),
    )


def make_rollout(
    task: str, model: str, scaffold: str, *, is_resolved: bool, index: int = 0, num_turns: int = 3
) -> Rollout:
    status = TestStatus.PASSED if is_resolved else TestStatus.FAILED
    return Rollout(
        rollout_id=f"{task}.{model}.{scaffold}.{index}",
        instance_id=task,
        group_id=f"{task}.{model}.{scaffold}",
        scaffold=scaffold,
        model=model,
        ending=Ending.SUBMITTED,
        verdict=Verdict(is_resolved=is_resolved, tests={"t.py::t": status}),
        reward=Reward(value=float(is_resolved)),
        num_turns=num_turns,
        num_completion_tokens=100 * num_turns,
        cost_usd=0.01 * num_turns,
        rollout_duration_s=2.0 * num_turns,
    )


@pytest.fixture
def taskset(tmp_path: Path) -> Taskset:
    tasks = tuple(make_task(f"task-{number}") for number in range(20))
    return Taskset(name="name", folder=tmp_path / "taskset", tasks=tasks)


@pytest.fixture
def evaluation(taskset: Taskset) -> Evaluation:
    rollouts = [
        make_rollout(task.instance_id, model, "bash", is_resolved=number < num_solved)
        for model, num_solved in (("oracle", 20), ("noop", 0), ("good", 15), ("fair", 12))
        for number, task in enumerate(taskset.tasks)
    ]
    return evaluate(
        "eval--name--1",
        taskset,
        rollouts,
        expected=Counter((it.model, it.scaffold) for it in rollouts),
        settings={"tasks": "abc", "limits.num_turns": "50"},
        audits={},
    )
