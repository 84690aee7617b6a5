"""The guard's audit of every rollout of a run, for scores to stand beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from journeyman.guard import RolloutAudit, Subject, audit_rollout
from journeyman.runs import join_trajectories, read_trajectories
from journeyman.tasks import Taskset
from journeyman.types import Rollout, Task

__all__ = ["audit_rollouts"]


def audit_rollouts(
    run: Path, rollouts: Sequence[Rollout], taskset: Taskset
) -> dict[str, RolloutAudit]:
    """Audit what the rollouts of `run` did, by rollout id; one whose task is gone is left out.

    Reference models are left out too: the oracle's patch is the answer by design.
    """
    tasks = {task.instance_id: task for task in taskset.tasks}
    return {
        rollout.rollout_id: _audit(run, rollout, tasks, taskset)
        for rollout in rollouts
        if rollout.instance_id in tasks and rollout.model not in ("oracle", "noop")
    }


def _audit(
    run: Path, rollout: Rollout, tasks: Mapping[str, Task], taskset: Taskset
) -> RolloutAudit:
    task = tasks[rollout.instance_id]
    branches = read_trajectories(run / "artifacts" / rollout.rollout_id)
    repository = taskset.environments / task.environment / "repository"
    files = [repository / hidden for hidden in task.hidden_paths]
    texts = [it.read_text(encoding="utf-8", errors="replace") for it in files if it.is_file()]
    return audit_rollout(
        rollout,
        join_trajectories(branches),
        Subject(task.repo, release=task.version),
        hidden_tests=[*texts, task.test_patch],
    )
