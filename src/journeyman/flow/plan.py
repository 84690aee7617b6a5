"""What a run will do, settled before it begins: its taskset, open models and every rollout's id.

Everything that a person can get wrong is found here, before a run folder exists.

    async with planned(config) as plan:
        print(len(plan.seats))
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from journeyman.config import digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.flow.config import RolloutConfig
from journeyman.flow.jobs import AgentWork, Seat
from journeyman.flow.task_template import check_template
from journeyman.guard import Subject, make_guard
from journeyman.models import Model, open_model
from journeyman.runs import slug
from journeyman.scaffolds import get_scaffold, is_external
from journeyman.tasks import Taskset, load_taskset
from journeyman.types import Task

__all__ = ["Plan", "label_models", "make_seats", "planned", "select_tasks"]


@dataclass(frozen=True)
class Plan:
    """A run that can begin."""

    taskset: Taskset
    tasks: dict[str, Task]
    """The tasks of this run by instance id."""
    models: dict[str, Model]
    """The open models by spec."""
    seats: list[Seat]
    given: dict[str, AgentWork] = field(default_factory=dict)
    """Finished work by rollout id, which is only graded: the predictions of a file."""

    @property
    def digests(self) -> dict[str, str]:
        """Digests of what is worked on, which a resumed run must find unchanged."""
        tasks = [task.model_dump(mode="json") for task in self.tasks.values()]
        found = {"tasks": digest(tasks)}
        if self.given:
            found["predictions"] = digest({key: it.patch for key, it in self.given.items()})
        return found


@contextlib.asynccontextmanager
async def planned(
    config: RolloutConfig,
    *,
    on_progress: Callable[[str], None] | None = None,
    given: Mapping[str, Model] | None = None,
) -> AsyncIterator[Plan]:
    """Load, check and open what `config` names; the models are closed at the end.

    Specs in `given` stand for models that are open already, such as one in training; who gave them
    closes them.

    Raises `JourneymanError` for whatever does not exist.
    """
    taskset = load_taskset(config.taskset)
    tasks = select_tasks(taskset, config.tasks)
    if is_external(config.scaffold):
        check_template(config.template, tasks.values())
    await _prepare_scaffold(config, on_progress)
    make_guard(config.guard, Subject(""))
    async with contextlib.AsyncExitStack() as stack:
        models: dict[str, Model] = dict(given or {})
        for spec in dict.fromkeys(config.models):
            if spec in models:
                continue
            model = await open_model(spec, seed=config.seed, on_progress=on_progress)
            stack.push_async_callback(model.close)
            models[spec] = model
            if model.reads_text:
                check_template(config.template, tasks.values())
        yield Plan(taskset, tasks, models, make_seats(config, list(tasks)))


async def _prepare_scaffold(
    config: RolloutConfig, on_progress: Callable[[str], None] | None
) -> None:
    """Install what the scaffold needs before any rollout waits for it."""
    scaffold = get_scaffold(config.scaffold)
    try:
        await scaffold.mounts(backend=config.sandbox, on_progress=on_progress)
    except AttributedError as error:
        raise JourneymanError(
            f"{config.scaffold} cannot be installed: {error.detail}",
            "mend what it says, or name another version: --scaffold NAME@VERSION",
        ) from None


def select_tasks(taskset: Taskset, wanted: tuple[str, ...]) -> dict[str, Task]:
    """Return the wanted tasks by id, all where none is named; an unknown or no task is an error."""
    tasks = {task.instance_id: task for task in taskset.tasks}
    if unknown := [name for name in wanted if name not in tasks]:
        raise JourneymanError(
            f"{taskset.folder} has no task {unknown[0]}", f"journeyman tasks show {taskset.folder}"
        )
    if not tasks:
        raise JourneymanError(
            f"{taskset.folder} has no tasks", "journeyman tasks mutate makes some"
        )
    return {name: tasks[name] for name in wanted} if wanted else tasks


def make_seats(config: RolloutConfig, instance_ids: list[str]) -> list[Seat]:
    """Name every rollout of a run; the same config gives the same ids in the same order.

    The order goes through all tasks before it repeats one, so that any beginning is a fair sample.
    """
    labels = label_models(config.models)
    seats = [
        _seat(config, instance_id, spec, label, index)
        for index in range(config.n)
        for instance_id in instance_ids
        for spec, label in labels.items()
    ]
    counts = Counter(seat.rollout_id for seat in seats)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise JourneymanError(
            f"two rollouts would be called {twice[0]}", "rename one of their tasks"
        )
    return seats


def label_models(
    specs: Iterable[str], shorten: Callable[[str], str] | None = None
) -> dict[str, str]:
    """Give each spec a short name that can be part of a file's; equal names get a number."""
    labels: dict[str, str] = {}
    for spec in dict.fromkeys(specs):
        wish = (shorten or _short_name)(spec)
        taken = set(labels.values())
        names = itertools.chain([wish], (f"{wish}-{number}" for number in itertools.count(2)))
        labels[spec] = next(name for name in names if name not in taken)
    return labels


def _short_name(spec: str) -> str:
    if "://" in spec:
        address, _, name = spec.partition("#")
        return slug(name or re.sub(r"^\w+://", "", address), 40)
    kind, colon, rest = spec.partition(":")
    return slug(PurePath(rest).stem if colon else kind, 40)


def _seat(config: RolloutConfig, instance_id: str, spec: str, label: str, index: int) -> Seat:
    group_id = f"{slug(instance_id, 120)}.{label}.{slug(config.scaffold, 40)}"
    rollout_id = f"{group_id}.{index}"
    return Seat(
        rollout_id=rollout_id,
        group_id=group_id,
        instance_id=instance_id,
        model=spec,
        label=label,
        seed=int(digest([config.seed, rollout_id])[:8], 16) >> 1,
    )
