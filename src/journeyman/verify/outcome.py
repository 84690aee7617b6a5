"""One test as a log tells it: its name, how it ended, and what it complained of.

Where a log names the file that holds a test, the name is `path/to/file::the rest`, with the path
relative to the workspace.

    >>> merged([Outcome("t", PASSED), Outcome("t", FAILED, "1 is not 2")])["t"].message
    '1 is not 2'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from journeyman.sandbox import WORKSPACE
from journeyman.types import TestStatus

__all__ = ["ERROR", "FAILED", "PASSED", "SKIPPED", "Outcome", "merged", "relative"]

PASSED, FAILED = TestStatus.PASSED, TestStatus.FAILED
ERROR, SKIPPED = TestStatus.ERROR, TestStatus.SKIPPED
_SEVERITY = (SKIPPED, PASSED, FAILED, ERROR)


class Outcome(NamedTuple):
    """The outcome of one test."""

    test: str
    status: TestStatus
    message: str = ""
    """What a failed test said, with the place in its file where it says it."""


def merged(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """Return outcomes by test; of a test that is named twice, e.g. for each assertion, the worst."""
    found: dict[str, Outcome] = {}
    for one in outcomes:
        before = found.get(one.test)
        if before is None or _SEVERITY.index(one.status) > _SEVERITY.index(before.status):
            found[one.test] = one
    return found


def relative(path: str) -> str:
    """Return a path of the workspace as it is named within it."""
    return re.sub(r"^(\./)+", "", path.removeprefix("file://").removeprefix(f"{WORKSPACE}/"))
