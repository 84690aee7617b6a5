"""Small Llamas with random weights: what a first experiment trains on a CPU, at the speed of
plain matrices.

create_llama(folder, tokenizer, LlamaSize(width=96, num_layers=3), seed=0)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from journeyman.errors import JourneymanError
from journeyman.train.model.folder import write_new_model
from journeyman.train.model.network import Network
from journeyman.train.tokenizer import PlainTokenizer

__all__ = ["LlamaSize", "create_llama"]

_HEAD = 32
_ROUND = 64


@dataclass(frozen=True, slots=True)
class LlamaSize:
    """How large it is; heads are of 32 channels, the feed-forward layer three times as wide."""

    width: int = 96
    """Channels of the residual stream, a multiple of 32."""
    num_layers: int = 3
    max_tokens: int = 4096
    """Longest sequence."""


def create_llama(folder: Path, tokenizer: PlainTokenizer, size: LlamaSize, *, seed: int) -> Network:
    """Make one in a new folder; the same seed gives the same weights.

    Raises `JourneymanError` if the folder exists, or for a width that heads do not divide.
    """
    if size.width < _HEAD or size.width % _HEAD:
        raise JourneymanError(f"a width of {size.width}", f"give a multiple of {_HEAD}")
    config = LlamaConfig(
        vocab_size=-(-tokenizer.vocab_size // _ROUND) * _ROUND,
        hidden_size=size.width,
        intermediate_size=3 * size.width,
        num_hidden_layers=size.num_layers,
        num_attention_heads=size.width // _HEAD,
        num_key_value_heads=size.width // _HEAD,
        max_position_embeddings=size.max_tokens,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.special_id("<|im_end|>"),
        pad_token_id=tokenizer.pad_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(LlamaForCausalLM(config), None)
    about = {"preset": "llama", "seed": seed, **asdict(size)}
    write_new_model(folder, network, tokenizer, about)
    return network
