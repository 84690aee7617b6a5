"""Rollouts that are worth training on: verified by execution, and clean by rule.

Kept are those that solved their task, ended by themselves, wrote no malformed call and were refused
nothing by the guard.

    chosen = choose([Path("runs/latest")])
    chosen.trajectories, chosen.dropped
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.runs import join_trajectories, read_jsonl, read_trajectories
from journeyman.types import Ending, Rollout, Trajectory

__all__ = ["Chosen", "choose", "why_not"]


@dataclass(slots=True)
class Chosen:
    """What was taken from some runs."""

    trajectories: list[tuple[str, Trajectory]] = field(default_factory=list)
    """Each with its rollout's identifier; an external agent's rollout may have several branches."""
    dropped: Counter[str] = field(default_factory=Counter)
    """How many rollouts were left out, by reason."""


def choose(runs: Iterable[Path]) -> Chosen:
    """Take every rollout that passes; `JourneymanError` for a folder that is no run."""
    chosen = Chosen()
    for run in runs:
        for rollout, branches in _read_run(run):
            reason = why_not(rollout, join_trajectories(branches))
            if reason:
                chosen.dropped[reason] += 1
                continue
            chosen.trajectories += [(rollout.rollout_id, branch) for branch in branches]
    return chosen


def why_not(rollout: Rollout, trajectory: Trajectory | None) -> str:
    """Say why a rollout is not trained on; nothing if it is."""
    if trajectory is None:
        return "no trajectory"
    if rollout.verdict is None or not rollout.verdict.is_resolved:
        return "not resolved"
    if rollout.ending is not Ending.SUBMITTED:
        return "did not end by itself"
    if any(turn.format_errors for turn in trajectory.turns):
        return "malformed calls"
    if any(not it.is_allowed for turn in trajectory.turns for it in turn.guard_decisions):
        return "refused by the guard"
    return ""


def _read_run(run: Path) -> Iterator[tuple[Rollout, list[Trajectory]]]:
    path = run / "rollouts.jsonl"
    if not path.is_file():
        raise JourneymanError(f"{run} is no run", "give the folder of a run, e.g. runs/latest")
    for number, record in enumerate(read_jsonl(path), start=1):
        try:
            rollout = Rollout.model_validate_json(json.dumps(record))
            branches = read_trajectories(run / "artifacts" / rollout.rollout_id)
            yield rollout, branches
        except ValidationError as error:
            reason = " ".join(str(error.errors()[0]["msg"]).split())
            raise JourneymanError(
                f"{path}, line {number}, or its trajectory is not as it should be: {reason}",
                "mend or remove it",
            ) from None
