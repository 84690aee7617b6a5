"""Checkpoints: everything that the next step depends on, in folders that are whole or absent.

`checkpoints/step_000100/` holds `weights.safetensors`, `optimizer.pt` and `state.json`. Rows are a
function of the step, and the model has no dropout, so nothing else has to be kept.

    save_checkpoint(home, 100, network, optimizer)
    step = load_newest(home, network, optimizer)      # None if there is none
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from journeyman.cache import fill_once, sweep
from journeyman.errors import JourneymanError
from journeyman.runs.storage import explain_storage, write_atomic

__all__ = ["list_checkpoints", "load_newest", "save_checkpoint"]


def save_checkpoint(
    home: Path,
    num_done: int,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    keep: int = 2,
) -> Path:
    """Write the checkpoint after `num_done` steps, then remove all but the newest `keep`.

    A full disk raises `JourneymanError` and leaves the older checkpoints as they were.
    """
    place = home / f"step_{num_done:06d}"

    def fill(scratch: Path) -> None:
        save_model(network, str(scratch / "weights.safetensors"))
        torch.save(optimizer.state_dict(), scratch / "optimizer.pt")
        write_atomic(scratch / "state.json", json.dumps({"num_done": num_done}) + "\n")

    with explain_storage(home):
        home.mkdir(parents=True, exist_ok=True)
        try:
            fill_once(place, fill)
        except (RuntimeError, SafetensorError) as error:
            # What the libraries make of an error of the system: its own words are in the text.
            raise JourneymanError(
                f"cannot write the checkpoint {place}: {' '.join(str(error).split())}",
                "free some space, then give the same command with --resume",
            ) from error
    for old in list_checkpoints(home)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def list_checkpoints(home: Path) -> list[Path]:
    """Return the checkpoints of a run, the oldest first."""
    return sorted(path for path in home.glob("step_*") if (path / "state.json").is_file())


def load_newest(
    home: Path, network: nn.Module, optimizer: torch.optim.Optimizer, *, device: Any = "cpu"
) -> int | None:
    """Read the newest checkpoint into network and optimiser; return the steps done, None if none.

    Raises `JourneymanError` for one that is broken.
    """
    if not home.is_dir():
        return None
    sweep(home)
    found = list_checkpoints(home)
    if not found:
        return None
    try:
        load_model(network, str(found[-1] / "weights.safetensors"), device=str(device))
        states = torch.load(found[-1] / "optimizer.pt", map_location=device, weights_only=True)
        optimizer.load_state_dict(states)
        return int(json.loads((found[-1] / "state.json").read_text())["num_done"])
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise JourneymanError(
            f"the checkpoint {found[-1]} cannot be read: {reason}",
            f"remove it, so that an older one is taken: rm -r {found[-1]}",
        ) from error
