"""Folders of experts merged into a new folder: what `journeyman model merge` does.

merge_folders(base, experts, target, method="ties", scale=1.0, keep=0.2, seed=0)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.train.distill.merging import Method, merge
from journeyman.train.model.folder import load_network
from journeyman.train.stages.result import save_result
from journeyman.train.tokenizer import load_tokenizer

__all__ = ["merge_folders"]


def merge_folders(
    base: Path,
    experts: Sequence[Path],
    target: Path,
    *,
    method: Method = "average",
    scale: float = 1.0,
    keep: float = 0.2,
    seed: int = 0,
) -> Path:
    """Merge experts of one base and save the result; the tokenizer is the base's.

    Raises `JourneymanError` if the target is there already or an expert is of another base.
    """
    if target.exists():
        raise JourneymanError(f"{target} exists already", "give another folder, or remove this one")
    network = load_network(base)
    states = [load_network(folder).state_dict() for folder in experts]
    merged = merge(network.state_dict(), states, method=method, scale=scale, keep=keep, seed=seed)
    network.load_state_dict(merged)
    target.parent.mkdir(parents=True, exist_ok=True)
    return save_result(network, load_tokenizer(base), target)
