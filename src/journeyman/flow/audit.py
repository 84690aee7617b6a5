"""The audit of a whole run: every rollout labelled with what it tried, and what that does to its
reward."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

from journeyman.config import read_toml
from journeyman.errors import JourneymanError
from journeyman.guard import Label, RolloutAudit, Subject, audit_rollout, void_reward
from journeyman.runs import join_trajectories, read_jsonl, read_trajectories, write_atomic
from journeyman.tasks import load_taskset
from journeyman.types import Rollout, Task

__all__ = ["audit_run", "read_labels", "write_audits"]


def read_labels(names: Sequence[str]) -> frozenset[str]:
    """Return the labels that were named. Raises `JourneymanError` for an unknown one."""
    known = [label.value for label in Label]
    if "all" in names:
        return frozenset(known)
    for name in names:
        if name not in known:
            raise JourneymanError(f"no label {name!r}", f"labels: all, {', '.join(known)}")
    return frozenset(names)


def audit_run(
    run: Path,
    taskset: Path | None,
    voiding: frozenset[str],
    *,
    only: Container[str] | None = None,
) -> list[RolloutAudit]:
    """Audit every rollout of a run, or those whose ids are in `only`.

    Raises `JourneymanError` where run or taskset is missing.
    """
    if not (run / "rollouts.jsonl").is_file():
        raise JourneymanError(f"no run at {run}", "see what is there: ls runs")
    folder = taskset or _taskset_of(run)
    tasks = {task.instance_id: task for task in load_taskset(folder).tasks}
    rollouts = [Rollout.model_validate(record) for record in read_jsonl(run / "rollouts.jsonl")]
    chosen = [it for it in rollouts if only is None or it.rollout_id in only]
    return [_audit(run, folder, it, tasks.get(it.instance_id), voiding) for it in chosen]


def _taskset_of(run: Path) -> Path:
    taskset = read_toml(run / "config.toml").get("taskset")
    if not isinstance(taskset, str):
        raise JourneymanError(f"{run / 'config.toml'} names no taskset", "give it with --taskset")
    return Path(taskset)


def _audit(
    run: Path, folder: Path, rollout: Rollout, task: Task | None, voiding: frozenset[str]
) -> RolloutAudit:
    if task is None:
        raise JourneymanError(
            f"{folder} has no task {rollout.instance_id}", "give the run's own with --taskset"
        )
    branches = read_trajectories(run / "artifacts" / rollout.rollout_id)
    audit = audit_rollout(
        rollout,
        join_trajectories(branches),
        Subject(task.repo, release=task.version),
        hidden_tests=_hidden_tests(folder, task),
    )
    return audit.model_copy(update={"reward": void_reward(audit.reward, audit.labels, voiding)})


def _hidden_tests(folder: Path, task: Task) -> list[str]:
    """Return the texts of the tests that the agent could not see."""
    repository = folder / "environments" / task.environment / "repository"
    files = [repository / path for path in task.hidden_paths]
    texts = [it.read_text(encoding="utf-8", errors="replace") for it in files if it.is_file()]
    return [*texts, task.test_patch]


def write_audits(run: Path, audits: Sequence[RolloutAudit]) -> None:
    """Write `audit.jsonl` in the run's folder, anew each time."""
    lines = "".join(f"{audit.model_dump_json()}\n" for audit in audits)
    write_atomic(run / "audit.jsonl", lines.encode())
