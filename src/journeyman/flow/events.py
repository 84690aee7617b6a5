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
    "CircuitClosed",
    "CircuitOpened",
    "Draining",
    "Event",
    "GroupFinished",
    "NodeJoined",
    "NodeLost",
    "Phase",
    "PhaseChanged",
    "PolicyChanged",
    "ResourceLevel",
    "ResourcesMeasured",
    "RolloutAbandoned",
    "RolloutFinished",
    "RolloutsQueued",
    "RunEnded",
    "RunStarted",
    "SandboxReaped",
    "StageFailed",
    "StageFinished",
    "StageStarted",
    "StragglerFound",
    "TaskQuarantined",
    "ToolCalled",
    "TurnTaken",
    "VerdictGiven",
]

Phase = Literal["preparing", "waiting", "opening", "working", "capturing", "grading"]
"""What an attempt is doing: making its workspace, waiting for a sandbox, starting it, talking with the
model and carrying out its calls, taking the patch, running the verifier."""


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


class RolloutsQueued(_Happening):
    """Rollouts of one group wait for their turn."""

    kind: Literal["rollouts_queued"] = "rollouts_queued"
    group_id: str
    instance_id: str
    rollout_ids: tuple[str, ...]


class StageStarted(_Happening):
    """An attempt at a stage began: somebody holds its lease."""

    kind: Literal["stage_started"] = "stage_started"
    rollout_id: str
    stage: str
    attempt: int


class PhaseChanged(_Happening):
    """An attempt went on to something else."""

    kind: Literal["phase_changed"] = "phase_changed"
    rollout_id: str
    stage: str
    phase: Phase


class TurnTaken(_Happening):
    """An agent's turn ended."""

    kind: Literal["turn_taken"] = "turn_taken"
    rollout_id: str
    turn: int
    num_completion_tokens: int = 0
    calls: tuple[str, ...] = ()
    num_format_errors: int = 0
    model_duration_s: float = 0.0
    tools_duration_s: float = 0.0
    policy_version: str = ""
    """Which weights answered, where the model says so."""


class ToolCalled(_Happening):
    """A tool call was answered, be it by the tool or by the guard."""

    kind: Literal["tool_called"] = "tool_called"
    rollout_id: str
    turn: int
    tool: str
    is_allowed: bool = True
    num_characters: int = 0
    """Length of the answer."""


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


class VerdictGiven(_Happening):
    """A patch was graded."""

    kind: Literal["verdict_given"] = "verdict_given"
    rollout_id: str
    attempt: int
    is_resolved: bool
    num_passed: int = 0
    """Of the task's tests."""
    num_tests: int = 0


class RolloutFinished(_Happening):
    """A rollout has its final record."""

    kind: Literal["rollout_finished"] = "rollout_finished"
    rollout_id: str
    model: str
    ending: Ending
    is_resolved: bool
    failure: Failure | None = None


class RolloutAbandoned(_Happening):
    """A rollout was ended from outside, because nobody wants its result any more."""

    kind: Literal["rollout_abandoned"] = "rollout_abandoned"
    rollout_id: str
    reason: str


class StragglerFound(_Happening):
    """An attempt takes much longer than its like; its deadline still bounds it."""

    kind: Literal["straggler_found"] = "straggler_found"
    rollout_id: str
    stage: str
    attempt: int
    duration_s: float
    """So far."""
    median_s: float
    """Of the attempts at this stage that ended well."""


class CircuitOpened(_Happening):
    """An environment, a model or a node fails so often that nothing new is tried on it for a while."""

    kind: Literal["circuit_opened"] = "circuit_opened"
    subject: str
    """E.g. `model:NAME`, `environment:DIGEST`."""
    cause: str
    num_failures: int
    retry_in_s: float


class CircuitClosed(_Happening):
    """It works again."""

    kind: Literal["circuit_closed"] = "circuit_closed"
    subject: str


class ResourceLevel(Data):
    """How much of one thing is in use."""

    name: str
    """E.g. `sandboxes`, `builds`, `evaluations`, `model_requests`, `gateway_sessions`."""
    num_used: int
    num_waiting: int = 0
    ceiling: int | None = None
    """None where the measured load decides."""
    node: str = ""


class ResourcesMeasured(_Happening):
    """What is in use, taken every few seconds."""

    kind: Literal["resources_measured"] = "resources_measured"
    num_queued: int
    """Stages that wait for their turn."""
    num_rollouts: int
    """Agents' stages under way."""
    num_evaluations: int
    """Gradings under way."""
    levels: tuple[ResourceLevel, ...] = ()
    cpu_share: float = 0.0
    """Of the driver's machine since the last measurement, 0 to 1."""
    cpu_pressure: float = 0.0
    """Percent of the last ten seconds in which something waited for a processor."""
    free_bytes: int = 0
    total_bytes: int = 0


class NodeJoined(_Happening):
    """A node of the cluster takes jobs."""

    kind: Literal["node_joined"] = "node_joined"
    node: str
    num_cpus: float


class NodeLost(_Happening):
    """A node, or our worker on it, is gone; what it did is done again elsewhere."""

    kind: Literal["node_lost"] = "node_lost"
    node: str
    num_jobs: int


class PolicyChanged(_Happening):
    """The model has new weights."""

    kind: Literal["policy_changed"] = "policy_changed"
    version: int


class GroupFinished(_Happening):
    """A group has what it needs, or will not get it."""

    kind: Literal["group_finished"] = "group_finished"
    group_id: str
    is_kept: bool
    reason: str = ""
    """Why it is not kept: `too_easy`, `too_hard`, `stale`, `too_few`."""
    pass_rate: float | None = None
    num_rollouts: int = 0


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
    | RolloutsQueued
    | StageStarted
    | PhaseChanged
    | TurnTaken
    | ToolCalled
    | CallRefused
    | VerdictGiven
    | StageFinished
    | StageFailed
    | RolloutFinished
    | RolloutAbandoned
    | StragglerFound
    | CircuitOpened
    | CircuitClosed
    | TaskQuarantined
    | SandboxReaped
    | ResourcesMeasured
    | NodeJoined
    | NodeLost
    | PolicyChanged
    | GroupFinished
    | Draining
    | RunEnded
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
"""Reads a line of `events.jsonl` back."""
