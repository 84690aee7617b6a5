"""Texts as sets of overlapping word groups, which is what likeness is measured on.

>>> sorted(shingles("a b c d", size=3))
['a b c', 'b c d']
"""

from __future__ import annotations

import re

from journeyman.types import Task

__all__ = ["changed_text", "shingles", "words"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+|[^\sA-Za-z0-9_]")


def words(text: str) -> list[str]:
    """Return the words, numbers and signs of a text, in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def shingles(text: str, *, size: int) -> set[str]:
    """Return every group of `size` words that follow one another; a shorter text is one group."""
    found = words(text)
    if not found:
        return set()
    return {" ".join(found[start : start + size]) for start in range(max(1, len(found) - size + 1))}


def changed_text(task: Task) -> str:
    """Return the lines that a task's gold patch takes away and brings, without their places."""
    return "\n".join(
        line
        for line in task.patch.split("\n")
        if line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- "))
    )
