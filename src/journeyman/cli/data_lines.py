"""Files that `journeyman data` writes: lines of JSON, never over another file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.types import Data

__all__ = ["refuse_existing", "write_lines"]


def refuse_existing(*paths: Path) -> None:
    """Raise `JourneymanError` for a file that would be overwritten."""
    for path in paths:
        if path.exists():
            raise JourneymanError(f"{path} exists already", "give another name, or remove this one")


def write_lines(path: Path, records: Sequence[Data]) -> None:
    """Write records as lines of JSON, all at once."""
    from journeyman.runs import write_atomic

    lines = [it.model_dump_json(exclude_defaults=True) for it in records]
    write_atomic(path, "".join(f"{line}\n" for line in lines))
