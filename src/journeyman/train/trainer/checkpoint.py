"""Checkpoints: everything that the next step depends on, in folders that are whole or absent.

`checkpoints/step_000100/` holds `weights.safetensors` (of what is trained: with adapters, theirs alone),
`optimizer.pt` and `state.json`. Rows are a function of the step, and the model has no dropout, so
nothing else has to be kept. The same files are written by one process and by many; the optimiser's
states of a sharded run are by name, so that it goes on sharded.

    save_checkpoint(home, 100, processes, optimizer)
    step = load_newest(home, processes, optimizer)      # None if there is none
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from journeyman.cache import fill_once, sweep
from journeyman.errors import JourneymanError
from journeyman.runs.storage import explain_storage, write_atomic
from journeyman.train.trainer.processes import Processes

__all__ = ["list_checkpoints", "load_newest", "save_checkpoint"]


def save_checkpoint(
    home: Path | None,
    num_done: int,
    processes: Processes,
    optimizer: torch.optim.Optimizer,
    *,
    keep: int = 2,
) -> None:
    """Write the checkpoint after `num_done` steps, then remove all but the newest `keep`.

    All processes call it; the first has a `home` and writes. A full disk raises `JourneymanError` and
    leaves the older checkpoints as they were.
    """
    weights, states = processes.weights(), processes.optimizer_state(optimizer)
    if home is None:
        return
    place = home / f"step_{num_done:06d}"

    def fill(scratch: Path) -> None:
        plain = {name: it.contiguous() for name, it in weights.items()}
        save_file(plain, scratch / "weights.safetensors", metadata={"format": "pt"})
        torch.save(states, scratch / "optimizer.pt")
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


def list_checkpoints(home: Path) -> list[Path]:
    """Return the checkpoints of a run, the oldest first."""
    return sorted(path for path in home.glob("step_*") if (path / "state.json").is_file())


def load_newest(
    home: Path | None, processes: Processes, optimizer: torch.optim.Optimizer
) -> int | None:
    """Read the newest checkpoint into network and optimiser; return the steps done, None if none.

    All processes call it; the first has a `home` and reads. Raises `JourneymanError` for one that is
    broken.
    """
    found: tuple[int, dict[str, Any], dict[str, Any]] | None = None
    place = _newest(home)
    if place is not None:
        found = _read(place)
    if processes.number > 1:
        box = [None if found is None else found[0]]
        torch.distributed.broadcast_object_list(box, src=0)
        if box[0] is None:
            return None
        found = found or (box[0], {}, {})
    if found is None:
        return None
    try:
        processes.set_weights(found[1])
        processes.set_optimizer_state(optimizer, found[2])
    except (ValueError, KeyError, RuntimeError) as error:
        raise _broken(place, error) from error
    return found[0]


def _newest(home: Path | None) -> Path | None:
    if home is None or not home.is_dir():
        return None
    sweep(home)
    return next(reversed(list_checkpoints(home)), None)


def _read(place: Path) -> tuple[int, dict[str, Any], dict[str, Any]]:
    try:
        weights = load_file(place / "weights.safetensors")
        states = torch.load(place / "optimizer.pt", map_location="cpu", weights_only=True)
        return int(json.loads((place / "state.json").read_text())["num_done"]), weights, states
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _broken(place, error) from error


def _broken(place: Path | None, error: Exception) -> JourneymanError:
    reason = " ".join(str(error).split())
    return JourneymanError(
        f"the checkpoint {place} cannot be read: {reason}",
        f"remove it, so that an older one is taken: rm -r {place}",
    )
