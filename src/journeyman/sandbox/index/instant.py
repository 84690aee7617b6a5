"""Instants as indexes write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

__all__ = ["is_before", "read_instant"]


def read_instant(text: Any) -> datetime | None:
    """Read an ISO 8601 instant, UTC where it names no zone; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_before(text: Any, instant: datetime) -> bool:
    """Tell whether an index's date is known and earlier."""
    found = read_instant(text)
    return found is not None and found < instant
