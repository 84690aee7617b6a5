"""Estimates of the divergence between two models from tokens that the first one drew.

Schulman's three (joschu.net/blog/kl-approx.html): with d = log q - log p for tokens drawn from p,
k1 = -d is unbiased and may be negative, k2 = d² / 2 is biased and calm, k3 = exp(d) - 1 - d is
unbiased and never negative.
"""

from __future__ import annotations

import torch

from journeyman.train.rl.settings import Estimator

__all__ = ["divergence"]


def divergence(
    logprobs_N: torch.Tensor, reference_logprobs_N: torch.Tensor, estimator: Estimator
) -> torch.Tensor:
    """Return an estimate of KL(policy || reference) in nats at each drawn token."""
    apart_N = reference_logprobs_N - logprobs_N
    if estimator == "k1":
        return -apart_N
    if estimator == "k2":
        return apart_N.square() / 2
    return torch.expm1(apart_N) - apart_N
