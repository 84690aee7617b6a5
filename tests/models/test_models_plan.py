"""What a model takes, from figures alone: against published counts and real files."""

import json
import struct
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.models.plan import (
    Machine,
    from_config,
    look_at_machine,
    make_plan,
    read_architecture,
)
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.train.model.presets import get_preset

GB = 10**9
MACHINE = Machine(num_cores=8, memory_bytes=64 * GB, free_bytes=60 * GB, bandwidth=50.0 * GB)
NEXT = from_config("next", {**get_preset("80b-a3b").settings(), "model_type": "qwen3_next"})
# As published, with the counts that its model card gives.
CODER_30B = {
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
    "intermediate_size": 6144,
    "vocab_size": 151_936,
}


def test_the_80b_is_counted_to_the_weight():
    """The same as building it in transformers gives; the report says 80B and 3B."""
    assert NEXT.num_weights == 79_674_391_296
    assert NEXT.num_active == 3_874_929_408
    assert (NEXT.num_layers, NEXT.num_attention_layers) == (48, 12)
    assert NEXT.cache_values_per_token == 12 * 2 * 256 * 2


def test_other_families_are_counted():
    coder = from_config("coder", CODER_30B)
    assert coder.num_weights / 1e9 == pytest.approx(30.5, abs=0.05)
    assert coder.num_active / 1e9 == pytest.approx(3.3, abs=0.1)
    sees = {"model_type": "x", "text_config": {**CODER_30B, "num_experts": 0}}
    assert from_config("dense", sees).num_expert_weights == 0
    with pytest.raises(ValueError, match="hidden_size"):
        from_config("none", {})


def test_few_active_weights_make_a_large_model_run():
    plan = make_plan(NEXT, MACHINE, context_tokens=32_768, num_sequences=2)
    rows = {row.quantisation: row for row in plan.rows}
    small = rows["q4_k_m"]
    assert (small.fits, rows["q8_0"].fits) == (True, False)
    assert small.weights_bytes / GB == pytest.approx(48.3, abs=0.1)
    assert small.tokens_per_s > 20 * small.dense_tokens_per_s / 1.1
    assert small.tokens_per_s_at_context < small.tokens_per_s
    assert plan.cache_bytes == 2 * 32_768 * 2 * NEXT.cache_values_per_token
    assert small.gpu_bytes < 8 * GB < small.expert_bytes


def test_memory_is_measured():
    found = look_at_machine(measure_s=0.1)
    assert 0 < found.free_bytes <= found.memory_bytes
    assert 0.1 * GB < found.bandwidth < 2000 * GB


def _safetensors(path: Path, **shapes: list[int]) -> None:
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    data = json.dumps(header).encode()
    path.write_bytes(len(data).to_bytes(8, "little") + data)


def test_a_folder_is_counted_by_what_it_holds(tmp_path: Path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 10}
    about = {**sizes, "num_experts": 4, "num_experts_per_tok": 1, "moe_intermediate_size": 2}
    (tmp_path / "config.json").write_text(json.dumps(about))
    shapes = {
        "model.embed_tokens.weight": [10, 8],
        "lm_head.weight": [10, 8],
        "model.layers.0.mlp.experts.gate_up_proj": [4, 4, 8],
        "mtp.fc.weight": [8, 8],
    }
    _safetensors(tmp_path / "model.safetensors", **shapes)
    found = read_architecture(tmp_path)
    assert (found.num_weights, found.num_expert_weights, found.num_looked_up) == (288, 128, 80)
    assert (found.file_bytes, found.num_active) == (576, 192)
    row, *_ = make_plan(found, MACHINE, context_tokens=16).rows
    assert row.quantisation == "as stored"
    assert row.read_bytes_per_token == 2 * (80 + 32)


def test_what_is_no_model_is_said(tmp_path: Path):
    with pytest.raises(JourneymanError, match="no model in"):
        read_architecture(tmp_path)
    broken = tmp_path / "a.gguf"
    for data in (b"", b"GGUF", b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + b"\xff" * 40, b"no"):
        broken.write_bytes(data)
        with pytest.raises(JourneymanError, match="no whole GGUF file"):
            read_architecture(broken)
    with pytest.raises(JourneymanError, match="cannot read"):
        read_architecture(tmp_path / "none-00001-of-00002.gguf")


@pytest.mark.model
@pytest.mark.network
async def test_a_gguf_file_is_read_without_its_weights():
    found = read_architecture(await obtain_smollm2())
    assert found.num_weights == 134_515_008
    assert (found.kind, found.num_layers, found.context_tokens) == ("llama", 30, 8192)
    assert found.cache_values_per_token == 30 * 3 * 64 * 2
    assert found.file_bytes == pytest.approx(96.6e6, rel=0.01)
    assert found.num_looked_up == 0
