"""Correction for a sampler that does not compute the trainer's probabilities.

Other kernels, other precision, weights of some steps ago: tokens were drawn from μ and are trained as if
drawn from π_old. With w = π_old / μ,

- truncated importance sampling multiplies a token's loss by min(w, cap) (arXiv 2505.24034, and the
  Flash-RL notes);
- token masking (IcePop) drops tokens with w outside of a range;
- sequence masking (MIS) drops sequences whose geometric mean of w lies outside of a range, and any
  with a single w below `veto`.

    weights_N, figures = mismatch_weights(old_N, sampler_N, sequence_N, Mismatch())

Legend: N drawn tokens, S sequences.
"""

from __future__ import annotations

import torch

from journeyman.train.rl.aggregation import sequence_means
from journeyman.train.rl.divergence import divergence
from journeyman.train.rl.settings import Mismatch

__all__ = ["mismatch_weights"]


def mismatch_weights(
    old_logprobs_N: torch.Tensor,
    sampler_logprobs_N: torch.Tensor,
    sequence_N: torch.Tensor,
    settings: Mismatch,
) -> tuple[torch.Tensor, dict[str, float]]:
    """Return a weight without gradient for each token, 0 for what is dropped, and figures to log."""
    with torch.no_grad():
        apart_N = (old_logprobs_N - sampler_logprobs_N).to(torch.float32)
        ratios_N = apart_N.exp()
        keeps_N = _keeps_tokens(ratios_N, settings)
        if sequence_N.numel():
            keeps_N &= _keeps_sequences(apart_N, ratios_N, sequence_N, settings)[sequence_N]
        weights_N = torch.ones_like(ratios_N)
        if settings.truncate_at is not None:
            weights_N = ratios_N.clamp(max=settings.truncate_at)
        figures = {}
        if apart_N.numel():
            figures = {
                "mismatch_kl": float(divergence(sampler_logprobs_N, old_logprobs_N, "k3").mean()),
                "mismatch_largest": float(apart_N.abs().max()),
                "mismatch_dropped": float((~keeps_N).float().mean()),
            }
    return weights_N * keeps_N, figures


def _keeps_tokens(ratios_N: torch.Tensor, settings: Mismatch) -> torch.Tensor:
    keeps_N = ratios_N >= settings.token_low
    if settings.token_high is not None:
        keeps_N &= ratios_N <= settings.token_high
    return keeps_N


def _keeps_sequences(
    apart_N: torch.Tensor, ratios_N: torch.Tensor, sequence_N: torch.Tensor, settings: Mismatch
) -> torch.Tensor:
    num_sequences = int(sequence_N.max()) + 1
    mean_S = sequence_means(apart_N, sequence_N, num_sequences).exp()
    lowest_S = torch.ones_like(mean_S).scatter_reduce(0, sequence_N, ratios_N, "amin")
    keeps_S = (mean_S >= settings.sequence_low) & (lowest_S >= settings.veto)
    if settings.sequence_high is not None:
        keeps_S &= mean_S <= settings.sequence_high
    return keeps_S
