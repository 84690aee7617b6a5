"""AdamW as language models take it, and a step of it that never makes weights no numbers."""

from __future__ import annotations

import math

import torch

from journeyman.errors import JourneymanError
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["make_optimizer", "set_learning_rate", "take_step"]


def make_optimizer(network: torch.nn.Module, settings: TrainerSettings) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov and Hutter, arXiv 1711.05101) with decay for matrices alone."""
    weights = [it for it in network.parameters() if it.requires_grad]
    groups = [
        {"params": [it for it in weights if it.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [it for it in weights if it.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        # One pass over memory for a step's dozen operations.
        fused=all(it.device.type in ("cpu", "cuda") for it in weights),
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let all of an optimiser's groups learn at one rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def take_step(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, *, max_norm: float, name: str
) -> float:
    """Clip the gradients of what is trained, take a step, forget them; return their norm before.

    Raises `JourneymanError`, which says whose gradient it was by `name`, if the norm is no number; the
    weights are then as they were.
    """
    weights = [it for it in network.parameters() if it.requires_grad]
    norm = float(torch.nn.utils.clip_grad_norm_(weights, max_norm))
    if math.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if not math.isfinite(norm):
        raise JourneymanError(
            f"the gradient of the {name} is no number any more",
            "lower the learning rate; the last checkpoint is intact: --resume",
        )
    return norm
