"""Which files a patch names: text, binary, renamed, copied, mode-only, and however Git quotes them.

Only the headers are read, as `git apply` reads them with one leading folder cut off; lines of hunks
that look like headers are not taken for any. Nothing is applied.

    >>> touched_paths(['diff --git "a/caf\\\\303\\\\251" "b/caf\\\\303\\\\251"\\nold mode 100644\\n'])
    ('café',)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["touched_paths"]

_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_MOVED = re.compile(r"^(?:rename|copy) (?:from|to) (.+)$")
_ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-7]{3})')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CONTROLS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
_NOWHERE = "/dev/null"


def touched_paths(patches: Iterable[str]) -> tuple[str, ...]:
    """List the files that unified Git diffs name, sorted; both ends of a rename or a copy."""
    return tuple(sorted({path for patch in patches for path in _names(patch.split("\n"))}))


def _names(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if hunk := _HUNK.match(line):
            at = _end_of_hunk(lines, at + 1, int(hunk[1] or 1), int(hunk[2] or 1))
            continue
        if line.startswith("diff --git "):
            yield from _both(line.removeprefix("diff --git "))
        elif moved := _MOVED.match(line):
            yield _unquoted(moved[1])
        elif line.startswith("--- ") and lines[at + 1 : at + 2] and lines[at + 1][:4] == "+++ ":
            yield from _old_and_new(line[4:], lines[at + 1][4:])
            at += 1
        at += 1


def _end_of_hunk(lines: list[str], at: int, num_old: int, num_new: int) -> int:
    """Return the index of the first line behind a hunk; a hunk that is cut short ends the patch."""
    while at < len(lines) and (num_old > 0 or num_new > 0):
        sign = lines[at][:1]
        num_old -= sign in ("-", " ", "")
        num_new -= sign in ("+", " ", "")
        at += 1
    return at


def _both(names: str) -> Iterator[str]:
    """Read a `diff --git` line, which says a name only where it is the same on both sides."""
    for left, right in _splits(names):
        if _stripped(left) == _stripped(right):
            yield _stripped(left)
            return


def _splits(names: str) -> Iterator[tuple[str, str]]:
    """Cut a line at every blank that may part its two names: plain names hold blanks themselves."""
    if quoted := _QUOTED.match(names):
        yield _unquoted(quoted[0]), _unquoted(names[quoted.end() + 1 :])
    elif names.endswith('"'):
        left, _, right = names.partition(' "')
        yield left, _unquoted(f'"{right}')
    else:
        for blank in re.finditer(" ", names):
            yield names[: blank.start()], names[blank.end() :]


def _old_and_new(old: str, new: str) -> Iterator[str]:
    for name in (old, new):
        # A tab ends a name: Git adds one where the name holds a blank, other programs a date.
        whole = _unquoted(name.partition("\t")[0])
        if whole != _NOWHERE:
            yield _stripped(whole)


def _stripped(name: str) -> str:
    first, slash, rest = name.partition("/")
    return rest if slash else first


def _unquoted(name: str) -> str:
    """Undo what Git does to unusual names; the bytes of one that is not UTF-8 become surrogates."""
    if not _QUOTED.fullmatch(name):
        return name
    data = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_byte, data).decode("utf-8", "surrogateescape")


def _byte(escape: re.Match[bytes]) -> bytes:
    sign = escape[1]
    if len(sign) == 3:
        return bytes([int(sign, 8) & 0xFF])
    return bytes([_CONTROLS.get(sign[0], sign[0])])
