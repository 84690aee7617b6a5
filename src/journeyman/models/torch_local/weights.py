"""Weights of a model on this machine: read from a folder, and replaced in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as library_logging

from journeyman.errors import JourneymanError
from journeyman.models.local_settings import LocalSettings

__all__ = ["copy_weights", "load_folder"]

# The library's bars would end up between our own lines.
library_logging.disable_progress_bar()
# That a GPU's kernels are missing need not be said on every start.
library_logging.set_verbosity_error()


def load_folder(settings: LocalSettings) -> tuple[Any, Any]:
    """Return the network and the tokenizer of a folder. Raises `JourneymanError`."""
    folder = settings.path
    if not (folder / "config.json").is_file():
        raise JourneymanError(
            f"no model in {folder}",
            "write hf:FOLDER of one in the Hugging Face layout, or make one: journeyman model init",
        )
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    named = settings.dtype or ("float32" if device == "cpu" else "auto")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        module = AutoModelForCausalLM.from_pretrained(folder, dtype=named, local_files_only=True)
        return module.to(device).eval(), tokenizer
    except Exception as error:
        # Whatever is wrong with a folder, the library says with some exception or other.
        reason = " ".join(str(error).split())[:300]
        raise JourneymanError(
            f"the model in {folder} cannot be read: {reason}", "restore its files"
        ) from error


@torch.no_grad()
def copy_weights(module: Any, state: Mapping[str, Any]) -> None:
    """Copy `state` over the module's weights, all or nothing. Raises `JourneymanError`."""
    own = module.state_dict()
    unknown = sorted(state.keys() - own.keys())
    if unknown:
        raise _unfit(f"{unknown[0]} is no weight of it")
    given = {own[name].data_ptr() for name in state}
    missing = [name for name, it in own.items() if it.data_ptr() not in given]
    if missing:
        raise _unfit(f"{missing[0]} is missing")
    for name, value in state.items():
        if value.shape != own[name].shape:
            raise _unfit(f"{name} has the shape {tuple(value.shape)}, not {tuple(own[name].shape)}")
    for name, value in state.items():
        own[name].copy_(value)


def _unfit(reason: str) -> JourneymanError:
    return JourneymanError(
        f"these weights do not fit the model: {reason}", "give those of the same architecture"
    )
