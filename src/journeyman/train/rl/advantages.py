"""How much better each rollout of a group did than its siblings: pure functions on rewards.

    advantages_R = group_advantages(rewards_R, is_valid_R, baseline="mean", scale="deviation")

Legend: R rollouts of one group.

A rollout is the unit here. Where it became several sequences (compaction, sub-agents), they share its
advantage and each weighs a fraction of it: see `train.rl.sequences`.
"""

from __future__ import annotations

import torch

from journeyman.train.rl.settings import Baseline, Scale

__all__ = ["group_advantages", "pass_rate"]

_SMALLEST = 1e-6


def group_advantages(
    rewards_R: torch.Tensor,
    is_valid_R: torch.Tensor,
    *,
    baseline: Baseline = "mean",
    scale: Scale = "deviation",
) -> torch.Tensor:
    """Return one advantage a rollout; 0 where the reward is not valid.

    A reward that is not valid (the machine failed, not the agent) enters neither the baseline nor the
    scale: it has left the group, and is not a zero.

    `baseline`: `mean` of the group (GRPO, arXiv 2402.03300); `leave_one_out`, the mean of the others
    (RLOO, arXiv 2402.14740), which is n / (n - 1) times the former; `none`, the reward as it is.
    `scale`: divided by the `deviation` of the group (GRPO); by its `mean` (MaxRL, arXiv 2602.02710);
    or `none` (Dr. GRPO, arXiv 2503.20783: division by the deviation weighs tasks that are nearly
    always or never solved too much). A group of one valid rollout, or without spread, has
    advantages of 0 unless there is no baseline.
    """
    rewards_R = rewards_R.to(torch.float32)
    advantages_R = torch.zeros_like(rewards_R)
    valid_V = rewards_R[is_valid_R]
    if not valid_V.numel():
        return advantages_R
    found_V = valid_V - _baseline(valid_V, baseline)
    advantages_R[is_valid_R] = found_V / _scale(valid_V, scale)
    return advantages_R


def pass_rate(outcomes_R: torch.Tensor, is_valid_R: torch.Tensor) -> float | None:
    """Return the share of valid rollouts with an outcome of at least one half; None without any.

    To be asked of the raw outcome and not of the shaped reward, or penalties would make a group look
    mixed of which all failed.
    """
    valid_V = outcomes_R[is_valid_R]
    return float((valid_V >= 0.5).float().mean()) if valid_V.numel() else None


def _baseline(valid_V: torch.Tensor, kind: Baseline) -> torch.Tensor:
    if kind == "none":
        return torch.zeros_like(valid_V)
    if kind == "mean":
        return valid_V.mean().expand_as(valid_V)
    if valid_V.numel() == 1:
        return valid_V.clone()
    return (valid_V.sum() - valid_V) / (valid_V.numel() - 1)


def _scale(valid_V: torch.Tensor, kind: Scale) -> torch.Tensor:
    one = torch.ones((), dtype=valid_V.dtype)
    if kind == "none":
        return one
    size = valid_V.std(correction=0) if kind == "deviation" else valid_V.mean().abs()
    return size if size > _SMALLEST else one
