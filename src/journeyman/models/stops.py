"""Where a growing text ends at a stop text, and how much of it is safe to show.

>>> first_stop("one STOP two", ("STOP",)), safe_end("one ST", ("STOP",))
(4, 4)
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["first_stop", "safe_end"]


def first_stop(text: str, stops: Sequence[str], start: int = 0) -> int | None:
    """Return where the first stop text begins, looked for from `start` on; None without one."""
    found = [at for stop in stops if (at := text.find(stop, start)) >= 0]
    return min(found, default=None)


def safe_end(text: str, stops: Sequence[str]) -> int:
    """Return where the text ends without what may be the beginning of a stop."""
    longest = max((len(stop) for stop in stops), default=0)
    for start in range(max(0, len(text) - longest + 1), len(text)):
        if any(stop.startswith(text[start:]) for stop in stops):
            return start
    return len(text)
