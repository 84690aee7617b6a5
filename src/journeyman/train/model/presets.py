"""Presets of the Qwen3-Next architecture, from the published 80B to one for a CPU.

Only figures: blocks of three Gated DeltaNet layers and one of gated attention, each followed by a
mixture of experts with one shared expert.

    >>> PRESETS["80b-a3b"].num_experts
    512
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from journeyman.errors import JourneymanError

__all__ = ["PRESETS", "Preset", "get_preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """The figures in which presets differ, named as in `Qwen3NextConfig`."""

    vocab_size: int = 151_936
    hidden_size: int = 2048
    num_hidden_layers: int = 48
    num_attention_heads: int = 16
    num_key_value_heads: int = 2
    head_dim: int = 256
    linear_num_key_heads: int = 16
    linear_num_value_heads: int = 32
    linear_key_head_dim: int = 128
    linear_value_head_dim: int = 128
    num_experts: int = 512
    num_experts_per_tok: int = 10
    moe_intermediate_size: int = 512
    shared_expert_intermediate_size: int = 512
    intermediate_size: int = 5120
    max_position_embeddings: int = 262_144
    tie_word_embeddings: bool = False
    num_mtp_layers: int = 1
    """Layers of the multi-token-prediction module; 0 for none."""

    def settings(self) -> dict[str, Any]:
        """Return what `Qwen3NextConfig` takes."""
        given = asdict(self)
        del given["num_mtp_layers"]
        rope = {"rope_type": "default", "rope_theta": 1e7, "partial_rotary_factor": 0.25}
        return {**given, "rope_parameters": rope}


PRESETS = {
    "80b-a3b": Preset(),
    "1b-a100m": Preset(
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=8,
        head_dim=128,
        linear_num_key_heads=8,
        linear_num_value_heads=16,
        linear_key_head_dim=64,
        linear_value_head_dim=64,
        num_experts=128,
        num_experts_per_tok=8,
        moe_intermediate_size=256,
        shared_expert_intermediate_size=256,
        intermediate_size=2048,
        tie_word_embeddings=True,
    ),
    "tiny": Preset(
        vocab_size=4096,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        head_dim=32,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=32,
        linear_value_head_dim=32,
        num_experts=16,
        num_experts_per_tok=2,
        moe_intermediate_size=64,
        shared_expert_intermediate_size=64,
        intermediate_size=256,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
    ),
}


def get_preset(name: str) -> Preset:
    """Return a preset; `JourneymanError` for a name that there is not."""
    if name not in PRESETS:
        raise JourneymanError(f"no preset {name!r}", f"one of {', '.join(PRESETS)}")
    return PRESETS[name]
