"""What `python -m unittest -v` prints, read back.

>>> parse_unittest("test_b (pkg.test_a.Case.test_b) ... ok")
{'pkg.test_a.Case.test_b': <TestStatus.PASSED: 'passed'>}
"""

from __future__ import annotations

import re

from journeyman.types import TestStatus

__all__ = ["parse_unittest"]

_START = re.compile(r"^(\w+) \(([\w.]+)\)(.*)$")
_OUTCOME = re.compile(
    r"(?:^|\.\.\. )(?:.*?)(ok|FAIL|ERROR|expected failure|unexpected success|skipped .*)$"
)
_BLOCK = re.compile(r"^(FAIL|ERROR): (\w+) \(([\w.]+)\)")
_WORDS = {
    "ok": TestStatus.PASSED,
    "expected failure": TestStatus.PASSED,
    "FAIL": TestStatus.FAILED,
    "unexpected success": TestStatus.FAILED,
    "ERROR": TestStatus.ERROR,
}


def parse_unittest(text: str) -> dict[str, TestStatus]:
    """Read a verbose unittest log; a docstring's line or output between name and outcome is fine."""
    found: dict[str, TestStatus] = {}
    current = ""
    for line in text.split("\n"):
        if block := _BLOCK.match(line):
            found[_full_name(block[2], block[3])] = _WORDS[block[1]]
            current = ""
            continue
        if start := _START.match(line):
            current = _full_name(start[1], start[2])
        if current and (outcome := _OUTCOME.search(line)):
            found.setdefault(current, _WORDS.get(outcome[1], TestStatus.SKIPPED))
            current = ""
    return found


def _full_name(method: str, place: str) -> str:
    """Python 3.11 repeats the method's name in the brackets, earlier ones do not."""
    return place if place.endswith(f".{method}") else f"{place}.{method}"
