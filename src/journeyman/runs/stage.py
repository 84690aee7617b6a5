"""What the ledger says of a stage of a rollout: that it is owed, leased, tried, ended; data alone.

Owed("a.oracle.bash.0", "a.oracle.bash", "rollout", ready_at=0.0)
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Attempt", "Lease", "Outcome", "Owed"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to end one stage of one rollout, as long as `token` is the newest."""

    rollout_id: str
    stage: str
    token: int
    """Counts the attempts at this stage, from 1."""
    owner: str


@dataclass(frozen=True, slots=True)
class Owed:
    """One stage that somebody should work on, not before `ready_at` (Unix time)."""

    rollout_id: str
    group_id: str
    stage: str
    ready_at: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended."""

    is_done: bool
    """False if it was given up."""
    text: str
    """Its result, or its failure as JSON."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of history."""

    rollout_id: str
    stage: str
    token: int
    owner: str
    started_at: float
    ended_at: float | None
    outcome: str
    """`running`, `succeeded` or `failed`."""
    cause: str
    detail: str
    evidence: str
