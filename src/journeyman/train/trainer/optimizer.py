"""AdamW as language models take it."""

from __future__ import annotations

import torch

from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["make_optimizer"]


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
