"""How SWE-bench judges the outcomes of a log: which name stands for a test, and what counts as kept.

Some published names are cut inside their parameters; such a name stands for every test that begins
with it, where those agree. A test that passed before and is now skipped is kept; one that should
have been mended and is skipped is not.

    >>> is_kept("a.py::t", {"a.py::t": TestStatus.SKIPPED})
    True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from journeyman.types import TestStatus

__all__ = ["find_status", "follows_swebench", "is_kept", "is_mended", "is_resolved"]


def follows_swebench(log_parser: str) -> bool:
    """Whether a verifier's log is judged by these rules."""
    return log_parser.startswith("swebench-")


def find_status(test: str, statuses: Mapping[str, TestStatus]) -> TestStatus:
    """Return the status of a test by its name, whole or cut; `MISSING` where there is none."""
    if test in statuses:
        return statuses[test]
    if test.count("[") > test.count("]"):
        found = [status for name, status in statuses.items() if name.startswith(test)]
        if found and len({status is TestStatus.PASSED for status in found}) == 1:
            return found[0]
    return TestStatus.MISSING


def is_mended(test: str, statuses: Mapping[str, TestStatus]) -> bool:
    """Whether a test that failed before passes now."""
    return find_status(test, statuses) is TestStatus.PASSED


def is_kept(test: str, statuses: Mapping[str, TestStatus]) -> bool:
    """Whether a test that passed before still does, or is skipped now."""
    return find_status(test, statuses) in (TestStatus.PASSED, TestStatus.SKIPPED)


def is_resolved(
    fail_to_pass: Sequence[str], pass_to_pass: Sequence[str], statuses: Mapping[str, TestStatus]
) -> bool:
    """Whether all of the first are mended and all of the second are kept."""
    return all(is_mended(test, statuses) for test in fail_to_pass) and all(
        is_kept(test, statuses) for test in pass_to_pass
    )
