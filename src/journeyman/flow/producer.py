"""Groups for training, made while weights change: rollouts stream, a trainer takes what is complete.

The model's weights may change at any time. Whoever changes them says so with `publish`: from then on
every turn is stamped with the new version, rollouts too old are ended or kept as the rules say, and
no group older than the rules allow is ever handed out.

    async with GroupProducer(config, rules, run, plan) as producer:
        for step in range(1, 101):
            groups = await producer.take(rules.groups_per_step)
            train(groups)                    # and load the new weights into the model's server
            producer.publish(step)
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.flow.config import RolloutConfig
from journeyman.flow.driver import Driver
from journeyman.flow.events import Event, GroupFinished, PolicyChanged
from journeyman.flow.executor import Executor
from journeyman.flow.executors import opened_executor
from journeyman.flow.groups import (
    Group,
    GroupRules,
    ProducerState,
    judge_group,
    shuffled_tasks,
    versions_of,
)
from journeyman.flow.interruption import RunInterrupted
from journeyman.flow.jobs import Seat
from journeyman.flow.plan import Plan, label_models
from journeyman.runs import RunFolder, slug
from journeyman.types import Rollout, Task, Trajectory

__all__ = ["GroupProducer"]


@dataclass
class _Draft:
    """A group in the making."""

    number: int
    group_id: str
    task: Task
    seats: list[Seat] = field(default_factory=list)
    finished: dict[str, Rollout] = field(default_factory=dict)
    began_at: dict[str, int] = field(default_factory=dict)
    """Version of the weights at the first turn of each rollout under way."""

    @property
    def valid(self) -> list[Rollout]:
        return [it for it in self.finished.values() if it.reward is not None and it.reward.is_valid]


class GroupProducer:
    """Keeps groups coming. It needs a run folder of its own, which it fills as `rollout` does.

    The policy is the first of `config.models`; `config.n` is not used. With `state` it goes on where a
    trainer's checkpoint left it: what was finished since is handed out again if it is not too old.
    """

    def __init__(
        self,
        config: RolloutConfig,
        rules: GroupRules,
        run: RunFolder,
        plan: Plan,
        *,
        executor: Executor | None = None,
        state: ProducerState | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.rules = rules
        state = state or ProducerState()
        self.version = state.version
        """Of the weights that answer now."""
        self._config = config
        self._run = run
        self._plan = plan
        self._on_event = on_event
        self._given = executor
        self._executor: Executor | None = None
        self._label = label_models(config.models)[config.models[0]]
        self._tasks = shuffled_tasks(list(plan.tasks.values()), config.seed)
        self._owed = [it for it in range(state.num_groups) if it not in set(state.taken)]
        self._numbers = itertools.count(state.num_groups)
        self._num_groups = state.num_groups
        self._sampled: list[Task] = []
        self._taken: set[int] = set(state.taken)
        self._drafts: dict[str, _Draft] = {}
        self._ready: list[Group] = []
        self._changed = asyncio.Event()
        self._is_closed = False
        self._driver: Driver | None = None
        self._stack = contextlib.AsyncExitStack()
        self._driving: asyncio.Task[list[Rollout]] | None = None

    # --- for the trainer -------------------------------------------------------------------

    async def __aenter__(self) -> GroupProducer:
        empty = Plan(self._plan.taskset, self._plan.tasks, self._plan.models, [])
        self._driver = Driver(self._config, self._run, empty, self._hear, is_open=True)
        self._driver.board.on_finished = self._collect
        executor = self._given
        if executor is None:
            owner, emit = self._driver.owner, self._driver.emit
            opening = opened_executor(self._config, self._plan, owner, emit)
            executor = await self._stack.enter_async_context(opening)
        self._executor = executor
        executor.set_policy(str(self.version))
        self._driving = asyncio.create_task(self._driver.run(executor))
        self._driver.started.add_done_callback(lambda _: self._fill())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._driver is not None
        assert self._driving is not None
        self._is_closed = True
        self._driver.halt()
        try:
            with contextlib.suppress(RunInterrupted):
                await self._driving
        except Exception:
            if error is None:
                raise
        await self._stack.aclose()

    async def take(self, num_groups: int) -> list[Group]:
        """Wait for so many groups and return them, oldest first, none older than the rules allow.

        Raises what ended the run, and `RunInterrupted` where somebody stopped it.
        """
        while True:
            self._drop_stale()
            if len(self._ready) >= num_groups:
                break
            await self._wait()
        taken, self._ready = self._ready[:num_groups], self._ready[num_groups:]
        for group in taken:
            self._close(group.number, [it.rollout_id for it in group.rollouts])
        self._fill()
        return taken

    def publish(self, version: int) -> None:
        """Say that the model answers with new weights from now on."""
        assert self._driver is not None
        assert self._executor is not None
        if version < self.version:
            raise ValueError(f"version {version} is older than {self.version}")
        self.version = version
        self._executor.set_policy(str(version))
        self._driver.emit(PolicyChanged(version=version))
        if self.rules.on_stale == "discard":
            self._end_stale()
        self._drop_stale()
        self._fill()

    @property
    def state(self) -> ProducerState:
        """What a checkpoint must keep."""
        return ProducerState(
            version=self.version,
            num_groups=self._num_groups,
            taken=tuple(sorted(self._taken)),
        )

    # --- making groups ---------------------------------------------------------------------

    def _fill(self) -> None:
        """Begin as many groups as may be in the making."""
        assert self._driver is not None
        while not self._is_closed and len(self._drafts) + len(self._ready) < self.rules.most_groups:
            number = self._owed.pop(0) if self._owed else next(self._numbers)
            self._num_groups = max(self._num_groups, number + 1)
            draft = self._draft(number, self._task(number))
            self._drafts[draft.group_id] = draft
            seats = [self._seat(draft) for _ in range(self.rules.size)]
            self._driver.enrol(seats)

    def _task(self, number: int) -> Task:
        """Return the task of a group: the same for the same number, whenever it is asked for."""
        while len(self._sampled) <= number:
            self._sampled.append(next(self._tasks))
        return self._sampled[number]

    def _draft(self, number: int, task: Task) -> _Draft:
        name = f"{slug(task.instance_id, 120)}.{self._label}.{slug(self._config.scaffold, 40)}"
        return _Draft(number, f"g{number:06d}.{name}", task)

    def _seat(self, draft: _Draft) -> Seat:
        rollout_id = f"{draft.group_id}.{len(draft.seats)}"
        seat = Seat(
            rollout_id=rollout_id,
            group_id=draft.group_id,
            instance_id=draft.task.instance_id,
            model=self._config.models[0],
            label=self._label,
            seed=int(digest([self._config.seed, rollout_id])[:8], 16) >> 1,
        )
        draft.seats.append(seat)
        return seat

    def _hear(self, event: Event) -> None:
        if event.kind == "turn_taken" and event.turn == 1:
            draft = self._drafts.get(event.rollout_id.rpartition(".")[0])
            if draft is not None:
                draft.began_at[event.rollout_id] = int(event.policy_version or self.version)
        if self._on_event is not None:
            self._on_event(event)

    def _collect(self, rollout: Rollout) -> None:
        """Take a finished rollout into its group, and close the group if nothing is missing."""
        draft = self._drafts.get(rollout.group_id)
        if draft is None:
            return
        assert self._driver is not None
        draft.finished[rollout.rollout_id] = rollout
        missing = len(draft.seats) - len(draft.finished)
        wanted = self.rules.size - len(draft.valid) - missing
        left = self.rules.size + self.rules.num_replacements - len(draft.seats)
        is_given_up = self._driver.board.quarantine.verdict(draft.task.instance_id) is not None
        if 0 < wanted <= left and not is_given_up:
            self._driver.enrol([self._seat(draft) for _ in range(wanted)])
        elif not missing:
            self._finish(draft)

    def _finish(self, draft: _Draft) -> None:
        del self._drafts[draft.group_id]
        valid = draft.valid
        reason, rate = judge_group(self.rules, valid)
        if reason:
            self._drop(draft.number, draft.group_id, reason, rate, list(draft.finished))
        else:
            self._ready.append(self._complete(draft, valid, rate or 0.0))
            self._tell(draft.group_id, "", rate, len(valid))
        self._changed.set()
        asyncio.get_running_loop().call_soon(self._fill)

    def _complete(self, draft: _Draft, rollouts: list[Rollout], rate: float) -> Group:
        trajectories = [self._trajectory(it.rollout_id) for it in rollouts]
        return Group(
            group_id=draft.group_id,
            number=draft.number,
            task=draft.task,
            rollouts=tuple(rollouts),
            trajectories=tuple(trajectories),
            versions=tuple(versions_of(it, self.version) for it in trajectories),
            pass_rate=rate,
        )

    def _trajectory(self, rollout_id: str) -> Trajectory:
        path = self._run.artifacts(rollout_id) / "trajectory.json"
        return Trajectory.model_validate_json(path.read_bytes())

    # --- ending groups ---------------------------------------------------------------------

    def _end_stale(self) -> None:
        """End the groups with a rollout under way that would be too old when it is trained on."""
        assert self._driver is not None
        oldest = self.version - self.rules.max_staleness
        for draft in list(self._drafts.values()):
            if min(draft.began_at.values(), default=oldest) < oldest:
                del self._drafts[draft.group_id]
                names = [it.rollout_id for it in draft.seats if it.rollout_id not in draft.finished]
                self._drop(draft.number, draft.group_id, "stale", None, list(draft.finished))
                self._driver.abandon(names, f"its weights are older than version {oldest}")

    def _drop_stale(self) -> None:
        is_keeping = self.rules.on_stale == "keep"
        fresh = []
        for group in self._ready:
            if group.staleness(self.version, is_keeping=is_keeping) <= self.rules.max_staleness:
                fresh.append(group)
            else:
                names = [it.rollout_id for it in group.rollouts]
                self._drop(group.number, group.group_id, "stale", group.pass_rate, names)
        self._ready = fresh

    def _drop(
        self, number: int, group_id: str, reason: str, rate: float | None, names: list[str]
    ) -> None:
        self._close(number, names)
        self._tell(group_id, reason, rate, len(names))

    def _close(self, number: int, rollout_ids: list[str]) -> None:
        assert self._driver is not None
        self._taken.add(number)
        self._driver.board.records.forget(rollout_ids)

    def _tell(self, group_id: str, reason: str, rate: float | None, num_rollouts: int) -> None:
        assert self._driver is not None
        self._driver.emit(
            GroupFinished(
                group_id=group_id,
                is_kept=not reason,
                reason=reason,
                pass_rate=rate,
                num_rollouts=num_rollouts,
            )
        )

    async def _wait(self) -> None:
        """Wait until a group is complete; raise if the run ended instead."""
        assert self._driving is not None
        self._changed.clear()
        waiting = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({waiting, self._driving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._driving.done():
            self._driving.result()
            raise JourneymanError("the run of rollouts has ended", "start it again with --resume")
