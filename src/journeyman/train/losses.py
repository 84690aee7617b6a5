"""Losses as pure functions on tensors.

Legend: B rows, T tokens, N positions, V vocabulary, D hidden size, E experts, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from journeyman.train.documents.rows import IGNORED

__all__ = ["load_balance", "next_token_losses", "second_targets"]

_CHUNK = 4096


def next_token_losses(
    hidden_ND: torch.Tensor, head_VD: torch.Tensor, targets_N: torch.Tensor
) -> torch.Tensor:
    """Return the cross-entropy in nats of each of N positions, in float32.

    Scores are made for some thousand positions at a time and made again in the backward pass, so that
    N x V is never held at once.
    """
    parts = [
        checkpoint(_chunk_losses, hidden, head_VD, targets, use_reentrant=False)
        for hidden, targets in zip(hidden_ND.split(_CHUNK), targets_N.split(_CHUNK), strict=True)
    ]
    return torch.cat(parts)


def _chunk_losses(
    hidden_ND: torch.Tensor, head_VD: torch.Tensor, targets_N: torch.Tensor
) -> torch.Tensor:
    scores_NV = functional.linear(hidden_ND, head_VD).float()
    return functional.cross_entropy(scores_NV, targets_N, reduction="none")


def second_targets(targets_BT: torch.Tensor, positions_BT: torch.Tensor) -> torch.Tensor:
    """Return the targets two tokens ahead: those of the next position, if it is of the same piece."""
    later_BT = torch.full_like(targets_BT, IGNORED)
    is_same = positions_BT[:, 1:] > 0
    later_BT[:, :-1] = targets_BT[:, 1:].masked_fill(~is_same, IGNORED)
    return later_BT


def load_balance(
    router_scores: Sequence[torch.Tensor], num_chosen: int, is_real_N: torch.Tensor
) -> torch.Tensor:
    """Return the router's auxiliary loss, the mean over layers; `num_chosen` if all is even.

    Per layer it is E times the sum over experts of (share of choices x mean probability), times the
    number chosen (Switch Transformers, arXiv 2101.03961, equation 4). `router_scores` are L tensors
    (N, E) before the softmax; padding is left out.
    """
    total = router_scores[0].new_zeros((), dtype=torch.float32)
    weight_N1 = is_real_N.float().unsqueeze(-1)
    num_real = weight_N1.sum().clamp(min=1)
    for scores_NE in router_scores:
        probability_NE = scores_NE.float().softmax(-1)
        chosen_NK = probability_NE.topk(num_chosen, dim=-1).indices
        picks_NE = torch.zeros_like(probability_NE).scatter_(1, chosen_NK, 1.0)
        share_E = (picks_NE * weight_N1).sum(0) / num_real
        mean_E = (probability_NE * weight_N1).sum(0) / num_real
        total = total + scores_NE.shape[-1] * (share_E * mean_E).sum()
    return total / len(router_scores)
