"""The data that crosses between the driver and whoever does the work: jobs and their results."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from journeyman.errors import ENDINGS, FAILURES
from journeyman.flow.config import RolloutConfig
from journeyman.types import Data, Ending, Failure, Task, Trajectory, Verdict

__all__ = ["AgentWork", "Job", "JobResult", "Seat", "Stage"]


class Stage(StrEnum):
    """The three stages of a rollout, in order."""

    ROLLOUT = "rollout"
    EVALUATION = "evaluation"
    POST = "post"


class Seat(Data):
    """One rollout that a run owes, known before anything runs."""

    rollout_id: str
    group_id: str
    instance_id: str
    model: str
    """The model's spec."""
    label: str
    """The model's short name, as in ids and reports."""
    seed: int


class AgentWork(Data):
    """What the rollout stage leaves: how the agent ended, its patch, and what it used."""

    ending: Ending
    patch: str = ""
    failure: Failure | None = None
    num_turns: int = 0
    num_prompt_tokens: int = 0
    num_completion_tokens: int = 0
    num_format_errors: int = 0
    cost_usd: float = 0.0
    started_at: float = 0.0
    duration_s: float = 0.0

    @property
    def is_graded(self) -> bool:
        """Whether the tables want this patch graded."""
        if self.failure is not None:
            return FAILURES[self.failure.cause].is_graded
        return ENDINGS[self.ending].is_graded


class Job(Data):
    """One stage of one rollout, with everything that doing it needs."""

    run: str
    """Owner of the sandboxes that the job opens."""
    seat: Seat
    stage: Stage
    token: int
    task: Task
    environments: Path
    config: RolloutConfig
    patch: str = ""
    """The patch to grade; only for an evaluation."""

    @property
    def sandbox_name(self) -> str:
        """The same for the same attempt, so that whoever comes later knows whose it is."""
        return f"{self.run}.{self.seat.rollout_id}.{self.stage}.{self.token}"


class JobResult(Data):
    """What came of a job: the work, the verdict or a failure, and files for the artifacts."""

    job: Job
    work: AgentWork | None = None
    verdict: Verdict | None = None
    failure: Failure | None = None
    files: dict[str, bytes] = Field(default_factory=dict)
    duration_s: float = 0.0
    is_user_error: bool = False
    """The failure is one that a person must mend; `hint` says how."""
    hint: str = ""


def usage(trajectories: Iterable[Trajectory]) -> dict[str, float]:
    """Sum up what the branches of a conversation used, by the fields of `AgentWork`."""
    turns = [turn for trajectory in trajectories for turn in trajectory.turns]
    completions = [turn.completion for turn in turns]
    return {
        "num_turns": len(turns),
        "num_prompt_tokens": sum(item.num_prompt_tokens for item in completions),
        "num_completion_tokens": sum(item.num_completion_tokens for item in completions),
        "num_format_errors": sum(len(turn.format_errors) for turn in turns),
        "cost_usd": sum(item.cost_usd for item in completions),
    }
