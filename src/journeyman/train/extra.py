"""Whether the libraries of the extra `train` are there; everything that needs them asks here first."""

from __future__ import annotations

import importlib.util

from journeyman.errors import JourneymanError

__all__ = ["require_extra"]


def require_extra() -> None:
    """Raise `JourneymanError` with the command that installs what is missing, if anything is."""
    for name in ("torch", "transformers", "tokenizers", "safetensors"):
        if importlib.util.find_spec(name) is None:
            raise JourneymanError(
                f"{name} is not installed, and models are made and trained with it",
                "make setup UV_EXTRAS='--extra llama --extra train'",
            )
