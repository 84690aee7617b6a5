"""A model's weights under llama.cpp's names, in the order and form that it computes with.

The names are the `gguf` library's. What differs beyond names: llama.cpp rotates neighbouring pairs of
a head where `transformers` rotates halves, in Llama's architecture; and of Qwen3-Next it wants norms
that multiply (w, not 1 + w), rates of decay as -exp(A), and query, key and value of all heads one after
the other, where the published checkpoints interleave them head by head.

    for name, weight in gguf_weights(base): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gguf
import torch

from journeyman.errors import JourneymanError

__all__ = ["ARCHITECTURES", "gguf_weights"]

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "qwen3_next": gguf.MODEL_ARCH.QWEN3NEXT,
}
"""By `model_type`."""

Named = tuple[str, torch.Tensor]


def gguf_weights(base: Any) -> Iterator[Named]:
    """Yield the weights of a causal model, float32, by their names in a GGUF file."""
    config = base.config
    kind = config.model_type
    names = gguf.get_tensor_name_map(ARCHITECTURES[kind], config.num_hidden_layers)
    for name, value in base.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        for plain, weight in _reshape(kind, config, name, value.detach().float()):
            found = names.get_name(plain, try_suffixes=(".weight", ".bias"))
            if found is None:
                raise JourneymanError(f"{plain} has no name in GGUF", "export to a folder instead")
            yield found, weight.contiguous()


def _reshape(kind: str, config: Any, name: str, value: torch.Tensor) -> Iterator[Named]:
    if kind == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
        is_query = name.endswith("q_proj.weight")
        num_heads = config.num_attention_heads if is_query else config.num_key_value_heads
        yield name, _pairs_from_halves(value, num_heads)
    elif kind == "qwen3_next":
        yield from _reshape_next(config, name, value)
    else:
        yield name, value


def _pairs_from_halves(value: torch.Tensor, num_heads: int) -> torch.Tensor:
    halves = value.unflatten(0, (num_heads, 2, -1))
    return halves.transpose(1, 2).reshape(value.shape)


def _reshape_next(config: Any, name: str, value: torch.Tensor) -> Iterator[Named]:
    stem, _, last = name.rpartition(".")
    if last == "A_log":
        yield name, -value.exp()
    elif last == "dt_bias":
        yield f"{stem}.dt_proj.bias", value
    elif name.endswith("conv1d.weight"):
        yield name, value.squeeze(1)
    elif name.endswith("norm.weight") and not name.endswith("linear_attn.norm.weight"):
        yield name, value + 1
    elif name.endswith("in_proj_qkvz.weight"):
        yield from _by_part(config, stem.removesuffix("in_proj_qkvz"), value)
    elif last == "gate_up_proj":
        gate, up = value.chunk(2, dim=1)
        yield f"{stem}.gate_proj.weight", gate
        yield f"{stem}.up_proj.weight", up
    elif last == "down_proj" and stem.endswith("experts"):
        yield f"{name}.weight", value
    else:
        yield name, value


def _by_part(config: Any, stem: str, value: torch.Tensor) -> Iterator[Named]:
    num_keys = config.linear_num_key_heads
    key = config.linear_key_head_dim
    own = config.linear_num_value_heads // num_keys * config.linear_value_head_dim
    heads = value.unflatten(0, (num_keys, -1))
    query, keys, values, gate = heads.split([key, key, own, own], dim=1)
    mixed = torch.cat([it.flatten(0, 1) for it in (query, keys, values)])
    yield f"{stem}in_proj_qkv.weight", mixed
    yield f"{stem}in_proj_z.weight", gate.flatten(0, 1)
