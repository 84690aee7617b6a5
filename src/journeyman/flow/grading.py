"""Grading patches that exist: a run whose rollouts are done already and owe only their evaluation.

The same driver, stages, retries, ledger and folder as a run of agents, so that a grading run is
resumed, retried and reported the same way.

    plan = plan_grading(config)
    rollouts = await grade_predictions(config, run, plan=plan)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.flow.config import GradeConfig
from journeyman.flow.driver import drive
from journeyman.flow.events import Event
from journeyman.flow.executor import Executor
from journeyman.flow.jobs import AgentWork, Seat
from journeyman.flow.plan import Plan, label_models, select_tasks
from journeyman.flow.predictions import Prediction, read_predictions
from journeyman.runs import RunFolder, slug
from journeyman.tasks import Taskset, load_taskset
from journeyman.types import Ending, Rollout

__all__ = ["grade_predictions", "plan_grading"]


async def grade_predictions(
    config: GradeConfig,
    run: RunFolder,
    *,
    on_event: Callable[[Event], None] | None = None,
    plan: Plan | None = None,
    executor: Executor | None = None,
) -> list[Rollout]:
    """Grade whatever of the file is not graded yet; a record with a verdict for each prediction.

    Raises as `run_rollouts` does.
    """
    plan = plan or plan_grading(config)
    return await drive(config.as_rollouts, run, plan, on_event=on_event, executor=executor)


def plan_grading(config: GradeConfig) -> Plan:
    """Read taskset and predictions, and name every grading; no run folder is needed for it.

    Raises `JourneymanError` naming the file and the line of whatever is wrong.
    """
    taskset = load_taskset(config.taskset)
    tasks = select_tasks(taskset, config.tasks)
    predictions = read_predictions(config.predictions)
    _refuse_unknown(config.predictions, predictions, taskset)
    predictions = _chosen(config, predictions, tasks)
    labels = label_models((it.model_name_or_path for it in predictions), slug)
    seats = {_seat(it, labels[it.model_name_or_path]): it for it in predictions}
    _refuse_twins(seats)
    return Plan(
        taskset=taskset,
        tasks={name: tasks[name] for name in dict.fromkeys(it.instance_id for it in predictions)},
        models={},
        seats=list(seats),
        given={seat.rollout_id: _work(it) for seat, it in seats.items()},
    )


def _refuse_unknown(path: Path, predictions: list[Prediction], taskset: Taskset) -> None:
    known = [task.instance_id for task in taskset.tasks]
    names = set(known)
    for it in predictions:
        if it.instance_id not in names:
            near = difflib.get_close_matches(it.instance_id, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"journeyman tasks show {taskset.folder}"
            raise JourneymanError(
                f"{path}:{it.line}: {taskset.folder} has no task {it.instance_id}", hint
            )


def _chosen(
    config: GradeConfig, predictions: list[Prediction], tasks: Container[str]
) -> list[Prediction]:
    found = [it for it in predictions if it.instance_id in tasks]
    if not found:
        raise JourneymanError(
            f"{config.predictions} holds no prediction for {', '.join(config.tasks)}",
            f"choose a task that it answers, e.g. --task {predictions[0].instance_id}",
        )
    return found


def _refuse_twins(seats: Mapping[Seat, Prediction]) -> None:
    """Refuse ids that differ only in what a file's name cannot hold: their records would be one."""
    first: dict[str, Prediction] = {}
    for seat, it in seats.items():
        other = first.setdefault(seat.rollout_id, it)
        if other is not it:
            raise JourneymanError(
                f"{other.instance_id} and {it.instance_id} would both be called {seat.rollout_id}",
                "rename one of these tasks",
            )


def _seat(prediction: Prediction, label: str) -> Seat:
    group_id = f"{slug(prediction.instance_id, 120)}.{label}.predictions"
    return Seat(
        rollout_id=f"{group_id}.0",
        group_id=group_id,
        instance_id=prediction.instance_id,
        model=prediction.model_name_or_path,
        label=label,
        seed=0,
    )


def _work(prediction: Prediction) -> AgentWork:
    return AgentWork(ending=Ending.SUBMITTED, patch=prediction.model_patch)
