"""From one number a token to one number a batch.

    loss = aggregate(losses_N, sequence_N, share_S, group_S, how="sequence")

Legend: N drawn tokens, S sequences, G groups.
"""

from __future__ import annotations

import torch

from journeyman.train.rl.settings import Aggregation

__all__ = ["aggregate", "sequence_means"]


def sequence_means(
    values_N: torch.Tensor, sequence_N: torch.Tensor, num_sequences: int
) -> torch.Tensor:
    """Return the mean of each sequence's values (S); 0 for one without a value."""
    sums_S = values_N.new_zeros(num_sequences).index_add(0, sequence_N, values_N)
    return sums_S / _counts(sequence_N, num_sequences, values_N)


def aggregate(
    values_N: torch.Tensor,
    sequence_N: torch.Tensor,
    share_S: torch.Tensor,
    group_S: torch.Tensor,
    *,
    how: Aggregation,
    constant: float = 1.0,
) -> torch.Tensor:
    """Return a scalar, differentiable in `values_N`.

    `sequence_N` and `group_S` say to which sequence a token and to which group a sequence belongs;
    `share_S` is a sequence's part of its rollout (1/K where it became K sequences).

    - `token`: every token of the batch weighs the same (DAPO, arXiv 2503.14476).
    - `sequence`: every rollout weighs the same, whatever its length (GRPO, GSPO).
    - `group`: every group weighs the same, and within it every token.
    - `constant`: the sum per rollout divided by `constant`, the same for all lengths (Dr. GRPO).

    Shares weigh tokens and sequences alike, so a rollout that was split does not count more.
    """
    weights_N = share_S[sequence_N]
    if how == "token":
        return (values_N * weights_N).sum() / weights_N.sum().clamp(min=1e-9)
    if how == "group":
        return _group_mean(values_N * weights_N, weights_N, group_S[sequence_N])
    num_rollouts = share_S.sum().clamp(min=1e-9)
    if how == "constant":
        return (values_N * weights_N).sum() / (constant * num_rollouts)
    means_S = sequence_means(values_N, sequence_N, len(share_S))
    return (means_S * share_S).sum() / num_rollouts


def _group_mean(
    values_N: torch.Tensor, weights_N: torch.Tensor, group_N: torch.Tensor
) -> torch.Tensor:
    _, place_N = group_N.unique(return_inverse=True)
    num_groups = int(place_N.max()) + 1 if place_N.numel() else 0
    sums_G = values_N.new_zeros(num_groups).index_add(0, place_N, values_N)
    sizes_G = values_N.new_zeros(num_groups).index_add(0, place_N, weights_N)
    return (sums_G / sizes_G.clamp(min=1e-9)).sum() / max(1, num_groups)


def _counts(sequence_N: torch.Tensor, num_sequences: int, like: torch.Tensor) -> torch.Tensor:
    ones_N = torch.ones_like(sequence_N, dtype=like.dtype)
    counts_S = like.new_zeros(num_sequences).index_add(0, sequence_N, ones_N)
    return counts_S.clamp(min=1)
