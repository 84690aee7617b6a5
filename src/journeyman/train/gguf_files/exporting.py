"""From a model to a GGUF file that llama.cpp runs.

export_gguf(network, tokenizer, Path("model.gguf"), kind="f32")
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Literal

import gguf
import torch

from journeyman.errors import JourneymanError
from journeyman.runs.storage import explain_storage
from journeyman.train.gguf_files.vocabulary import write_vocabulary
from journeyman.train.gguf_files.weights import ARCHITECTURES, gguf_weights
from journeyman.train.model.network import Network
from journeyman.train.tokenizer import PlainTokenizer

__all__ = ["WeightKind", "export_gguf"]

WeightKind = Literal["f32", "f16", "bf16", "q8_0"]
"""Of matrices; vectors stay in float32."""

_FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "bf16": gguf.LlamaFileType.MOSTLY_BF16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
# What llama.cpp's operators take in float32 alone.
_KEPT = ("ssm_conv1d", "ffn_gate_inp")


def export_gguf(
    network: Network, tokenizer: PlainTokenizer, path: Path, *, kind: WeightKind = "f16"
) -> Path:
    """Write a model as one new file, whole or absent; multi-token prediction is left out.

    Raises `JourneymanError` if the file exists or the architecture has no form in GGUF here.
    """
    config = network.base.config
    if path.exists():
        raise JourneymanError(f"{path} exists already", "give another name, or remove this one")
    if config.model_type not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise JourneymanError(
            f"{config.model_type} is not written as GGUF here; {known} are", "export to a folder"
        )
    with explain_storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        try:
            _write(network.base, tokenizer, Path(name), path.stem, kind)
            Path(name).chmod(0o644)
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return path


def _write(base: Any, tokenizer: PlainTokenizer, path: Path, name: str, kind: WeightKind) -> None:
    config = base.config
    architecture = gguf.MODEL_ARCH_NAMES[ARCHITECTURES[config.model_type]]
    writer = gguf.GGUFWriter(path, architecture)
    try:
        writer.add_name(name)
        writer.add_file_type(_FILE_TYPES[kind])
        _add_figures(writer, config)
        if config.model_type == "qwen3_next":
            _add_next_figures(writer, config)
        write_vocabulary(tokenizer, writer, size=config.vocab_size)
        for tensor, weight in gguf_weights(base):
            _add_weight(writer, tensor, weight, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _add_figures(writer: Any, config: Any) -> None:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    share = config.rope_parameters.get("partial_rotary_factor", 1.0)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(int(head * share))
    writer.add_vocab_size(config.vocab_size)


def _add_next_figures(writer: Any, config: Any) -> None:
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
    writer.add_ssm_conv_kernel(config.linear_conv_kernel_dim)
    writer.add_ssm_state_size(config.linear_key_head_dim)
    writer.add_ssm_group_count(config.linear_num_key_heads)
    writer.add_ssm_time_step_rank(config.linear_num_value_heads)
    writer.add_ssm_inner_size(config.linear_value_head_dim * config.linear_num_value_heads)
    writer.add_full_attention_interval(config.layer_types.index("full_attention") + 1)


def _add_weight(writer: Any, name: str, weight: torch.Tensor, kind: WeightKind) -> None:
    array = weight.cpu().numpy()
    is_vector = array.ndim == 1 or any(part in name for part in _KEPT)
    if kind == "f32" or is_vector or (kind == "q8_0" and array.shape[-1] % 32):
        writer.add_tensor(name, array)
        return
    wanted = gguf.GGMLQuantizationType[kind.upper()]
    writer.add_tensor(name, gguf.quants.quantize(array, wanted), raw_dtype=wanted)
