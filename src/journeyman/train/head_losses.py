"""Cross-entropy behind the head, whose gradient is made in the same pass as its value.

Scores of N positions over V tokens are the largest tensor of a training step, and neither they nor their
gradient have to be kept: the weights that the losses are added up with are known before, so a chunk's
gradient is its softmax minus its target, and goes at once into the gradients of states and head. That is
one product less than computing scores again in the backward pass, and no chunk outlives its turn. (The
idea of Liger Kernel's fused linear cross-entropy, arXiv 2410.10989, section 3.2, in plain PyTorch.)

    total, losses_N = weighted_losses(hidden_ND, head_VD, targets_N, weights_N)
    total.backward()

Legend: N positions that have a target, V vocabulary, D hidden size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["weighted_losses"]

_SCORES = 2**20
"""How many scores are made at once: 4 MB in float32, which a CPU's last cache holds."""
_FEWEST = 256
"""Positions that are worth a pass over the whole head."""


def weighted_losses(
    hidden_ND: torch.Tensor,
    head_VD: torch.Tensor,
    targets_N: torch.Tensor,
    weights_N: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sum of weight x cross-entropy, and without gradient each position's, in nats.

    Both are float32 or wider. Without weights all count 1. The sum can be differentiated once, by states
    and head; not by the weights.
    """
    if weights_N is None:
        weights_N = hidden_ND.new_ones(len(targets_N), dtype=_wide(hidden_ND))
    is_kept = torch.is_grad_enabled()
    total, losses_N = _HeadLosses.apply(hidden_ND, head_VD, targets_N, weights_N, is_kept)
    return total, losses_N


class _HeadLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: torch.Tensor,
        head_VD: torch.Tensor,
        targets_N: torch.Tensor,
        weights_N: torch.Tensor,
        is_kept: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        by_hidden, by_head = (is_kept and it for it in ctx.needs_input_grad[:2])
        wide = _wide(hidden_ND)
        losses_N = hidden_ND.new_zeros(len(targets_N), dtype=wide)
        hidden_gradient_ND = torch.zeros_like(hidden_ND) if by_hidden else None
        head_gradient_VD = torch.zeros_like(head_VD, dtype=wide) if by_head else None
        dtype, device = _product_dtype(hidden_ND), hidden_ND.device.type
        size = max(_FEWEST, _SCORES // len(head_VD))
        with torch.autocast(device, enabled=False):
            cast_VD = head_VD.to(dtype)
            for at in range(0, len(targets_N), size):
                part = slice(at, at + size)
                states_ND = hidden_ND[part].to(dtype)
                scores_NV = functional.linear(states_ND, cast_VD).to(wide)
                whole_N = scores_NV.logsumexp(-1)
                losses_N[part] = whole_N - _at(scores_NV, targets_N[part])
                if not (by_hidden or by_head):
                    continue
                _to_gradient(scores_NV, whole_N, targets_N[part], weights_N[part])
                gradient_NV = scores_NV.to(dtype)
                if hidden_gradient_ND is not None:
                    hidden_gradient_ND[part] = gradient_NV @ cast_VD
                if head_gradient_VD is not None:
                    _add_product(head_gradient_VD, gradient_NV, states_ND)
        ctx.mark_non_differentiable(losses_N)
        ctx.gradients = hidden_gradient_ND, head_gradient_VD
        ctx.head_dtype = head_VD.dtype
        return (losses_N * weights_N).sum(), losses_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, total: torch.Tensor, _: Any) -> tuple[torch.Tensor | None, ...]:
        hidden_ND, head_VD = ctx.gradients
        by_hidden = None if hidden_ND is None else hidden_ND * total.to(hidden_ND.dtype)
        by_head = None if head_VD is None else (head_VD * total).to(ctx.head_dtype)
        return by_hidden, by_head, None, None, None


def _at(scores_NV: torch.Tensor, targets_N: torch.Tensor) -> torch.Tensor:
    return scores_NV.gather(-1, targets_N.unsqueeze(-1)).squeeze(-1)


def _to_gradient(
    scores_NV: torch.Tensor, whole_N: torch.Tensor, targets_N: torch.Tensor, weights_N: torch.Tensor
) -> None:
    """Turn scores, in place, into the gradient of their weighted losses."""
    weights_N1 = weights_N.to(scores_NV.dtype).unsqueeze(-1)
    scores_NV.sub_(whole_N.unsqueeze(-1)).exp_().mul_(weights_N1)
    scores_NV.scatter_add_(-1, targets_N.unsqueeze(-1), -weights_N1)


def _add_product(sum_VD: torch.Tensor, gradient_NV: torch.Tensor, states_ND: torch.Tensor) -> None:
    if gradient_NV.dtype == sum_VD.dtype:
        sum_VD.addmm_(gradient_NV.T, states_ND)  # in place: the head may be larger than the chunk
    else:
        sum_VD += gradient_NV.T @ states_ND


def _product_dtype(states: torch.Tensor) -> torch.dtype:
    """Return what products are made in, here or under `torch.autocast`."""
    device = states.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return states.dtype


def _wide(states: torch.Tensor) -> torch.dtype:
    return torch.promote_types(states.dtype, torch.float32)
