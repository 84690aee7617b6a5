"""How much processor time this process and everything under it has used, sandboxes included.

Sandboxes are grandchildren of a process that lives on, so the time of ended children alone, which the
system keeps for us, leaves out nearly all of it.

    >>> before = cpu_seconds()
    >>> cpu_seconds() >= before
    True
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpu_seconds"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_FIRST_TIME = 11
"""Of the fields of `/proc/PID/stat` after the name: user, system, and both of ended children."""


def cpu_seconds() -> float:
    """Return processor seconds of this process, of its ended and of its living descendants."""
    return sum(_times(pid) for pid in _family(os.getpid())) / _TICKS_PER_S


def _family(pid: int) -> Iterator[int]:
    pending = [pid]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(_children(found))


def _children(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, path.read_text().split())
        except OSError:
            continue


def _times(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_FIRST_TIME : _FIRST_TIME + 4]))
