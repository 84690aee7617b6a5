"""Draws tokens from logits. B: rows; V: vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from journeyman.models.local_row import Row

__all__ = ["draw"]


def draw(logits_BV: Any, rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Draw a token a row, and tell its log-probability before temperature and nucleus.

    A number of the row's own decides, so that a seed gives the same whoever is drawn beside it.
    """
    tokens_B = logits_BV.argmax(-1)
    warm = [i for i, row in enumerate(rows) if row.sampling.temperature > 0]
    if warm:
        device = logits_BV.device
        heat_B = torch.tensor([rows[i].sampling.temperature for i in warm], device=device)
        probs_BV = torch.softmax(logits_BV[warm] / heat_B[:, None], -1)
        top_ps = [rows[i].sampling.top_p for i in warm]
        if min(top_ps) < 1.0:
            probs_BV = _nucleus(probs_BV, torch.tensor(top_ps, device=device))
        chances = [rows[i].chance.random() for i in warm]
        chances_B = torch.tensor(chances, device=device, dtype=torch.float64)
        sums_BV = probs_BV.double().cumsum(-1)
        wanted_B = (chances_B * sums_BV[:, -1])[:, None]
        found_B = torch.searchsorted(sums_BV, wanted_B, right=True)[:, 0]
        tokens_B[warm] = found_B.clamp(max=logits_BV.shape[-1] - 1)
    logprobs_B = logits_BV.gather(-1, tokens_B[:, None])[:, 0] - logits_BV.logsumexp(-1)
    return tokens_B.tolist(), logprobs_B.tolist()


def _nucleus(probs_BV: Any, top_p_B: Any) -> Any:
    """Keep of every row the likeliest tokens that together reach its `top_p`."""
    ordered_BV, order_BV = probs_BV.sort(-1, descending=True)
    is_out_BV = ordered_BV.cumsum(-1) - ordered_BV >= top_p_B[:, None]
    kept_BV = ordered_BV.masked_fill(is_out_BV, 0.0)
    return torch.zeros_like(probs_BV).scatter(-1, order_BV, kept_BV)
