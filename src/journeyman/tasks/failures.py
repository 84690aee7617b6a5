"""How tests failed, read from what their runner printed: for the languages that have no probe.

failures = read_failures(narrowing, run, ["tests/a.test.js::adds"])
failures[0].message
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from journeyman.tasks.narrowing import Narrowing
from journeyman.tasks.probe import TestFailure
from journeyman.verify import VerifierRun, read_log

__all__ = ["read_failures"]

_ASSERTIONS = re.compile(
    r"AssertionError|AssertionFailedError|ComparisonFailure|ExpectationNotMet|ERR_ASSERTION"
    r"|JestAssertionError|Minitest::Assertion|ExpectationFailed|MultipleFailuresError"
)
_EXCEPTION = re.compile(r"\b([A-Z]\w*(?:Error|Exception))\b")
_PANIC = re.compile(r"panicked at|^panic:", re.MULTILINE)
_STACK = re.compile(
    r"^\s*(at .*|\[?[\w/.-]+\]?:\d+:in .*|\.{3} \d+ more|stack: .*|location: .*|code: .*|name: .*"
    r"|failureType: .*|duration_ms: .*|operator: .*|stackTrace.*|.*\(node:internal.*|note: run with.*"
    r"|\S+\.(rb|php|c|cc|cpp|go|rs):\d+:?|thread '.*' .*panicked at .*|(Failure|Error): test_.*"
    r"|\s*(=>)?\s*\d+: .*)$"
)
_PANICKED = "a panic"


def read_failures(
    narrowing: Narrowing, run: VerifierRun, tests: Iterable[str]
) -> tuple[TestFailure, ...]:
    """Return how each test failed; nothing of those of which the log says nothing."""
    if narrowing.log_parser in ("pytest", "unittest"):
        return ()
    outcomes = read_log(narrowing.log_parser, run.log.decode("utf-8", "replace"))
    return tuple(
        _failure(narrowing, test, outcomes[test].message) for test in tests if test in outcomes
    )


def _failure(narrowing: Narrowing, test: str, said: str) -> TestFailure:
    path = narrowing.file_of(test)
    return TestFailure(
        test=test,
        path=path,
        line=_line(path, said),
        exception=_exception(said),
        message=_message(said),
    )


def _line(path: str, said: str) -> int:
    """Return the line of the test's file that what was said names first; 0 where it names none."""
    name = PurePosixPath(path).name
    found = re.search(rf"\b{re.escape(name)}:(\d+)", said) if name else None
    return int(found[1]) if found else 0


def _exception(said: str) -> str:
    """Return the exception that ended a test; "AssertionError" for a check that did not hold."""
    if _ASSERTIONS.search(said):
        return "AssertionError"
    first = said.strip().split("\n")[0]
    if found := _EXCEPTION.search(first):
        return found[1]
    return _PANICKED if _PANIC.search(said) and "assertion" not in said else "AssertionError"


def _message(said: str) -> str:
    """Return what a test said, without the stack and where it was."""
    lines = [line for line in said.split("\n") if line.strip() and not _STACK.match(line)]
    text = "\n".join(lines)
    text = re.sub(r"^\s*[\w./-]+\.\w+:\d+(:\d+)?: ?", "", text, flags=re.MULTILINE)
    return re.sub(r"^(\S*(AssertionError|AssertionFailedError)\S*(\s\[\w+\])?: )", "", text)[:1500]
