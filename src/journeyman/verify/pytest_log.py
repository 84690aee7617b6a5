"""What pytest prints, read back: the short summary (`-rA`, `-rap`) and the verbose progress lines.

An expected failure counts as passed, as in SWE-bench: the suite is content with it. Where a test
is reported twice (passed, then an error in its teardown), the worse report counts.

    >>> parse_pytest("tests/test_a.py::test_b[x - y] PASSED      [ 50%]")
    {'tests/test_a.py::test_b[x - y]': <TestStatus.PASSED: 'passed'>}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from journeyman.types import TestStatus

__all__ = ["parse_pytest"]

_WORDS = {
    "PASSED": TestStatus.PASSED,
    "FAILED": TestStatus.FAILED,
    "ERROR": TestStatus.ERROR,
    "SKIPPED": TestStatus.SKIPPED,
    "XFAIL": TestStatus.PASSED,
    "XPASS": TestStatus.PASSED,
}
_SEVERITY = [TestStatus.SKIPPED, TestStatus.PASSED, TestStatus.FAILED, TestStatus.ERROR]

_WORD = "|".join(_WORDS)
_SUMMARY_TITLE = re.compile(r"^=+ short test summary info =+$")
_SECTION = re.compile(r"^={3,} .* ={3,}$")
_SUMMARY = re.compile(rf"^({_WORD}) (?!\[\d+\] )(\S.*)$")
_VERBOSE = re.compile(rf"^(\S.*?::.*?) ({_WORD})(?: \(.*\))?(?: +\[ *\d+(?:%|/\d+)\])?$")
_WORKER = re.compile(rf"^\[gw\d+\](?: \[ *\d+%\])? ({_WORD}) (\S.*?) *$")


def parse_pytest(text: str) -> dict[str, TestStatus]:
    """Read a pytest log. The last short summary wins over the progress lines where both speak."""
    lines = text.split("\n")
    titles = [index for index, line in enumerate(lines) if _SUMMARY_TITLE.match(line)]
    body = lines[: titles[-1]] if titles else lines
    summary = lines[titles[-1] + 1 :] if titles else []
    progress = _collect(_progress_reports(body))
    if not titles and not progress:
        return _collect(_summary_reports(lines))
    return {**progress, **_collect(_summary_reports(summary))}


def _collect(reports: Iterable[tuple[str, TestStatus]]) -> dict[str, TestStatus]:
    found: dict[str, TestStatus] = {}
    for name, status in reports:
        known = found.get(name)
        if known is None or _SEVERITY.index(status) > _SEVERITY.index(known):
            found[name] = status
    return found


def _progress_reports(lines: Iterable[str]) -> Iterator[tuple[str, TestStatus]]:
    for line in lines:
        if match := _WORKER.match(line):
            yield match[2], _WORDS[match[1]]
        elif match := _VERBOSE.match(line):
            yield match[1], _WORDS[match[2]]


def _summary_reports(lines: Iterable[str]) -> Iterator[tuple[str, TestStatus]]:
    for line in lines:
        if _SECTION.match(line):
            return
        if match := _SUMMARY.match(line):
            yield _name_of(match[1], match[2]), _WORDS[match[1]]


def _name_of(word: str, rest: str) -> str:
    """Cut ` - message` off a summary line; a dash inside a parameter's brackets is kept."""
    if word == "PASSED":
        return rest
    for match in re.finditer(r" - ", rest):
        name = rest[: match.start()]
        if "[" not in name or name.endswith("]"):
            return name
    return rest
