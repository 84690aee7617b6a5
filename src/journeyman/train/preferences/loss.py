"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, equation 7).

Legend: P pairs.
"""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["preference_losses"]


def preference_losses(
    chosen_P: torch.Tensor,
    rejected_P: torch.Tensor,
    reference_chosen_P: torch.Tensor,
    reference_rejected_P: torch.Tensor,
    *,
    beta: float = 0.1,
) -> torch.Tensor:
    """Return each pair's loss from log-probabilities of whole answers, in nats.

    The reference's have no gradient. It is ln 2 where the policy is its reference, and falls as the
    chosen answer gains on the rejected one.
    """
    gained_P = (chosen_P - reference_chosen_P.detach()) - (
        rejected_P - reference_rejected_P.detach()
    )
    return -functional.logsigmoid(beta * gained_P)
