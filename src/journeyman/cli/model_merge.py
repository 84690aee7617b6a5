"""`journeyman model merge`: experts of one base put together by their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from journeyman.cli.output import note, print_json
from journeyman.errors import JourneymanError

__all__ = ["merge"]


def merge(
    base: Path,
    /,
    *experts: Path,
    out: Path,
    method: Literal["average", "arithmetic", "ties", "dare"] = "average",
    scale: float = 1.0,
    keep: float = 0.2,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Merge models that were trained from one base into a new folder.

    Parameters
    ----------
    base
        Folder of the model that all experts began as.
    experts
        Their folders.
    out
        The new folder.
    method
        `average` of the experts; `arithmetic`: the base and the sum of differences; `ties`; `dare`.
    scale
        What the merged difference is multiplied by; not with `average`.
    keep
        Share of each difference that `ties` and `dare` keep.
    seed
        Of what `dare` keeps.
    json
        Print what was made as JSON.
    """
    from journeyman.train.extra import require_extra

    require_extra()
    if not experts:
        raise JourneymanError("no expert to merge", "name at least one model folder after the base")
    from journeyman.train.distill.merged_folder import merge_folders

    merge_folders(base, experts, out, method=method, scale=scale, keep=keep, seed=seed)
    if json:
        print_json({"model": str(out), "method": method, "experts": [str(it) for it in experts]})
    else:
        note(f"merged {len(experts)} models into {out}")
    return 0
