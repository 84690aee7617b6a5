"""A unified diff as lines that a page can number and colour.

>>> [line.sign for line in read_diff("@@ -1 +1 @@\\n-a\\n+b")]
['@', '-', '+']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from journeyman.web.reading.text import cut, visible

__all__ = ["DiffLine", "DiffView", "read_diff", "view_diff"]

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_MOST_SHOWN = 400_000
_MOST_LINE = 4_000


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff."""

    sign: str
    """`+`, `-`, a space, `@` for a hunk's head, `f` for a file's, `m` for anything else."""
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class DiffView:
    """A diff for a page."""

    lines: list[DiffLine]
    num_added: int
    num_removed: int
    num_files: int
    num_left: int
    """Characters that are not shown."""


def view_diff(text: str) -> DiffView | None:
    """Return a diff cut to what a page can hold; None where there is nothing."""
    if not text.strip():
        return None
    shown, num_left = cut(text, _MOST_SHOWN)
    lines = read_diff(shown)
    return DiffView(
        lines,
        sum(it.sign == "+" for it in lines),
        sum(it.sign == "-" for it in lines),
        sum(it.sign == "f" for it in lines),
        num_left,
    )


def read_diff(text: str) -> list[DiffLine]:
    """Return the lines of a unified diff, with the line numbers of both sides."""
    return list(_read(text))


def _read(text: str) -> Iterator[DiffLine]:
    old = new = old_left = new_left = 0
    for line in text.rstrip("\n").split("\n"):
        if old_left > 0 or new_left > 0:
            sign = line[:1] or " "
            if sign in "+- ":
                is_old, is_new = sign != "+", sign != "-"
                yield DiffLine(
                    sign, _clean(line[1:]), old if is_old else None, new if is_new else None
                )
                old, new = old + is_old, new + is_new
                old_left, new_left = old_left - is_old, new_left - is_new
                continue
            if sign == "\\":
                yield DiffLine("m", _clean(line))
                continue
            old_left = new_left = 0
        if found := _HUNK.match(line):
            old, new = int(found[1]), int(found[3])
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)
            yield DiffLine("@", _clean(line))
        else:
            yield DiffLine("f" if line.startswith("diff --git ") else "m", _clean(line))


def _clean(line: str) -> str:
    shown, left = cut(line, _MOST_LINE)
    return visible(shown) + (f" … {left} more characters" if left else "")
