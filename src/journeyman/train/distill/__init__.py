"""Several experts into one model: divergences, merges, and what was kept."""

from journeyman.train.distill.divergence import (
    forward_kl,
    jensen_shannon,
    reverse_kl,
    sampled_advantages,
    top_reverse_kl,
)
from journeyman.train.distill.merging import merge
from journeyman.train.distill.retention import retention

__all__ = [
    "forward_kl",
    "jensen_shannon",
    "merge",
    "retention",
    "reverse_kl",
    "sampled_advantages",
    "top_reverse_kl",
]
