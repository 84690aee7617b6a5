"""What happens in a run, as typed data: one line of `events.jsonl` each, and one call to who listens.

def on_event(event: Event) -> None:
    if isinstance(event, RolloutFinished):
        print(event.rollout_id, event.is_resolved)
"""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from journeyman.types import Data, Ending, Failure, GuardDecision

__all__ = [
    "EVENT",
    "CallRefused",
    "Draining",
    "Event",
    "RolloutFinished",
    "RunEnded",
    "RunStarted",
    "SandboxReaped",
    "StageFailed",
    "StageFinished",
    "StageStarted",
    "TaskQuarantined",
    "TurnTaken",
]


class _Happening(Data):
    at: float = Field(default_factory=time.time)
    """Unix time, seconds."""


class RunStarted(_Happening):
    """A driver took the run up."""

    kind: Literal["run_started"] = "run_started"
    run: str
    num_rollouts: int
    num_finished: int = 0
    """How many an earlier driver had finished."""
    num_resolved: int = 0
    """How many of these are resolved."""
    num_failed: int = 0
    """How many of these ended with a failure."""


class StageStarted(_Happening):
    """An attempt at a stage began."""

    kind: Literal["stage_started"] = "stage_started"
    rollout_id: str
    stage: str
    attempt: int


class TurnTaken(_Happening):
    """An agent's turn ended."""

    kind: Literal["turn_taken"] = "turn_taken"
    rollout_id: str
    turn: int
    num_completion_tokens: int = 0
    calls: tuple[str, ...] = ()


class CallRefused(_Happening):
    """A guard refused a tool call; the trajectory keeps every decision, refused or not."""

    kind: Literal["call_refused"] = "call_refused"
    rollout_id: str
    turn: int
    decision: GuardDecision


class StageFinished(_Happening):
    """A stage ended well."""

    kind: Literal["stage_finished"] = "stage_finished"
    rollout_id: str
    stage: str
    attempt: int
    duration_s: float


class StageFailed(_Happening):
    """An attempt at a stage failed."""

    kind: Literal["stage_failed"] = "stage_failed"
    rollout_id: str
    stage: str
    attempt: int
    failure: Failure
    retry_in_s: float | None = None
    """None where the stage is given up."""


class RolloutFinished(_Happening):
    """A rollout has its final record."""

    kind: Literal["rollout_finished"] = "rollout_finished"
    rollout_id: str
    model: str
    ending: Ending
    is_resolved: bool
    failure: Failure | None = None


class TaskQuarantined(_Happening):
    """A task proved broken; what is left of its rollouts is not tried."""

    kind: Literal["task_quarantined"] = "task_quarantined"
    instance_id: str
    failure: Failure


class SandboxReaped(_Happening):
    """A sandbox that a dead driver left behind was removed."""

    kind: Literal["sandbox_reaped"] = "sandbox_reaped"
    name: str


class Draining(_Happening):
    """Somebody asked to stop; what runs is finished, nothing new begins."""

    kind: Literal["draining"] = "draining"
    num_running: int


class RunEnded(_Happening):
    """The driver let go of the run."""

    kind: Literal["run_ended"] = "run_ended"
    state: Literal["finished", "interrupted", "failed"]
    num_finished: int


Event = (
    RunStarted
    | StageStarted
    | TurnTaken
    | CallRefused
    | StageFinished
    | StageFailed
    | RolloutFinished
    | TaskQuarantined
    | SandboxReaped
    | Draining
    | RunEnded
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
"""Reads a line of `events.jsonl` back."""
