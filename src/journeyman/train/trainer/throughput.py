"""How much of the machine a training run uses: model FLOPs utilisation.

Counted are the products that a step needs by its mathematics, whatever was computed twice (PaLM, arXiv
2204.02311, appendix B): 2 a weight and token forward, 4 backward, of which 2 are for the gradient of
the weight itself and fall away where it is frozen. Attention's products of tokens with tokens are left
out, so the figure is a little too low for long documents. The peak is what one large product of
matrices reaches here, measured once.

    flops_per_token(network) * tokens_per_s / measure_peak(device, dtype)
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import torch

from journeyman.train.model.counts import count_parameters

__all__ = ["flops_per_token", "measure_peak"]

_PROBE_S = 0.2


def flops_per_token(network: Any) -> float:
    """Return the floating-point operations that a training step needs for one token."""
    counts = count_parameters(network.base, network.mtp if network.foretells else None)
    head = network.base.get_output_embeddings().weight.numel()
    mtp_share = counts.mtp and (counts.active - counts.embeddings) / max(1, _num_layers(network))
    active = counts.active - counts.embeddings + head + mtp_share
    all_weights = sum(it.numel() for it in network.parameters())
    trained = sum(it.numel() for it in network.parameters() if it.requires_grad)
    return float(active * (4 + 2 * trained / all_weights))


@lru_cache(maxsize=4)
def measure_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations a second of one large product of matrices, the best of some."""
    size = 8192 if device.type == "cuda" else 768
    left = torch.ones(size, size, device=device, dtype=dtype)
    best, ends = float("inf"), time.perf_counter() + _PROBE_S
    while best == float("inf") or time.perf_counter() < ends:
        started = _clock(device)
        left @ left
        best = min(best, _clock(device) - started)
    return 2 * size**3 / best


def _clock(device: torch.device) -> float:
    """Return seconds; on a CPU those that it worked for us, so that other programs do not count."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time() / torch.get_num_threads()


def _num_layers(network: Any) -> int:
    return int(network.base.config.num_hidden_layers)
