"""Strings of which parts are not known before a command runs.

A hole is one control character that nobody types (of Latin-1: see `shell.syntax`) inside an ordinary
string, so that every string operation still works on what is known. `UNKNOWN` is harmless ignorance,
e.g. a variable of the environment or the output of `date`; `OPAQUE` came out of a decoder that could
not be followed.

    >>> is_known("git " + UNKNOWN), without_holes("gi" + UNKNOWN + "t")
    (False, 'git')
"""

from __future__ import annotations

__all__ = ["OPAQUE", "UNKNOWN", "WEAKENED", "is_known", "is_opaque", "shown", "without_holes"]

UNKNOWN = "\x9e"
OPAQUE = "\x9f"

WEAKENED = f"{UNKNOWN}weakened{UNKNOWN}"
"""What a filter prints that took checks out of a file that is not known."""

_REMOVE = str.maketrans("", "", UNKNOWN + OPAQUE)
_SHOW = str.maketrans({UNKNOWN: "…", OPAQUE: "…"})


def is_known(text: str) -> bool:
    """Say whether nothing of `text` is missing."""
    return UNKNOWN not in text and OPAQUE not in text


def is_opaque(text: str) -> bool:
    """Say whether a part of `text` came out of a decoder that could not be followed."""
    return OPAQUE in text


def without_holes(text: str) -> str:
    """Return what is known of `text`."""
    return text.translate(_REMOVE)


def shown(text: str, limit: int = 200) -> str:
    """Return `text` for people: holes as `…`, one line, cut to `limit` characters."""
    line = " ".join(text.translate(_SHOW).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
