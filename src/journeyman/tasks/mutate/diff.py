"""Unified Git diffs of one contiguous change, written from bytes, and their exact reverse.

Only `\\n` ends a line, so carriage returns and any other character survive.

    >>> print(unified_diff("a.py", b"x = 1\\n", b"x = 2\\n"), end="")
    diff --git a/a.py b/a.py
    --- a/a.py
    +++ b/a.py
    @@ -1 +1 @@
    -x = 1
    +x = 2
"""

from __future__ import annotations

import re

__all__ = ["is_safe_path", "reverse_diff", "unified_diff"]

NUM_CONTEXT_LINES = 3
NO_NEWLINE = "\\ No newline at end of file\n"
HUNK = re.compile(r"^@@ -(\S+) \+(\S+) @@(.*)$", re.DOTALL)


def is_safe_path(path: str) -> bool:
    """Tell whether a path can stand in a diff's header without being quoted."""
    return path.isprintable() and not set(path) & set('"\\') and not path.startswith("/")


def unified_diff(path: str, before: bytes, after: bytes) -> str:
    """Return the Git diff from `before` to `after`, both UTF-8; "" where they are equal.

    Everything between the first and the last changed line is one hunk, which is exact and minimal
    for a single edit. Raises `UnicodeDecodeError` where the changed region is not UTF-8.
    """
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    first = max(0, head - NUM_CONTEXT_LINES)
    last_old = min(len(old), len(old) - tail + NUM_CONTEXT_LINES)
    context_end = old[len(old) - tail : last_old]
    hunk = [
        *(" " + _text(line) for line in old[first:head]),
        *("-" + _text(line) for line in old[head : len(old) - tail]),
        *("+" + _text(line) for line in new[head : len(new) - tail]),
        *(" " + _text(line) for line in context_end),
    ]
    num_new = (head - first) + (len(new) - tail - head) + len(context_end)
    ranges = f"@@ -{_range(first, last_old - first)} +{_range(first, num_new)} @@\n"
    mark = "\t" if " " in path else ""
    header = f"diff --git a/{path} b/{path}\n--- a/{path}{mark}\n+++ b/{path}{mark}\n"
    return header + ranges + "".join(hunk)


def reverse_diff(patch: str) -> str:
    """Return the diff that undoes `patch`, which only changes files that exist before and after."""
    lines: list[str] = []
    removed: list[str] = []
    added: list[str] = []
    current, is_in_hunk = lines, False
    for line in _split(patch):
        if is_in_hunk and line[0] in "+-":
            current = added if line[0] == "-" else removed
            current.append(("+" if line[0] == "-" else "-") + line[1:])
        elif line == NO_NEWLINE:
            current.append(line)
        else:
            is_in_hunk = line.startswith("@@") or (is_in_hunk and line.startswith(" "))
            lines += removed + added
            removed, added, current = [], [], lines
            lines.append(_reversed_header(line))
    return "".join(lines + removed + added)


def _reversed_header(line: str) -> str:
    found = HUNK.match(line)
    return f"@@ -{found[2]} +{found[1]} @@{found[3]}" if found else line


def _split(patch: str) -> list[str]:
    return [part + "\n" for part in patch.split("\n")[:-1]]


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _common(left: list[bytes], right: list[bytes]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _range(first: int, count: int) -> str:
    start = first + 1 if count else first
    return f"{start}" if count == 1 else f"{start},{count}"


def _text(line: bytes) -> str:
    decoded = line.decode("utf-8")
    return decoded if decoded.endswith("\n") else decoded + "\n" + NO_NEWLINE
