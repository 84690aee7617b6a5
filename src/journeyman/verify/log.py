"""Test logs: the text a test run printed, read into the outcome of each test.

Not a runner, and never a judge: what a log does not say is simply absent.

    >>> parse_log("pytest", "PASSED tests/test_a.py::test_b\\n")
    {'tests/test_a.py::test_b': <TestStatus.PASSED: 'passed'>}
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from journeyman.errors import JourneymanError
from journeyman.types import TestStatus
from journeyman.verify.cargo_log import read_cargo
from journeyman.verify.dotnet_log import read_dotnet
from journeyman.verify.go_log import read_go
from journeyman.verify.javascript_log import read_jest, read_mocha
from journeyman.verify.junit_log import read_junit
from journeyman.verify.native_log import read_native
from journeyman.verify.outcome import Outcome, merged
from journeyman.verify.php_log import read_phpunit
from journeyman.verify.pytest_log import parse_pytest
from journeyman.verify.ruby_log import read_minitest, read_rspec, read_test_unit
from journeyman.verify.swebench_log import (
    parse_swebench_django,
    parse_swebench_matplotlib,
    parse_swebench_options,
    parse_swebench_pytest,
    parse_swebench_pytest_v2,
    parse_swebench_seaborn,
    parse_swebench_sympy,
)
from journeyman.verify.swebench_rules import follows_swebench
from journeyman.verify.tap_log import read_tap
from journeyman.verify.unittest_log import parse_unittest

__all__ = ["list_parsers", "parse_log", "read_log"]

_PARSERS: dict[str, Callable[[str], dict[str, TestStatus]]] = {
    "pytest": parse_pytest,
    "swebench-django": parse_swebench_django,
    "swebench-matplotlib": parse_swebench_matplotlib,
    "swebench-options": parse_swebench_options,
    "swebench-pytest": parse_swebench_pytest,
    "swebench-pytest-v2": parse_swebench_pytest_v2,
    "swebench-seaborn": parse_swebench_seaborn,
    "swebench-sympy": parse_swebench_sympy,
    "unittest": parse_unittest,
}

_READERS: dict[str, Callable[[str], Iterable[Outcome]]] = {
    "cargo": read_cargo,
    "dotnet": read_dotnet,
    "go": read_go,
    "jest": read_jest,
    "junit": read_junit,
    "minitest": read_minitest,
    "mocha": read_mocha,
    "native": read_native,
    "phpunit": read_phpunit,
    "rspec": read_rspec,
    "tap": read_tap,
    "test_unit": read_test_unit,
}
"""Those that tell what a failed test said, too."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")


def list_parsers() -> list[str]:
    """Name the kinds of log that can be read."""
    return sorted({*_PARSERS, *_READERS})


def parse_log(parser: str, text: str) -> dict[str, TestStatus]:
    """Read the outcome of each test out of a log; colours are ignored, cut logs are fine."""
    if follows_swebench(parser) and parser in _PARSERS:
        # The harness reads logs as text files, colours and all.
        return _PARSERS[parser](text.replace("\r\n", "\n").replace("\r", "\n"))
    if parser in _PARSERS:
        return _PARSERS[parser](_plain(text))
    return {test: outcome.status for test, outcome in read_log(parser, text).items()}


def read_log(parser: str, text: str) -> dict[str, Outcome]:
    """Read the outcome of each test with what it said; Python's parsers leave that to the probe."""
    if parser in _PARSERS:
        return {test: Outcome(test, status) for test, status in parse_log(parser, text).items()}
    if parser not in _READERS:
        near = difflib.get_close_matches(parser, list_parsers(), n=1)
        known = f"did you mean {near[0]}?" if near else f"known: {', '.join(list_parsers())}"
        raise JourneymanError(f"unknown log parser {parser!r}", known)
    return merged(_READERS[parser](_plain(text)))


def _plain(text: str) -> str:
    return _ESCAPES.sub("", text).replace("\r\n", "\n")
