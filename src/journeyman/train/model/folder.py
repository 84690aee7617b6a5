"""Models as folders in the Hugging Face layout: made from a preset, read, written whole or not at all.

`model.safetensors` has the names of the published checkpoints. The multi-token-prediction module, which
`transformers` neither reads nor writes, lies beside it in `mtp.safetensors`, with published names too.

    create_model(folder, "tiny", tokenizer, seed=0)
    network = load_network(folder)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, Qwen3NextConfig, Qwen3NextForCausalLM
from transformers.utils import logging

from journeyman.cache import fill_once
from journeyman.errors import JourneymanError
from journeyman.runs import write_atomic
from journeyman.runs.storage import explain_storage
from journeyman.train.model.multi_token import MultiTokenPrediction
from journeyman.train.model.network import Network
from journeyman.train.model.presets import Preset, get_preset
from journeyman.train.tokenizer import PlainTokenizer, save_tokenizer

__all__ = [
    "create_model",
    "create_network",
    "describe_config",
    "load_network",
    "save_network",
    "write_new_model",
]

# The library's bars would end up between our own lines.
logging.disable_progress_bar()

_MTP_FILE = "mtp.safetensors"
_PREFIX = "mtp."
_ROUND = 64


def create_network(preset: Preset, *, seed: int) -> Network:
    """Make a model with random weights, float32; the same seed gives the same weights."""
    _check_memory(preset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = Qwen3NextConfig(**preset.settings())
        base = Qwen3NextForCausalLM(config)
        return Network(base, MultiTokenPrediction(config) if preset.num_mtp_layers else None)


def create_model(
    folder: Path, name: str, tokenizer: PlainTokenizer, *, seed: int, vocab_size: int | None = None
) -> Network:
    """Make a model of a preset in a new folder, with a vocabulary that holds the tokenizer's.

    It has `vocab_size` tokens, or the preset's number, and at least the tokenizer's, in round figures.
    Raises `JourneymanError` if the folder exists, or if the weights would not fit in memory.
    """
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "give another folder, or remove this one")
    preset = get_preset(name)
    needed = -(-tokenizer.vocab_size // _ROUND) * _ROUND
    asked = -(-(vocab_size or preset.vocab_size) // _ROUND) * _ROUND
    preset = replace(preset, vocab_size=max(asked, needed))
    network = create_network(preset, seed=seed)
    network.base.config.eos_token_id = network.base.config.pad_token_id = tokenizer.pad_id
    network.base.generation_config.eos_token_id = tokenizer.pad_id
    network.base.generation_config.pad_token_id = tokenizer.pad_id
    write_new_model(folder, network, tokenizer, {"preset": name, "seed": seed, **asdict(preset)})
    return network


def write_new_model(
    folder: Path, network: Network, tokenizer: PlainTokenizer, about: Mapping[str, Any]
) -> None:
    """Write a model, its tokenizer and what it was made of into a folder, whole or not at all.

    Raises `JourneymanError` if the folder exists.
    """
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "give another folder, or remove this one")

    def fill(scratch: Path) -> None:
        save_network(network, scratch)
        save_tokenizer(tokenizer, scratch)
        write_atomic(scratch / "journeyman.json", json.dumps(about, indent=2) + "\n")

    with explain_storage(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        fill_once(folder, fill)


def save_network(network: Network, folder: Path) -> None:
    """Write a model's files into a folder that is there."""
    network.base.save_pretrained(folder)
    if network.mtp is not None:
        state = {name: it.detach() for name, it in network.mtp.state_dict().items()}
        save_file(_published(state), folder / _MTP_FILE, metadata={"format": "pt"})


def load_network(folder: Path, *, dtype: torch.dtype = torch.float32) -> Network:
    """Read a model of any causal architecture that `transformers` knows from a local folder.

    Raises `JourneymanError` for a folder that is missing, broken or truncated.
    """
    if not (folder / "config.json").is_file():
        raise JourneymanError(
            f"no model in {folder}", f"make one: journeyman model init {folder} --preset tiny"
        )
    try:
        base = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        return Network(base, _load_mtp(folder, base.config, dtype))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise JourneymanError(
            f"the model in {folder} cannot be read: {reason}", "restore its files, or make it anew"
        ) from error


def describe_config(source: str) -> tuple[Any, bool]:
    """Return the configuration of a preset or of a folder, and whether it has multi-token prediction."""
    folder = Path(source)
    if (folder / "config.json").is_file():
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        return config, bool(_mtp_files(folder))
    preset = get_preset(source.removeprefix("preset:"))
    return Qwen3NextConfig(**preset.settings()), preset.num_mtp_layers > 0


def _load_mtp(folder: Path, config: Any, dtype: torch.dtype) -> MultiTokenPrediction | None:
    if config.model_type != "qwen3_next":
        return None
    found: dict[str, torch.Tensor] = {}
    for path in _mtp_files(folder):
        with safe_open(path, framework="pt") as file:
            names = [name for name in list(file.keys()) if name.startswith(_PREFIX)]
            found |= {name: file.get_tensor(name) for name in names}
    if not found:
        return None
    mtp = MultiTokenPrediction(config)
    mtp.load_state_dict(_fused(found, config.num_experts))
    return mtp.to(dtype)


def _mtp_files(folder: Path) -> list[Path]:
    """Return the files that hold the module: ours, or those that a published index names."""
    if (folder / _MTP_FILE).is_file():
        return [folder / _MTP_FILE]
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    placed: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    return sorted({folder / file for name, file in placed.items() if name.startswith(_PREFIX)})


def _published(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Name the module's weights as the published checkpoints do: each expert by itself."""
    out: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        stem, _, last = name.rpartition(".")
        if last == "gate_up_proj" and stem.endswith("experts"):
            for expert, matrix in enumerate(value):
                gate, up = matrix.chunk(2)
                out[f"{_PREFIX}{stem}.{expert}.gate_proj.weight"] = gate.clone()
                out[f"{_PREFIX}{stem}.{expert}.up_proj.weight"] = up.clone()
        elif last == "down_proj" and stem.endswith("experts"):
            for expert, matrix in enumerate(value):
                out[f"{_PREFIX}{stem}.{expert}.down_proj.weight"] = matrix.clone()
        else:
            out[f"{_PREFIX}{name}"] = value.contiguous()
    return out


def _fused(state: dict[str, torch.Tensor], num_experts: int) -> dict[str, torch.Tensor]:
    """Undo `_published`."""
    plain = {name.removeprefix(_PREFIX): value for name, value in state.items()}
    stem = "layers.0.mlp.experts"
    each = [
        [plain.pop(f"{stem}.{it}.{part}.weight") for part in ("gate_proj", "up_proj", "down_proj")]
        for it in range(num_experts)
    ]
    plain[f"{stem}.gate_up_proj"] = torch.stack([torch.cat(it[:2]) for it in each])
    plain[f"{stem}.down_proj"] = torch.stack([it[2] for it in each])
    return plain


def _check_memory(preset: Preset) -> None:
    """Refuse what this machine cannot hold in float32, by the routed experts alone."""
    matrices = 3 * preset.hidden_size * preset.moe_intermediate_size
    needed = 4 * matrices * preset.num_experts * preset.num_hidden_layers
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise JourneymanError(
            f"random weights of this preset take {needed / 1e9:.0f} GB, and this machine has "
            f"{memory / 1e9:.0f} GB",
            "take a smaller preset, or a machine with more memory; journeyman model info says more",
        )
