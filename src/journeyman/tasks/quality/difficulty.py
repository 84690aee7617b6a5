"""How hard tasks are, estimated from rollouts: the share of attempts that solved each, in bands.

Only attempts whose reward is valid count: what the machine broke says nothing about a task.

    >>> band_of(0, 8), band_of(1, 8), band_of(8, 8)
    ('unsolved', 'hard', 'always')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.types import Data

__all__ = ["BANDS", "Difficulty", "band_of", "rate_difficulty"]

BANDS = ("unsolved", "hard", "medium", "easy", "always")
"""None solved it; up to a third did; up to two thirds; more; all."""


class Difficulty(Data):
    """What the rollouts of one task say."""

    instance_id: str
    num_attempts: int
    num_solved: int
    band: str
    models: tuple[str, ...] = ()

    @property
    def pass_rate(self) -> float:
        """The share of attempts that solved it."""
        return self.num_solved / self.num_attempts


def band_of(num_solved: int, num_attempts: int) -> str:
    """Return the band of a pass rate."""
    if num_solved == 0:
        return "unsolved"
    if num_solved == num_attempts:
        return "always"
    rate = num_solved / num_attempts
    return "hard" if rate <= 1 / 3 else "medium" if rate <= 2 / 3 else "easy"


def rate_difficulty(runs: Sequence[Path], *, models: Sequence[str] = ()) -> dict[str, Difficulty]:
    """Read run folders and rate every task that was attempted, by instance id.

    `oracle` and `noop`, which say nothing about difficulty, are left out unless `models` names them.
    Raises `JourneymanError` where a folder holds no rollouts.
    """
    counts: dict[str, list[bool]] = {}
    by: dict[str, set[str]] = {}
    for run in runs:
        for instance_id, model, is_solved in _attempts(run):
            if model in models if models else model not in ("oracle", "noop"):
                counts.setdefault(instance_id, []).append(is_solved)
                by.setdefault(instance_id, set()).add(model)
    return {
        instance_id: Difficulty(
            instance_id=instance_id,
            num_attempts=len(solved),
            num_solved=sum(solved),
            band=band_of(sum(solved), len(solved)),
            models=tuple(sorted(by[instance_id])),
        )
        for instance_id, solved in sorted(counts.items())
    }


def _attempts(run: Path) -> Iterable[tuple[str, str, bool]]:
    """Yield task, model and outcome of every graded attempt; a torn last line is work owed."""
    path = run / "rollouts.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError:
        raise JourneymanError(f"{run} holds no rollouts", "give a run folder of rollout") from None
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        verdict, reward = record.get("verdict"), record.get("reward") or {}
        if verdict is not None and reward.get("is_valid", True):
            yield record["instance_id"], record["model"], bool(verdict["is_resolved"])
