"""What was read of a run before, kept in the user's cache folder so that a big run opens at once.

A memory holds for a file that still begins with the same bytes and is not shorter than before; it says
at which offset reading goes on. The run's folder is never written to.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from journeyman.config import cache_folder
from journeyman.runs import write_atomic

__all__ = ["recall", "remember"]

_VERSION = 1
_HEAD_BYTES = 4096


def recall(path: Path, what: str) -> dict[str, Any] | None:
    """Return what was remembered of a file, if the file has only grown since."""
    try:
        kept = from_json(_place(path, what).read_bytes())
        if kept["version"] != _VERSION or path.stat().st_size < kept["offset"]:
            return None
        found: dict[str, Any] = kept["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {**found, "offset": kept["offset"]} if kept["head"] == _head(path) else None


def remember(path: Path, what: str, state: dict[str, Any], offset: int) -> None:
    """Keep what was read of a file up to an offset; where nothing can be kept, nothing is."""
    with contextlib.suppress(Exception):
        record = {"version": _VERSION, "offset": offset, "head": _head(path), "state": state}
        write_atomic(_place(path, what), to_json(record))


def _place(path: Path, what: str) -> Path:
    name = hashlib.sha256(f"{path.resolve()} {what}".encode()).hexdigest()[:24]
    return cache_folder("viewer") / f"{name}.json"


def _head(path: Path) -> str:
    """Digest the beginning of a file as far as it was there when it was short."""
    with open(path, "rb") as file:
        line = file.read(_HEAD_BYTES).split(b"\n", 1)[0]
    return hashlib.sha256(line).hexdigest()
