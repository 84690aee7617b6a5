"""What training draws from: groups of rollouts of one task, and the rules by which they count.

Data and pure functions; `producer.py` makes the groups.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from journeyman.config import Config, digest
from journeyman.flow.summary import is_resolved
from journeyman.types import Data, Rollout, Task, Trajectory

__all__ = ["Group", "GroupRules", "ProducerState", "judge_group", "shuffled_tasks", "versions_of"]


class GroupRules(Config):
    """How groups are made and which of them are trained on."""

    size: int = Field(default=8, ge=1)
    """Rollouts of one task that share a baseline."""
    least_valid: int = Field(default=0, ge=0)
    """A group that cannot be filled counts with so many valid rollouts; 0 asks for all."""
    num_replacements: int = Field(default=4, ge=0)
    """Rollouts that may be added to a group for those that failed for causes not the model's."""
    groups_per_step: int = Field(default=8, ge=1)
    """Groups of one training step; with `max_staleness` it bounds how many are in the making."""
    max_staleness: int = Field(default=1, ge=0)
    """Most versions between the weights that wrote a rollout and those that it trains."""
    on_stale: Literal["discard", "keep"] = "discard"
    """What becomes of rollouts under way that began with weights too old: ended at once, or kept, so
    that they go on with new weights and count by their newest turn."""
    is_filtering: bool = True
    """Whether groups at the two ends below, which have no gradient, are made anew from other tasks."""
    lowest_pass_rate: float = Field(default=0.0, ge=0, le=1)
    """Groups with this pass rate or less are too hard."""
    highest_pass_rate: float = Field(default=1.0, ge=0, le=1)
    """Groups with this pass rate or more are too easy."""

    @property
    def most_groups(self) -> int:
        """Groups that may be in the making or wait to be taken, so that none waits to grow stale."""
        return self.groups_per_step * (self.max_staleness + 1)


class Group(Data):
    """A complete group: valid rollouts of one task with their trajectories, in the same order."""

    group_id: str
    number: int
    """Counts the groups of a run, from 0."""
    task: Task
    rollouts: tuple[Rollout, ...]
    trajectories: tuple[Trajectory, ...]
    versions: tuple[tuple[int, int], ...]
    """The oldest and newest version of the weights in each rollout."""
    pass_rate: float

    def staleness(self, version: int, *, is_keeping: bool = False) -> int:
        """Return how many versions the group is behind `version`, by its oldest rollout."""
        ages = [newest if is_keeping else oldest for oldest, newest in self.versions]
        return max(0, version - min(ages)) if ages else 0


class ProducerState(Data):
    """What a trainer's checkpoint keeps of its producer, to go on from there and train nothing twice."""

    version: int = 0
    num_groups: int = 0
    """How many had been begun."""
    taken: tuple[int, ...] = ()
    """Numbers of those that were taken or dropped, of all below `num_groups`."""


def versions_of(trajectory: Trajectory, default: int) -> tuple[int, int]:
    """Return the oldest and newest version that wrote a trajectory; `default` where it has no turn."""
    found = [int(turn.completion.model_version or default) for turn in trajectory.turns]
    return (min(found), max(found)) if found else (default, default)


def judge_group(rules: GroupRules, rollouts: Sequence[Rollout]) -> tuple[str, float | None]:
    """Return why valid `rollouts` are not trained on (empty if they are), and their pass rate."""
    least = rules.least_valid or rules.size
    if len(rollouts) < least:
        return "too_few", None
    rate = sum(map(is_resolved, rollouts)) / len(rollouts)
    if rules.is_filtering and rate <= rules.lowest_pass_rate:
        return "too_hard", rate
    if rules.is_filtering and rate >= rules.highest_pass_rate:
        return "too_easy", rate
    return "", rate


def shuffled_tasks(tasks: Sequence[Task], seed: int) -> Iterator[Task]:
    """Yield tasks for ever, each epoch in an order of its own; the same seed, the same order."""
    epoch = 0
    while True:
        order = list(tasks)
        random.Random(digest([seed, epoch])).shuffle(order)  # noqa: S311 - no secret
        yield from order
        epoch += 1
