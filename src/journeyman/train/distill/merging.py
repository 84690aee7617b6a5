"""Experts of one lineage put together by their weights: the baselines that distillation has to beat.

    merged = merge(base, [expert.state_dict() for expert in experts], method="ties", keep=0.2)

Weights are dictionaries from name to tensor. All experts must come from one base.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch

from journeyman.errors import JourneymanError

__all__ = ["Method", "merge"]

Method = Literal["average", "arithmetic", "ties", "dare"]
Weights = Mapping[str, torch.Tensor]


def merge(
    base: Weights,
    experts: Sequence[Weights],
    *,
    method: Method = "average",
    scale: float = 1.0,
    keep: float = 0.2,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Return merged weights in the base's types. Raises `JourneymanError` for weights that do not match.

    - `average` of the experts (model soups, arXiv 2203.05482).
    - `arithmetic`: base + scale x the sum of differences (task arithmetic, arXiv 2212.04089).
    - `ties`: of each difference only the `keep` largest share by size; per weight the sign with the
      greater mass wins, and those that agree with it are averaged (TIES, arXiv 2306.01708).
    - `dare`: of each difference a random share `keep`, divided by it, then averaged (arXiv 2311.03099).
    """
    if not experts:
        raise JourneymanError("no expert to merge", "name at least one model folder")
    _check(base, experts)
    generator = torch.Generator().manual_seed(seed)
    rule: Callable[[torch.Tensor], torch.Tensor] = {
        "average": lambda deltas: deltas.mean(0),
        "arithmetic": lambda deltas: scale * deltas.sum(0),
        "ties": lambda deltas: scale * _ties(deltas, keep),
        "dare": lambda deltas: scale * _dare(deltas, keep, generator),
    }[method]
    merged = {}
    for name, weight in base.items():
        if not weight.is_floating_point():
            merged[name] = weight.clone()
            continue
        deltas = torch.stack([expert[name].float() - weight.float() for expert in experts])
        merged[name] = (weight.float() + rule(deltas)).to(weight.dtype)
    return merged


def _check(base: Weights, experts: Sequence[Weights]) -> None:
    for number, expert in enumerate(experts, start=1):
        wrong = base.keys() ^ expert.keys() or {
            name for name in base if base[name].shape != expert[name].shape
        }
        if wrong:
            raise JourneymanError(
                f"expert {number} is not of the base's architecture: {min(wrong)} differs",
                "merge models that were trained from the same base",
            )


def _ties(deltas: torch.Tensor, keep: float) -> torch.Tensor:
    flat = deltas.flatten(1)
    num_kept = max(1, round(keep * flat.shape[1]))
    smallest = flat.abs().topk(num_kept, dim=1).values[:, -1:]
    trimmed = flat * (flat.abs() >= smallest)
    sign = torch.sign(trimmed.sum(0))
    agrees = (torch.sign(trimmed) == sign) & (trimmed != 0)
    total = (trimmed * agrees).sum(0) / agrees.sum(0).clamp(min=1)
    return total.view(deltas.shape[1:])


def _dare(deltas: torch.Tensor, keep: float, generator: torch.Generator) -> torch.Tensor:
    is_kept = torch.rand(deltas.shape, generator=generator) < keep
    return (deltas * is_kept / keep).mean(0)
