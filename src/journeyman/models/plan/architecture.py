"""What counts of a model for memory and speed: read from a folder or a GGUF file.

>>> read_architecture(Path("SmolLM2-135M-Instruct.Q4_1.gguf")).num_weights  # doctest: +SKIP
134515008
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError
from journeyman.models.plan.config import Architecture, from_config, state_bytes
from journeyman.models.plan.gguf_header import Header, TensorInfo, read_header

__all__ = ["Architecture", "read_architecture"]

_LONGEST_HEADER = 1 << 30


def read_architecture(path: Path) -> Architecture:
    """Read a folder in the Hugging Face layout, its `config.json`, or a GGUF file.

    Raises `JourneymanError` for what is neither.
    """
    if path.suffix == ".gguf":
        return _from_gguf(path.name, read_header(path))
    config = path if path.name == "config.json" else path / "config.json"
    try:
        found = from_config(config.parent.name, json.loads(config.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise JourneymanError(
            f"no model in {path}: {reason}", "give a GGUF file, or a folder with a config.json"
        ) from None
    tensors = [it for file in sorted(config.parent.glob("*.safetensors")) for it in _stored(file)]
    return _counted(found, tensors, ".experts.") if tensors else found


def _stored(path: Path) -> Iterable[TensorInfo]:
    """The tensors that a safetensors file says it holds."""
    # Multi-token prediction is not drawn with.
    if path.name.startswith("mtp"):
        return
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise JourneymanError(f"{path} is no safetensors file", "fetch it again")
        header = json.loads(file.read(length))
    for name, about in header.items():
        if name != "__metadata__" and not name.startswith("mtp."):
            start, end = about["data_offsets"]
            yield TensorInfo(name, math.prod(about["shape"]), end - start)


def _counted(found: Architecture, tensors: list[TensorInfo], mark: str) -> Architecture:
    """Put what the files hold in the place of what the configuration lets expect."""
    experts = [it for it in tensors if mark in it.name]
    inputs = [it for it in tensors if it.name.startswith(("token_embd", "model.embed_tokens"))]
    has_head = any(it.name.startswith(("output.weight", "lm_head")) for it in tensors)
    return replace(
        found,
        num_weights=sum(it.num_weights for it in tensors),
        num_expert_weights=sum(it.num_weights for it in experts),
        # Of the input's embeddings a token reads one row; as a head they are read whole.
        num_looked_up=sum(it.num_weights for it in inputs) if has_head else 0,
        file_bytes=sum(it.num_bytes for it in tensors),
        file_expert_bytes=sum(it.num_bytes for it in experts),
        file_looked_up_bytes=sum(it.num_bytes for it in inputs) if has_head else 0,
    )


def _from_gguf(name: str, header: Header) -> Architecture:
    values = header.values
    kind = str(values.get("general.architecture", ""))

    def get(key: str, default: Any = 0) -> Any:
        return values.get(f"{kind}.{key}", default)

    num_layers, heads = int(get("block_count")), _most(get("attention.head_count"))
    if not num_layers or not heads:
        raise JourneymanError(f"{name} does not say how it is built", "give another file")
    width = int(get("embedding_length")) // heads
    keys = int(get("attention.key_length", width))
    values_width = int(get("attention.value_length", width))
    heads_kv = get("attention.head_count_kv", heads)
    interval = int(get("full_attention_interval", 4 if kind == "qwen3next" else 1))
    num_linear = num_layers - num_layers // interval if get("ssm.state_size") else 0
    per_layer = heads_kv if isinstance(heads_kv, list) else [heads_kv] * (num_layers - num_linear)
    found = Architecture(
        name=str(values.get("general.name") or name),
        kind=kind,
        num_layers=num_layers,
        num_attention_layers=num_layers - num_linear,
        num_experts=int(get("expert_count")),
        num_experts_used=int(get("expert_used_count")),
        num_weights=0,
        num_expert_weights=0,
        num_looked_up=0,
        cache_values_per_token=sum(int(it) for it in per_layer) * (keys + values_width),
        state_bytes=num_linear * _gguf_state(get) if num_linear else 0,
        context_tokens=int(get("context_length")),
    )
    return _counted(found, list(header.tensors), "_exps.")


def _gguf_state(get: Any) -> int:
    num_values = int(get("ssm.time_step_rank", 1))
    return state_bytes(
        num_keys=int(get("ssm.group_count", 1)),
        key_width=int(get("ssm.state_size")),
        num_values=num_values,
        value_width=int(get("ssm.inner_size")) // max(1, num_values),
        kernel=int(get("ssm.conv_kernel", 4)),
    )


def _most(value: Any) -> int:
    return max(value, default=0) if isinstance(value, list) else int(value)
