"""Whose doing it is that a step of grading failed: the machine's, or that of what was tried.

Not a judge of tests: it looks at how a command ended, never at a test's outcome.

    if not succeeded(done, "the patch"):
        ...  # the program itself refused
"""

from __future__ import annotations

import re

from journeyman.errors import AttributedError
from journeyman.sandbox import Executed

__all__ = ["DETAIL_CHARACTERS", "succeeded"]

_REFUSED = (1, 128)
"""How `git apply`, `mv` and `cp` end when they refuse: an error (1), Git's fatal error (128)."""

_CANNOT_RUN = (126, 127)
DETAIL_CHARACTERS = 500
"""Most that a failure's detail takes of what a program said."""

# What the system refused stands at a line's end, behind a colon; elsewhere it may be a file's name.
_DISK_FULL = re.compile(r": (?:No space left on device|Disk quota exceeded)$", re.MULTILINE)
_STARVED = re.compile(
    r"^fatal: Out of memory|: (?:Cannot allocate memory|Input/output error|Too many open files"
    r"|Resource temporarily unavailable)$",
    re.MULTILINE,
)


def succeeded(done: Executed, what: str) -> bool:
    """Tell whether a command did its work (True) or refused to (False).

    Raises `AttributedError` where it was kept from either: it ran out of time, was killed, is not
    there, or the machine had no room for it.
    """
    if done.is_timed_out:
        raise AttributedError("deadline_passed", f"{what}: after {done.duration_s:.0f} s")
    if done.exit_code == 0:
        return True
    said = done.stderr.decode(errors="replace").strip()
    detail = f"{what}: exit code {done.exit_code}: {said[:DETAIL_CHARACTERS]}"
    if _DISK_FULL.search(said):
        raise AttributedError("disk_full", detail)
    if done.exit_code in _CANNOT_RUN:
        raise AttributedError("sandbox_unavailable", detail)
    if done.exit_code not in _REFUSED or _STARVED.search(said):
        raise AttributedError("sandbox_died", detail)
    return False
