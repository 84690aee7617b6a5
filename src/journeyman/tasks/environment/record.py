"""What a built environment was asked to be, so that it is found again by that.

An environment's digest is that of what was installed, which is known only afterwards, and which a
missing index changes. Its folder keeps the digest of the order beside it, in `build.json`.

    >>> find_built(Path("tasksets/toolz/environments"), order)  # doctest: +SKIP
    Built(place=…, record=BuildRecord(order='5c1d…', is_offline=False))
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from journeyman.types import Data

__all__ = ["BuildRecord", "Built", "find_built", "read_record", "write_record"]

_NAME = "build.json"


class BuildRecord(Data):
    """What one build was for, and what it may have lacked."""

    order: str
    """Digest of the project's state and of the interpreter that the build was for."""
    is_offline: bool
    """Whether the index could not be reached, so that another day may install something else."""
    rung: str = "convention"
    """How it was found: `lock`, the project's own lock file; `convention`; or `agent`, a model."""


class Built(NamedTuple):
    """A finished environment's folder, and its record."""

    place: Path
    record: BuildRecord


def find_built(environments: Path, order: str) -> Built | None:
    """Return the environment built for an order, the one made with the index before any other."""
    paths = sorted(environments.glob("*/environment.json"))
    places = [path.parent for path in paths if not path.parent.name.startswith(".")]
    found = [built for built in map(_read, places) if built and built.record.order == order]
    return min(found, key=lambda built: built.record.is_offline, default=None)


def read_record(place: Path) -> BuildRecord:
    """Read the record of an environment; `OSError` or `ValueError` where there is none to read."""
    return BuildRecord.model_validate_json((place / _NAME).read_text(encoding="utf-8"))


def write_record(place: Path, record: BuildRecord) -> None:
    """Write the record of an environment, over an older one if there is any."""
    scratch = place / f"{_NAME}.new"
    scratch.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    scratch.replace(place / _NAME)


def _read(place: Path) -> Built | None:
    try:
        return Built(place, read_record(place))
    except (OSError, ValueError):
        return None
