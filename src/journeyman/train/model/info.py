"""What a model takes: parameters and bytes, from its configuration alone.

>>> describe("80b-a3b").weights_bytes      # doctest: +SKIP
159348782592
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from journeyman.train.model.counts import Counts, count_parameters
from journeyman.train.model.folder import describe_config
from journeyman.train.model.multi_token import MultiTokenPrediction

__all__ = ["ModelInfo", "describe"]

_BF16_BYTES = 2
_FP32_BYTES = 4
_TRAINING_BYTES = 16
"""Per parameter: weight and gradient in bf16; master weight and AdamW's two moments in float32."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Figures of one model; bytes in bf16 unless said otherwise, without multi-token prediction."""

    architecture: str
    counts: Counts
    weights_bytes: int
    training_bytes: int
    """Weights, gradients and AdamW's states in mixed precision; activations come on top."""
    cache_bytes_per_token: int
    """Keys and values of the attention layers."""
    state_bytes_per_sequence: int
    """Recurrent state (float32) and convolution of the Gated DeltaNet layers, at any length."""


def describe(source: str) -> ModelInfo:
    """Describe a preset or a model's folder; `JourneymanError` for what is neither."""
    config, has_mtp = describe_config(source)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        mtp = MultiTokenPrediction(config) if has_mtp else None
    counts = count_parameters(model, mtp)
    kinds: list[str] = getattr(config, "layer_types", None) or []
    num_recurrent = kinds.count("linear_attention")
    num_attention = config.num_hidden_layers - num_recurrent
    return ModelInfo(
        architecture=config.model_type,
        counts=counts,
        weights_bytes=_BF16_BYTES * counts.total,
        training_bytes=_TRAINING_BYTES * counts.total,
        cache_bytes_per_token=num_attention * _cache_bytes(config),
        state_bytes_per_sequence=num_recurrent * _state_bytes(config) if num_recurrent else 0,
    )


def _cache_bytes(config: Any) -> int:
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * _BF16_BYTES * int(config.num_key_value_heads) * int(width)


def _state_bytes(config: Any) -> int:
    key, value = config.linear_key_head_dim, config.linear_value_head_dim
    num_keys, num_values = config.linear_num_key_heads, config.linear_num_value_heads
    channels = 2 * num_keys * key + num_values * value
    taps = config.linear_conv_kernel_dim - 1
    return int(num_values * key * value * _FP32_BYTES + channels * taps * _BF16_BYTES)
