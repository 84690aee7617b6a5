"""How low-rank adapters are shaped; every field is a flag and a key of the config."""

from __future__ import annotations

from pydantic import Field

from journeyman.config import Config

__all__ = ["LoraSettings"]


class LoraSettings(Config):
    """Low-rank adapters (LoRA)."""

    rank: int = Field(default=0, ge=0)
    """Rank of the adapters; 0 trains all weights instead."""
    alpha: float = Field(default=32.0, gt=0)
    """What the adapters are scaled by, divided by the rank."""
    targets: tuple[str, ...] = ()
    """Ends of the names of the layers that have one; all linear layers where none is given."""
