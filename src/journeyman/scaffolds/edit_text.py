"""Texts as an editor shows and changes them: numbered lines, places of a passage, near misses.

Pure functions; a line ends with a line feed and nothing else, so that what is not changed stays.

    >>> number_lines("a\\nb\\n", 2, 2)
    '     2\\tb'
"""

from __future__ import annotations

import difflib
import re

__all__ = [
    "count_lines",
    "explain_absence",
    "insert_lines",
    "line_end_of",
    "lines_of",
    "number_lines",
    "places_of",
    "show_around",
    "to_shown",
]

_LINE_CHARACTERS = 1000
_CONTEXT_LINES = 4
_MOST_SHOWN_LINES = 60
_MOST_SEARCHED_LINES = 5000
_NUMBERED = re.compile(r"\s*\d+\t")


def lines_of(text: str) -> list[str]:
    """Split into lines that keep their line feeds; joined, they are the text again."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def count_lines(text: str) -> int:
    """Number of lines; a last one without a line feed counts."""
    return text.count("\n") + (not text.endswith("\n") and bool(text))


def to_shown(text: str) -> str:
    """Replace what is no valid text (bytes of another encoding) by a mark."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def line_end_of(text: str) -> str:
    """`\\r\\n` where every line ends so, as on Windows, else a line feed."""
    num_windows = text.count("\r\n")
    return "\r\n" if num_windows and num_windows == text.count("\n") else "\n"


def number_lines(text: str, first: int, last: int) -> str:
    """Lines `first` to `last`, counted from 1, both included, each behind its number."""
    shown = lines_of(text)[first - 1 : last]
    return "\n".join(
        f"{number:6}\t{_short(line)}" for number, line in enumerate(shown, start=first)
    )


def _short(line: str) -> str:
    line = to_shown(line.rstrip("\r\n"))
    cut = len(line) - _LINE_CHARACTERS
    return line if cut <= 0 else f"{line[:_LINE_CHARACTERS]} [… {cut} more characters]"


def show_around(text: str, start: int, length: int) -> str:
    """The numbered lines around `length` characters from `start`, the middle of many left out."""
    first = text.count("\n", 0, start) + 1
    last = first + text.count("\n", start, start + max(length - 1, 0))
    top, bottom = max(1, first - _CONTEXT_LINES), last + _CONTEXT_LINES
    if bottom - top < _MOST_SHOWN_LINES:
        return number_lines(text, top, bottom)
    half = _MOST_SHOWN_LINES // 2
    return "\n".join(
        (number_lines(text, top, top + half), "…", number_lines(text, bottom - half, bottom))
    )


def places_of(passage: str, text: str) -> list[int]:
    """Where each occurrence starts, overlapping ones included."""
    found = []
    start = text.find(passage)
    while start >= 0:
        found.append(start)
        start = text.find(passage, start + 1)
    return found


def insert_lines(text: str, after: int, added: str) -> tuple[str, int]:
    """Put whole lines after line `after` (0: at the top); the new text, and where they start."""
    lines = lines_of(text)
    before, behind = "".join(lines[:after]), "".join(lines[after:])
    end = line_end_of(text)
    if before and not before.endswith("\n"):
        before += end
    if not added.endswith("\n"):
        added += end
    return before + added + behind, len(before)


def explain_absence(passage: str, text: str) -> str:
    """Say what may be wrong with a passage that does not occur in the text."""
    wanted = passage.strip("\n").split("\n")
    if all(_NUMBERED.match(line) for line in wanted):
        return "Leave out the line numbers that `view` puts before each line."
    lines = text.split("\n")[:_MOST_SEARCHED_LINES]
    stripped = [line.strip() for line in lines]
    target = [line.strip() for line in wanted]
    for index in range(len(stripped) - len(target) + 1):
        if stripped[index : index + len(target)] == target:
            shown = number_lines(text, index + 1, index + len(target))
            return f"The same text with other white space stands here:\n{shown}"
    near = difflib.get_close_matches(next(filter(None, target), ""), stripped, n=1, cutoff=0.6)
    if not near:
        return "No line of the file is like it."
    number = stripped.index(near[0]) + 1
    return f"The nearest line is:\n{number_lines(text, number, number)}"
