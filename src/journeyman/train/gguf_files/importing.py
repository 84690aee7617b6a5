"""From a GGUF file to a model's folder in the Hugging Face layout, weights dequantised.

import_gguf(Path("model.gguf"), Path("models/smollm2"))
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import gguf
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from journeyman.cache import fill_once
from journeyman.errors import JourneymanError
from journeyman.runs.storage import explain_storage
from journeyman.train.gguf_files.vocabulary import read_vocabulary
from journeyman.train.model.folder import save_network
from journeyman.train.model.network import Network
from journeyman.train.tokenizer import PlainTokenizer, save_tokenizer

__all__ = ["import_gguf"]


def import_gguf(path: Path, folder: Path) -> Path:
    """Write the model of a GGUF file, in float32, as a new folder that is whole or absent.

    Raises `JourneymanError` if the folder exists, or for a file that is broken or of an architecture
    or a tokenizer that is not known.
    """
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "give another folder, or remove this one")
    if not path.is_file():
        raise JourneymanError(f"no file {path}", "give a GGUF file")
    tokenizer = _read_tokenizer(path)
    base = _read_weights(path)

    def fill(scratch: Path) -> None:
        save_network(Network(base), scratch)
        save_tokenizer(tokenizer, scratch)

    with explain_storage(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        return fill_once(folder, fill)


def _read_tokenizer(path: Path) -> PlainTokenizer:
    try:
        return read_vocabulary(gguf.GGUFReader(path))
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise _broken(path, error) from error


def _read_weights(path: Path) -> Any:
    logging.disable_progress_bar()
    try:
        # One bar of the library is drawn whatever it was told.
        with contextlib.redirect_stderr(io.StringIO()):
            base = AutoModelForCausalLM.from_pretrained(
                str(path.parent), gguf_file=path.name, dtype=torch.float32, local_files_only=True
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _broken(path, error) from error
    # The library refuses to save what was once quantised, though its weights no longer are.
    base.hf_quantizer, base.is_quantized = None, False
    base.config.__dict__.pop("quantization_config", None)
    return base


def _broken(path: Path, error: Exception) -> JourneymanError:
    reason = " ".join(str(error).split())[:200]
    return JourneymanError(f"{path} cannot be read: {reason}", "fetch the file again")
