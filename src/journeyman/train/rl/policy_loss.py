"""The policy gradient: one loss whose options are GRPO, Dr. GRPO, DAPO, GSPO and CISPO.

    settings = PolicyLoss(algorithm="gspo")
    loss, figures = policy_loss(tokens, settings)

Legend: N drawn tokens, S sequences.

With ρ the ratio of a token's probability under the policy and under the policy that the step began with,
and A its advantage, a token's loss is

- GRPO, Dr. GRPO, DAPO: -min(ρ A, clip(ρ, 1 - low, 1 + high) A)    (PPO, arXiv 1707.06347)
- GSPO: the same with the ratio of its whole sequence, s = exp(mean log ρ) over drawn tokens alone;
  in the form for tokens, sg[s] π / sg[π], which allows an advantage for each token (arXiv
  2507.18071). It is the default: routing of experts makes single ratios jump, their mean stays calm.
- CISPO: -sg[clip(ρ, 1 - low, 1 + high)] A log π, so that no token loses its gradient (arXiv 2506.13585).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from journeyman.train.rl.aggregation import aggregate, sequence_means
from journeyman.train.rl.divergence import divergence
from journeyman.train.rl.mismatch import mismatch_weights
from journeyman.train.rl.settings import PolicyLoss

__all__ = ["DrawnTokens", "policy_loss"]


@dataclass(frozen=True, slots=True)
class DrawnTokens:
    """The drawn tokens of some sequences, one after another; prompts and observations are not among
    them."""

    logprobs_N: torch.Tensor
    """Under the policy being trained, with its gradient."""
    old_logprobs_N: torch.Tensor
    """Under the policy as the step began."""
    sampler_logprobs_N: torch.Tensor
    """As the sampler told them when it drew."""
    advantages_N: torch.Tensor
    sequence_N: torch.Tensor
    """Index of each token's sequence."""
    share_S: torch.Tensor
    """Each sequence's part of its rollout: 1/K where that became K sequences."""
    group_S: torch.Tensor
    """Number of each sequence's group."""
    reference_logprobs_N: torch.Tensor | None = None
    """Under the reference model; needed where `kl_weight` is not 0."""


def policy_loss(tokens: DrawnTokens, settings: PolicyLoss) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the loss to minimise, and figures: shares clipped and dropped, divergences, mean ratio."""
    weights_N, figures = mismatch_weights(
        tokens.old_logprobs_N, tokens.sampler_logprobs_N, tokens.sequence_N, settings.mismatch
    )
    losses_N, is_clipped_N, ratios_N = _token_losses(tokens, settings)
    total_N = losses_N * weights_N
    if settings.kl_weight:
        if tokens.reference_logprobs_N is None:
            raise ValueError("a divergence from the reference model needs its log-probabilities")
        apart_N = divergence(tokens.logprobs_N, tokens.reference_logprobs_N, settings.kl_estimator)
        figures["reference_kl"] = float(apart_N.detach().mean()) if apart_N.numel() else 0.0
        total_N = total_N + settings.kl_weight * apart_N
    loss = aggregate(
        total_N,
        tokens.sequence_N,
        tokens.share_S,
        tokens.group_S,
        how=settings.how,
        constant=settings.constant,
    )
    if len(ratios_N):
        figures["clipped"] = float(is_clipped_N.float().mean())
        figures["ratio"] = float(ratios_N.mean())
        moved_N = divergence(tokens.logprobs_N.detach(), tokens.old_logprobs_N, "k3")
        figures["policy_kl"] = float(moved_N.mean())
    return loss, figures


def _token_losses(
    tokens: DrawnTokens, settings: PolicyLoss
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return each token's loss, whether clipping holds its gradient back, and its ratio."""
    advantages_N = tokens.advantages_N
    log_ratios_N = tokens.logprobs_N - tokens.old_logprobs_N
    if settings.algorithm == "gspo":
        means_S = sequence_means(log_ratios_N, tokens.sequence_N, len(tokens.share_S))
        held_N = means_S.detach()[tokens.sequence_N]
        ratios_N = (held_N + tokens.logprobs_N - tokens.logprobs_N.detach()).exp()
    else:
        ratios_N = log_ratios_N.exp()
    low, high = 1 - settings.low, 1 + settings.high
    clipped_N = ratios_N.clamp(low, high)
    if settings.algorithm == "cispo":
        is_clipped_N = (ratios_N < low) | (ratios_N > high)
        losses_N = -clipped_N.detach() * advantages_N * tokens.logprobs_N
    else:
        is_clipped_N = clipped_N * advantages_N < ratios_N * advantages_N
        losses_N = -torch.minimum(ratios_N * advantages_N, clipped_N * advantages_N)
    return losses_N, is_clipped_N.detach(), ratios_N.detach()
