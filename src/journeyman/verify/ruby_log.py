"""What Ruby's test runners print, read back: Minitest and test-unit verbosely, RSpec as JSON.

>>> list(read_minitest("PriceTest#test_sum = 0.00 s = ."))[0].test
'PriceTest::test_sum'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from journeyman.verify.outcome import ERROR, FAILED, PASSED, SKIPPED, Outcome, relative

__all__ = ["read_minitest", "read_rspec", "read_test_unit"]

_MINITEST = re.compile(r"^(\S.*?)#(test_.+?) = [\d.]+ s = (?:.*?)([.FES])$")
_BLOCK = re.compile(r"^ *\d+\) (?:Failure|Error):$")
_SUBJECT = re.compile(r"^(\S.*?)#(test_.+?)(?: \[(.*?)\])?:$")
_LETTERS = {
    ".": PASSED,
    "F": FAILED,
    "E": ERROR,
    "S": SKIPPED,
    "P": SKIPPED,
    "O": SKIPPED,
    "N": PASSED,
}


def read_minitest(text: str) -> Iterator[Outcome]:
    """Read a verbose log; a test is `Class::method`."""
    said = _minitest_said(text.split("\n"))
    for line in text.split("\n"):
        if found := _MINITEST.match(line):
            test = f"{found[1]}::{found[2]}"
            yield Outcome(test, _LETTERS[found[3]], said.get(test, ""))


def _minitest_said(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, line in enumerate(lines[:-1]):
        if _BLOCK.match(line) and (subject := _SUBJECT.match(lines[index + 1])):
            end = index + 2
            while end < len(lines) and lines[end].strip():
                end += 1
            place = [f"{subject[3]}:"] if subject[3] else []
            text = "\n".join([*lines[index + 2 : end], *place])
            found[f"{subject[1]}::{subject[2]}"] = text
    return found


_CLASS = re.compile(r"^( *)(\w[\w:]*): *$")
_TEST = re.compile(r"^ +(test\S*.*?):\t+(?:.*?)([.FEPON])(?:: \(|$)")
_TEST_UNIT_BLOCK = re.compile(r"^(?:Failure|Error): (test.*?)\(([\w:]+)\)")


def read_test_unit(text: str) -> Iterator[Outcome]:
    """Read a verbose log of test-unit; a test is `Class::method`."""
    lines, current = text.split("\n"), ""
    for index, line in enumerate(lines):
        if found := _TEST.match(line):
            said = ""
            if found[2] in "FE":
                end = index + 2
                while end < len(lines) and not lines[end].startswith("===="):
                    end += 1
                said = "\n".join(lines[index + 2 : end])
            yield Outcome(f"{current}::{found[1]}", _LETTERS[found[2]], said)
        elif (name := _CLASS.match(line)) and not name[2].startswith("test"):
            current = name[2]


_RSPEC = re.compile(r'\{"version":"[^"]*"')


def read_rspec(text: str) -> Iterator[Outcome]:
    """Read the report of RSpec's JSON formatter; a test is `file::its whole description`."""
    for start in reversed(list(_RSPEC.finditer(text))):
        try:
            report, _ = json.JSONDecoder().raw_decode(text, start.start())
        except ValueError:
            continue
        for one in report.get("examples", ()):
            status = {"passed": PASSED, "failed": FAILED}.get(one.get("status"), SKIPPED)
            error = one.get("exception") or {}
            inner = [row for row in error.get("backtrace") or () if "/testbed/" in row][:1]
            said = "\n".join([str(error.get("message", "")).strip(), *inner]).strip()
            test = f"{relative(str(one.get('file_path', '')))}::{one.get('full_description', '')}"
            yield Outcome(test, status, said)
        return
