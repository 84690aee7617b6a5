"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) through `peft`: trained, saved and merged.

adapters = add_adapters(network, LoraSettings(rank=16))
...                                       # train; all else is frozen
adapters.save(folder)                     # as `peft` reads it
adapters.merge()                          # the network is a plain one again
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from journeyman.train.model.lora_settings import LoraSettings
from journeyman.train.model.network import Network

__all__ = ["Adapters", "add_adapters"]


class Adapters:
    """The adapters of one network, which was changed in place."""

    def __init__(self, network: Network, wrapped: Any) -> None:
        self._network = network
        self._wrapped = wrapped

    def save(self, folder: Path) -> None:
        """Write the adapters alone into a folder."""
        self._wrapped.save_pretrained(folder)

    def merge(self) -> None:
        """Add the adapters to the weights, in float32, and take them away."""
        self._network.float()
        self._network.base = self._wrapped.merge_and_unload()
        for weight in self._network.parameters():
            weight.requires_grad_(True)


def add_adapters(network: Network, settings: LoraSettings, *, seed: int = 0) -> Adapters:
    """Freeze a network and give its linear layers adapters, in float32; the head has none.

    The routed experts of a mixture are frozen too: they are no linear layers but stacks of matrices.
    """
    for weight in network.parameters():
        weight.requires_grad_(False)
    chosen = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # `peft` asks `transformers` in a deprecated way, and has settings for experts.
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        wrapped = get_peft_model(network.base, chosen)
    return Adapters(network, wrapped)
