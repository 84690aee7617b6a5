"""Groups that keep coming while weights change: what a step of training takes of `flow`'s producer.

All of them are one run, `rollouts/stream`, which `journeyman view` and `guard audit` read.

    async with GroupStream(settings, home, taskset, names, model, state=state) as stream:
        rollouts, figures = await stream.take()
        await model.change(work, version="1")
        stream.publish(1)
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from journeyman.flow import GroupProducer, GroupRules, Plan, ProducerState
from journeyman.flow.events import Event
from journeyman.flow.plan import select_tasks
from journeyman.models import Model
from journeyman.runs import write_atomic
from journeyman.tasks import Taskset
from journeyman.train.rl.collect import POLICY, open_run, rollout_config
from journeyman.train.rl.settings import RlSettings
from journeyman.types import Rollout

__all__ = ["STREAM", "GroupStream", "keep_state", "read_state"]

STREAM = "stream"
"""Name of the run that holds the rollouts."""


class GroupStream:
    """Complete groups, oldest first, none older than `settings.max_staleness` steps."""

    def __init__(
        self,
        settings: RlSettings,
        home: Path,
        taskset: Taskset,
        instance_ids: Sequence[str],
        model: Model,
        *,
        state: ProducerState,
    ) -> None:
        self._settings = settings
        self._home, self._taskset, self._model = home, taskset, model
        self._instance_ids = tuple(instance_ids)
        self._state = state
        self._stack = contextlib.AsyncExitStack()
        self._producer: GroupProducer | None = None
        self._num_stale = 0

    async def __aenter__(self) -> GroupStream:
        settings = self._settings
        config = rollout_config(
            settings,
            self._taskset,
            self._instance_ids,
            n=settings.group_size,
            seed=settings.seed,
        )
        rules = GroupRules(
            size=settings.group_size,
            groups_per_step=settings.tasks_per_step,
            max_staleness=settings.max_staleness,
            # What a step is trained on is chosen where it is reaped, as of groups that do not stream.
            is_filtering=False,
            least_valid=1,
        )
        run = self._stack.enter_context(open_run(config, self._home, STREAM, self._taskset))
        tasks = select_tasks(self._taskset, self._instance_ids)
        plan = Plan(self._taskset, tasks, {POLICY: self._model}, [])
        producer = GroupProducer(config, rules, run, plan, state=self._state, on_event=self._hear)
        self._producer = await self._stack.enter_async_context(producer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def take(self) -> tuple[list[Rollout], dict[str, Any]]:
        """Return a step's rollouts, and how old they are. Raises as `GroupProducer.take` does."""
        producer = self._opened
        groups = await producer.take(self._settings.tasks_per_step)
        num_stale, self._num_stale = self._num_stale, 0
        figures = {
            "staleness": max(it.staleness(producer.version) for it in groups),
            "num_stale_groups": num_stale,
        }
        return [rollout for group in groups for rollout in group.rollouts], figures

    def publish(self, version: int) -> None:
        """Say that the sampler draws with the weights of this step from now on."""
        self._opened.publish(version)

    @property
    def state(self) -> ProducerState:
        """What a checkpoint must keep."""
        return self._opened.state

    @property
    def _opened(self) -> GroupProducer:
        assert self._producer is not None, "the stream is not open"
        return self._producer

    def _hear(self, event: Event) -> None:
        if event.kind == "group_finished" and event.reason == "stale":
            self._num_stale += 1


def keep_state(run: Path, step: int, state: ProducerState) -> None:
    """Write what a checkpoint of this step must know of the stream."""
    folder = run / STREAM
    folder.mkdir(exist_ok=True)
    write_atomic(folder / f"step_{step:06d}.json", state.model_dump_json() + "\n")


def read_state(run: Path, step: int) -> ProducerState:
    """Return what was kept; a stream that begins at this step where nothing was."""
    path = run / STREAM / f"step_{step:06d}.json"
    if not path.is_file():
        return ProducerState(version=step)
    return ProducerState.model_validate_json(path.read_bytes())
