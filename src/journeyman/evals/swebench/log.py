"""A log of the official harness, judged as the harness judges it.

Such a log holds the tests' output between two markers. A marker of a patch that did not apply or of
a time-out, or no markers at all, means that nothing was tested.

    judge_log(text, parser="swebench-pytest", fail_to_pass=(…,), pass_to_pass=(…,)).is_resolved
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from journeyman.types import Data, TestStatus
from journeyman.verify import parse_log
from journeyman.verify.swebench_rules import find_status, is_kept, is_mended, is_resolved

__all__ = ["LogVerdict", "judge_log", "read_log"]

START = ">>>>> Start Test Output"
END = ">>>>> End Test Output"
_SPOILT = (
    ">>>>> Patch Apply Failed",
    ">>>>> Reset Failed",
    ">>>>> Tests Errored",
    ">>>>> Tests Timed Out",
)
_EXIT_CODE = re.compile(r">>>>> Test Exit Code:\s*(-?\d+)")
_BAD = (TestStatus.FAILED, TestStatus.ERROR)


class LogVerdict(Data):
    """What one log says of one patch."""

    is_readable: bool
    """Whether tests were run at all; the harness calls it that the patch was applied."""
    is_resolved: bool = False
    mended: tuple[str, ...] = ()
    not_mended: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    statuses: dict[str, TestStatus] = Field(default_factory=dict)


def read_log(text: str, parser: str) -> dict[str, TestStatus] | None:
    """Return the outcome of each test; None where the log is not that of a run."""
    if any(mark in text for mark in _SPOILT) or START not in text or END not in text:
        return None
    inner = text.split(START)[1].split(END)[0]
    statuses = parse_log(parser, inner) or parse_log(parser, text)
    if not statuses:
        return None
    found = _EXIT_CODE.search(text)
    has_ended_badly = found is not None and int(found[1]) != 0
    if has_ended_badly and not any(status in _BAD for status in statuses.values()):
        return None  # the log was written by something else than the tests
    return statuses


def judge_log(
    text: str, *, parser: str, fail_to_pass: Sequence[str], pass_to_pass: Sequence[str]
) -> LogVerdict:
    """Judge a log by the tests that must be mended and those that must be kept."""
    statuses = read_log(text, parser)
    if statuses is None:
        return LogVerdict(is_readable=False)
    mended = tuple(test for test in fail_to_pass if is_mended(test, statuses))
    kept = tuple(test for test in pass_to_pass if is_kept(test, statuses))
    return LogVerdict(
        is_readable=True,
        is_resolved=is_resolved(fail_to_pass, pass_to_pass, statuses),
        mended=mended,
        not_mended=tuple(test for test in fail_to_pass if test not in mended),
        kept=kept,
        broken=tuple(test for test in pass_to_pass if test not in kept),
        statuses={test: find_status(test, statuses) for test in (*fail_to_pass, *pass_to_pass)},
    )
