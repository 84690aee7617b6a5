"""Which groups are trained on: those that tell something, of tasks that no other stage was trained on.

kept, dropped = select_groups(groups, lowest=0.0, highest=1.0)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import torch

from journeyman.errors import JourneymanError
from journeyman.train.rl.advantages import pass_rate
from journeyman.types import Rollout

__all__ = ["Selection", "check_disjoint", "group_rollouts", "select_groups"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Groups that are trained on, and why the others are not."""

    groups: dict[str, list[Rollout]]
    dropped: Counter[str]
    """Groups left out, by reason: `all_failed`, `all_solved`, `too_few`, `outside_band`,
    `trained_before`."""
    pass_rates: dict[str, float]
    """Of every group with a valid rollout."""


def group_rollouts(rollouts: Iterable[Rollout]) -> dict[str, list[Rollout]]:
    """Put rollouts of one group together, in the order in which groups first appear."""
    groups: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        groups.setdefault(rollout.group_id, []).append(rollout)
    return groups


def select_groups(
    groups: dict[str, list[Rollout]],
    *,
    lowest: float = 0.0,
    highest: float = 1.0,
    num_valid: int = 2,
    without: Collection[str] = (),
) -> Selection:
    """Keep the groups whose pass rate lies strictly between 0 and 1 and within [lowest, highest].

    Dynamic sampling (DAPO, arXiv 2503.14476): a group that was all solved or all failed has no advantage
    to tell. The rate is of raw outcomes among valid rollouts; with fewer than `num_valid` of those
    a group is left out, because a machine's failure is no answer of the policy. Those of `without` are
    left out too: an earlier stage was trained on their prompts.
    """
    kept: dict[str, list[Rollout]] = {}
    dropped: Counter[str] = Counter()
    rates: dict[str, float] = {}
    for name, members in groups.items():
        valid = [it for it in members if it.reward is not None and it.reward.is_valid]
        outcomes = torch.tensor([float(_is_resolved(it)) for it in valid])
        rate = pass_rate(outcomes, torch.ones(len(valid), dtype=torch.bool))
        if rate is not None:
            rates[name] = rate
        reason = _why_not(rate, len(valid), lowest, highest, num_valid)
        if name in without:
            reason = "trained_before"
        if reason:
            dropped[reason] += 1
        else:
            kept[name] = members
    return Selection(kept, dropped, rates)


def check_disjoint(train: Sequence[str], other: Sequence[str], what: str) -> None:
    """Raise `JourneymanError` if two sets of prompt digests have one in common."""
    shared = sorted(set(train) & set(other))
    if shared:
        raise JourneymanError(
            f"{len(shared)} prompts of {what} are among those of this stage, the first {shared[0]}",
            "take other tasks for one of the two",
        )


def _is_resolved(rollout: Rollout) -> bool:
    return rollout.verdict is not None and rollout.verdict.is_resolved


def _why_not(rate: float | None, num: int, lowest: float, highest: float, num_valid: int) -> str:
    if rate is None or num < num_valid:
        return "too_few"
    if rate == 0.0:
        return "all_failed"
    if rate == 1.0:
        return "all_solved"
    if not lowest <= rate <= highest:
        return "outside_band"
    return ""
