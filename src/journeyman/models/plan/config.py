"""What a configuration in the Hugging Face layout lets expect: weights, experts, caches.

Counted are decoders of the families of Llama, Qwen and Mixtral, dense or with experts, with attention in
all layers or Gated DeltaNet in some. Of other families the figure is near, and so it is said.

    >>> from_config("x", {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    ...     "intermediate_size": 16, "vocab_size": 10}).num_weights
    824
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Architecture", "from_config", "state_bytes"]

_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """Figures of a model; a weight is one number, whatever bits it takes."""

    name: str
    kind: str
    """The family, as the model's own files name it."""
    num_layers: int
    num_attention_layers: int
    """Layers that keep keys and values of every token; the others keep a state."""
    num_experts: int
    num_experts_used: int
    """Routed experts that one token uses in a layer."""
    num_weights: int
    num_expert_weights: int
    """Of routed experts."""
    num_looked_up: int
    """Of the input's embeddings, of which a token reads one row; 0 where the head shares them."""
    cache_values_per_token: int
    """Numbers in keys and values of all layers."""
    state_bytes: int
    """Recurrent states of a sequence, at any length."""
    context_tokens: int = 0
    """What it was made for; 0 where that is not said."""
    file_bytes: int = 0
    """Of the weights as they are stored; 0 where there is no file."""
    file_expert_bytes: int = 0
    file_looked_up_bytes: int = 0

    @property
    def num_active(self) -> int:
        """Weights that one token uses, embeddings included."""
        return (
            self.num_weights
            - self.num_expert_weights
            + round(self._share * self.num_expert_weights)
        )

    @property
    def _share(self) -> float:
        return self.num_experts_used / self.num_experts if self.num_experts else 0.0

    @property
    def expert_share(self) -> float:
        """Part of the routed experts that one token uses."""
        return self._share


def from_config(name: str, config: Mapping[str, Any]) -> Architecture:
    """Count a configuration. Raises `ValueError` where sizes are missing."""
    # Models that also see keep the text's sizes apart.
    config = {**config, **(config.get("text_config") or {})}
    try:
        return _counted(name, config)
    except (KeyError, TypeError) as error:
        raise ValueError(f"the configuration does not say {error}") from None


def _counted(name: str, config: Mapping[str, Any]) -> Architecture:
    hidden, num_layers = config["hidden_size"], config["num_hidden_layers"]
    vocabulary = config["vocab_size"] * hidden
    is_tied = bool(config.get("tie_word_embeddings", False))
    num_linear = _num_linear(config)
    num_attention = num_layers - num_linear
    num_experts = config.get("num_experts") or config.get("num_local_experts") or 0
    expert = (
        3 * hidden * (config.get("moe_intermediate_size") or config.get("intermediate_size", 0))
    )
    routed = num_layers * num_experts * expert
    weights = vocabulary * (1 if is_tied else 2) + hidden + 2 * hidden * num_layers + routed
    weights += num_attention * _attention(config) + num_linear * _delta_net(config)
    weights += num_layers * (
        _beside_experts(config, num_experts) if num_experts else _dense(config)
    )
    heads_kv = config.get("num_key_value_heads") or config["num_attention_heads"]
    return Architecture(
        name=name,
        kind=str(config.get("model_type", "")),
        num_layers=num_layers,
        num_attention_layers=num_attention,
        num_experts=num_experts,
        num_experts_used=config.get("num_experts_per_tok") or 0,
        num_weights=weights,
        num_expert_weights=routed,
        num_looked_up=0 if is_tied else vocabulary,
        cache_values_per_token=num_attention * heads_kv * 2 * _head_width(config),
        state_bytes=num_linear * _state(config) if num_linear else 0,
        context_tokens=config.get("max_position_embeddings") or 0,
    )


def _num_linear(config: Mapping[str, Any]) -> int:
    kinds = config.get("layer_types")
    if kinds:
        return sum(kind == "linear_attention" for kind in kinds)
    if "linear_num_value_heads" not in config:
        return 0
    interval = config.get("full_attention_interval") or 4
    return int(config["num_hidden_layers"] - config["num_hidden_layers"] // interval)


def _head_width(config: Mapping[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _attention(config: Mapping[str, Any]) -> int:
    hidden, heads, width = config["hidden_size"], config["num_attention_heads"], _head_width(config)
    heads_kv = config.get("num_key_value_heads") or heads
    kind = str(config.get("model_type", ""))
    # Qwen3-Next's gates come out of the queries' projection.
    queries = heads * width * (2 if kind == "qwen3_next" else 1)
    norms = 2 * width if kind.startswith("qwen3") else 0
    biases = (heads + 2 * heads_kv) * width if kind.startswith("qwen2") else 0
    return int(hidden * (queries + (2 * heads_kv + heads) * width) + norms + biases)


def _delta_net(config: Mapping[str, Any]) -> int:
    hidden = config["hidden_size"]
    if "linear_num_value_heads" not in config:
        return 0
    num_values, value_width = config["linear_num_value_heads"], config["linear_value_head_dim"]
    keys = config["linear_num_key_heads"] * config["linear_key_head_dim"]
    values = num_values * value_width
    inputs = hidden * (2 * keys + 2 * values + 2 * num_values)
    taps = (2 * keys + values) * config.get("linear_conv_kernel_dim", 4)
    return int(inputs + taps + 2 * num_values + value_width + values * hidden)


def _dense(config: Mapping[str, Any]) -> int:
    return int(3 * config["hidden_size"] * config["intermediate_size"])


def _beside_experts(config: Mapping[str, Any], num_experts: int) -> int:
    """The router, and the expert that every token uses where there is one."""
    hidden = config["hidden_size"]
    shared = config.get("shared_expert_intermediate_size") or 0
    return int(hidden * num_experts + (3 * hidden * shared + hidden if shared else 0))


def _state(config: Mapping[str, Any]) -> int:
    return state_bytes(
        num_keys=config["linear_num_key_heads"],
        key_width=config["linear_key_head_dim"],
        num_values=config["linear_num_value_heads"],
        value_width=config["linear_value_head_dim"],
        kernel=config.get("linear_conv_kernel_dim", 4),
    )


def state_bytes(
    *, num_keys: int, key_width: int, num_values: int, value_width: int, kernel: int
) -> int:
    """Bytes of one Gated DeltaNet layer's state, and of its convolution's last inputs, in float32."""
    channels = 2 * num_keys * key_width + num_values * value_width
    return _FLOAT_BYTES * (num_values * key_width * value_width + channels * (kernel - 1))
