"""What a student kept of what its teachers had gained over the model that all began with."""

from __future__ import annotations

__all__ = ["retention"]


def retention(base: float, expert: float, student: float) -> float | None:
    """Return (student - base) / (expert - base); None where the expert gained nothing.

    >>> retention(0.2, 0.7, 0.65)
    0.9
    """
    gained = expert - base
    return round((student - base) / gained, 12) if gained > 0 else None
