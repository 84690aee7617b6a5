"""Unified Git diffs of many changes in many files, and the lines that a diff changes.

Every run of changed lines becomes a hunk of its own, so that lines in between are no part of the change;
`mutate.unified_diff`, which knows of one edit, makes one hunk of everything.

    >>> changed_places(diff_files({"a.py": (b"x = 1\\n", b"x = 2\\n")}))
    (Place(path='a.py', first=1, last=1),)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from journeyman.types import Data

__all__ = ["Place", "changed_places", "diff_file", "diff_files"]

NUM_CONTEXT_LINES = 3
NO_NEWLINE = "\\ No newline at end of file\n"
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)
_FILE = re.compile(r"^--- a/([^\t\n]+)", re.MULTILINE)

Opcodes = list[tuple[str, int, int, int, int]]


class Place(Data):
    """Lines of a file, counted from 1, both included."""

    path: str
    first: int
    last: int


def diff_files(changes: Mapping[str, tuple[bytes, bytes]]) -> str:
    """Return the Git diff of files that are there before and after, by path; "" where none differs."""
    return "".join(diff_file(path, *changes[path]) for path in sorted(changes))


def diff_file(path: str, before: bytes, after: bytes) -> str:
    """Return the Git diff of one file, both states UTF-8."""
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    mark = "\t" if " " in path else ""
    parts = [f"diff --git a/{path} b/{path}\n--- a/{path}{mark}\n+++ b/{path}{mark}\n"]
    for group in matcher.get_grouped_opcodes(NUM_CONTEXT_LINES):
        parts += _hunk(group, old, new)
    return "".join(parts)


def changed_places(patch: str) -> tuple[Place, ...]:
    """Return the lines of the state before that a diff replaces, or between which it adds some."""
    places: list[Place] = []
    for part in re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE):
        named = _FILE.search(part)
        if named is not None:
            places += _places(named[1], part)
    return tuple(places)


def _places(path: str, part: str) -> Iterator[Place]:
    starts = list(_HUNK.finditer(part))
    ends = [*(found.start() for found in starts[1:]), len(part)]
    for found, end in zip(starts, ends, strict=True):
        line = int(found[1]) + (found[2] == "0")
        touched: list[int] = []
        for text in part[found.end() : end].split("\n")[1:]:
            if text.startswith("-"):
                touched.append(line)
            elif text.startswith("+"):
                touched.append(max(1, line - 1))
            line += text[:1] in ("-", " ")
        if touched:
            yield Place(path=path, first=min(touched), last=max(touched))


def _hunk(group: Opcodes, old: list[bytes], new: list[bytes]) -> Iterator[str]:
    first, last = group[0], group[-1]
    ranges = f"-{_range(first[1], last[2])} +{_range(first[3], last[4])}"
    yield f"@@ {ranges} @@\n"
    for tag, old_start, old_end, new_start, new_end in group:
        if tag == "equal":
            yield from (" " + _text(line) for line in old[old_start:old_end])
            continue
        yield from ("-" + _text(line) for line in old[old_start:old_end])
        yield from ("+" + _text(line) for line in new[new_start:new_end])


def _range(start: int, end: int) -> str:
    count = end - start
    first = start + 1 if count else start
    return f"{first}" if count == 1 else f"{first},{count}"


def _lines(data: bytes) -> list[bytes]:
    """Only a newline ends a line, so that carriage returns survive."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _text(line: bytes) -> str:
    decoded = line.decode("utf-8")
    return decoded if decoded.endswith("\n") else decoded + "\n" + NO_NEWLINE
