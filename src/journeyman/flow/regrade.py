"""Grading a run's rollouts again, from their stored patches: no agent runs, no model is asked.

For verifiers that were mended, tasks that proved flaky, and gradings that an outage spoilt.

    plan = plan_regrading(Path("runs/rollout--toolz--1a2b3c4d"), config)
    rollouts = await drive(config.as_rollouts, run, plan)
    changes = compare_verdicts(plan, before, rollouts)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from journeyman.errors import ENDINGS, FAILURES, JourneymanError
from journeyman.flow.config import GradeConfig
from journeyman.flow.jobs import AgentWork, Seat
from journeyman.flow.plan import Plan, select_tasks
from journeyman.flow.summary import is_resolved
from journeyman.runs import read_jsonl
from journeyman.tasks import load_taskset
from journeyman.types import Data, Rollout

__all__ = ["VerdictChange", "compare_verdicts", "plan_regrading", "read_rollouts", "taskset_of"]


class VerdictChange(Data):
    """A rollout that is judged otherwise than before; None where it has no verdict that counts."""

    rollout_id: str
    before: bool | None
    after: bool | None


def taskset_of(run: Path) -> Path:
    """Return the folder of the taskset that a run was made on. `JourneymanError` if it is no run."""
    try:
        config = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
        return Path(str(config["taskset"]))
    except (OSError, ValueError, KeyError):
        raise JourneymanError(
            f"{run} is no run of rollouts", "give the folder of one, such as runs/latest"
        ) from None


def read_rollouts(run: Path) -> dict[str, Rollout]:
    """Return the final records of a run by rollout id."""
    lines = read_jsonl(run / "rollouts.jsonl")
    rollouts = [Rollout.model_validate(line) for line in lines]
    if not rollouts:
        raise JourneymanError(f"{run} has no finished rollouts", "go on with it first: --resume")
    return {rollout.rollout_id: rollout for rollout in rollouts}


def plan_regrading(run: Path, config: GradeConfig) -> Plan:
    """Name every grading of a run's patches anew; what never had a patch to grade is left out."""
    taskset = load_taskset(config.taskset)
    tasks = select_tasks(taskset, config.tasks)
    rollouts = [it for it in read_rollouts(run).values() if it.instance_id in tasks]
    given = {it.rollout_id: _work(it) for it in rollouts if _has_patch(it)}
    if not given:
        raise JourneymanError(f"{run} holds no patch to grade", "see journeyman view")
    seats = [_seat(it) for it in rollouts if it.rollout_id in given]
    used = dict.fromkeys(seat.instance_id for seat in seats)
    chosen = {name: tasks[name] for name in used}
    return Plan(taskset=taskset, tasks=chosen, models={}, seats=seats, given=given)


def compare_verdicts(
    before: Mapping[str, Rollout], after: Iterable[Rollout]
) -> list[VerdictChange]:
    """Return the rollouts whose outcome is another one now."""
    pairs = [(before[it.rollout_id], it) for it in after if it.rollout_id in before]
    changes = [
        VerdictChange(rollout_id=new.rollout_id, before=_outcome(old), after=_outcome(new))
        for old, new in pairs
    ]
    return [change for change in changes if change.before != change.after]


def _outcome(rollout: Rollout) -> bool | None:
    is_counted = rollout.reward is not None and rollout.reward.is_valid
    return is_resolved(rollout) if is_counted else None


def _has_patch(rollout: Rollout) -> bool:
    return ENDINGS[rollout.ending].is_graded or bool(rollout.patch)


def _seat(rollout: Rollout) -> Seat:
    return Seat(
        rollout_id=rollout.rollout_id,
        group_id=rollout.group_id,
        instance_id=rollout.instance_id,
        model=rollout.model,
        label=rollout.model,
        seed=0,
    )


def _work(rollout: Rollout) -> AgentWork:
    failure = rollout.failure
    is_agents = failure is not None and FAILURES[failure.cause].is_graded
    return AgentWork(
        ending=rollout.ending,
        patch=rollout.patch,
        failure=failure if is_agents else None,
        num_turns=rollout.num_turns,
        num_prompt_tokens=rollout.num_prompt_tokens,
        num_completion_tokens=rollout.num_completion_tokens,
        num_format_errors=rollout.num_format_errors,
        cost_usd=rollout.cost_usd,
        started_at=rollout.started_at,
        duration_s=rollout.rollout_duration_s,
    )
