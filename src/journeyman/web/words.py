"""Figures as people read them: filters of the pages' templates.

>>> duration(3725)
'1 h 2 min'
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from journeyman.web.pages.piece import prose
from journeyman.web.reading.text import visible

__all__ = ["FILTERS", "compact", "duration", "moment", "percent"]

MARKS = {
    "solved": "✓",
    "unsolved": "✗",
    "failed": "!",
    "running": "▶",
    "draining": "▶",
    "finished": "■",
    "interrupted": "‖",
    "stalled": "‖",
    "unknown": "?",
}
WORDS = {"failed": "left out"}


def duration(seconds: float | None) -> str:
    """Return a time span in the two largest units that matter."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"


def compact(number: float | None) -> str:
    """Return a count with at most three digits that matter.

    >>> compact(1234567)
    '1.23 M'
    """
    if number is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size * 0.99995:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.3g}" if isinstance(number, float) else f"{number:,}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in percent; a dash where there is none."""
    return "\u2013" if share is None else f"{100 * share:.{digits}f} %"


def moment(at: float | None) -> str:
    """Return a Unix time as date and time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) if at else ""


def money(value: float | None) -> str:
    """Return a price in dollars."""
    return f"${value or 0:,.2f}"


def mark(outcome: str) -> str:
    """Return the sign that goes with an outcome or a state, so that colour never stands alone."""
    return MARKS.get(outcome, "•")


def outcome_word(outcome: str) -> str:
    """Return what an outcome is called."""
    return WORDS.get(outcome, outcome)


FILTERS: dict[str, Callable[..., Any]] = {
    "compact": compact,
    "duration": duration,
    "mark": mark,
    "moment": moment,
    "money": money,
    "outcome_word": outcome_word,
    "percent": percent,
    "prose": prose,
    "visible": lambda value: visible(str(value)),
}
"""By the names that templates use."""
