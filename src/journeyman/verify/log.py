"""Test logs: the text a test run printed, read into the outcome of each test.

Not a runner, and never a judge: what a log does not say is simply absent.

    >>> parse_log("pytest", "PASSED tests/test_a.py::test_b\\n")
    {'tests/test_a.py::test_b': <TestStatus.PASSED: 'passed'>}
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from journeyman.errors import JourneymanError
from journeyman.types import TestStatus
from journeyman.verify.pytest_log import parse_pytest
from journeyman.verify.unittest_log import parse_unittest

__all__ = ["list_parsers", "parse_log"]

_PARSERS: dict[str, Callable[[str], dict[str, TestStatus]]] = {
    "pytest": parse_pytest,
    "unittest": parse_unittest,
}

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")


def list_parsers() -> list[str]:
    """Name the kinds of log that can be read."""
    return sorted(_PARSERS)


def parse_log(parser: str, text: str) -> dict[str, TestStatus]:
    """Read the outcome of each test out of a log; colours are ignored, cut logs are fine."""
    if parser not in _PARSERS:
        near = difflib.get_close_matches(parser, _PARSERS, n=1)
        known = f"did you mean {near[0]}?" if near else f"known: {', '.join(list_parsers())}"
        raise JourneymanError(f"unknown log parser {parser!r}", known)
    return _PARSERS[parser](_ESCAPES.sub("", text).replace("\r\n", "\n"))
