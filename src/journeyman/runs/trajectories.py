"""The trajectories that a rollout left: one, or one a branch where an agent's client rewrote history.

for trajectory in read_trajectories(run.artifacts(rollout_id)): ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from journeyman.types import Trajectory

__all__ = ["join_trajectories", "read_trajectories"]


def read_trajectories(folder: Path) -> list[Trajectory]:
    """Return all branches, the main one first; raises `ValidationError` for what is none."""
    main = folder / "trajectory.json"
    others = [it for it in folder.glob("trajectory-*.json") if re.search(r"-\d+$", it.stem)]
    others.sort(key=lambda it: int(it.stem.rpartition("-")[2]))
    paths = [main, *others] if main.is_file() else []
    return [Trajectory.model_validate_json(path.read_bytes()) for path in paths]


def join_trajectories(branches: Sequence[Trajectory]) -> Trajectory | None:
    """Return the turns of all branches one after another, for whoever only looks at each turn."""
    if not branches:
        return None
    turns = tuple(turn for branch in branches for turn in branch.turns)
    return branches[0].model_copy(update={"turns": turns})
