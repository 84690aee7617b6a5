"""A share of the data set aside by name, whatever lies beside it.

>>> share_of("a.py") == share_of("a.py")
True
"""

from __future__ import annotations

import hashlib

__all__ = ["share_of"]


def share_of(key: str) -> float:
    """Return a number in [0, 1) that only the key decides, uniform over keys."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
