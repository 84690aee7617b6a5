"""How a model's folder is sampled with PyTorch."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from journeyman.config import Config

__all__ = ["LocalSettings"]


class LocalSettings(Config):
    """How a model's folder is sampled with PyTorch."""

    path: Path = Path()
    """The folder, in the Hugging Face layout."""
    num_slots: int = Field(default=32, ge=1)
    """Completions drawn in one batch; further ones wait."""
    context_tokens: int = Field(default=0, ge=0)
    """Longest prompt and completion together; 0 takes what the model was made for."""
    num_threads: int = Field(default=0, ge=0)
    """Threads that compute; 0 takes `OMP_NUM_THREADS`, or every core there is."""
    num_read_tokens: int = Field(default=512, ge=1)
    """Tokens of a new prompt that are read between two steps of the batch."""
    prefix_bytes: int = Field(default=1 << 30, ge=0)
    """Memory for what earlier prompts computed, so that longer ones begin with it."""
    device: str = ""
    """Where it computes, e.g. `cpu` or `cuda:1`; empty takes a GPU where there is one."""
    dtype: str = ""
    """Of the weights, e.g. `bfloat16`; empty takes float32 on a CPU, else the folder's own."""
