"""What the test programs of C and C++ print, read back, under CTest, Automake or Make.

CTest and Automake know programs; what a program says of its own tests (GoogleTest, Catch2's and
others' TAP, Unity, Check, cmocka) tells more and is taken where there is any.

    >>> [one.test for one in read_native("1: /testbed/t/a.c:12:test_sum:PASS")]
    ['t/a.c::test_sum']
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from journeyman.types import TestStatus
from journeyman.verify.outcome import ERROR, FAILED, PASSED, SKIPPED, Outcome, relative
from journeyman.verify.tap_log import read_tap

__all__ = ["read_native"]

_PROGRAM = re.compile(r"^ *\d+/\d+ Test +#(\d+): (\S.*?) \.+ *(.*?) +[\d.]+ sec")
_AUTOMAKE = re.compile(r"^(PASS|FAIL|XFAIL|XPASS|SKIP|ERROR): (\S+?)(?: (\d+ .*))?$")
_PREFIX = re.compile(r"^(\d+): ")
_UNITY = re.compile(r"^(\S+?):(\d+):(\w+):(PASS|FAIL|IGNORE)(?::? ?(.*))?$")
_CHECK = re.compile(r"^(\S+?):(\d+):([PFE]):(\w[^:]*):(\w+):\d+: (.*)$")
_GOOGLE = re.compile(
    r"^\[ +(OK|FAILED|SKIPPED|RUN|PASSED) +\] ([\w./<>, ]+?)(?:,? .*)?(?: \(\d+ ms\))?$"
)
_WORDS = {
    "PASS": PASSED,
    "XFAIL": PASSED,
    "OK": PASSED,
    "P": PASSED,
    "Passed": PASSED,
    "FAIL": FAILED,
    "XPASS": FAILED,
    "FAILED": FAILED,
    "F": FAILED,
    "SKIP": SKIPPED,
    "IGNORE": SKIPPED,
    "SKIPPED": SKIPPED,
    "ERROR": ERROR,
    "E": ERROR,
}


def read_native(text: str) -> Iterator[Outcome]:
    """Read a log; a program whose own tests are named is left out."""
    programs: dict[str, Outcome] = {}
    said: dict[str, list[str]] = defaultdict(list)
    for line in text.split("\n"):
        if program := _PROGRAM.match(line):
            status = _program_status(program[3])
            programs[program[1]] = Outcome(program[2], status)
        elif prefix := _PREFIX.match(line):
            said[prefix[1]].append(line[prefix.end() :])
        else:
            said[""].append(line)
    for number, lines in said.items():
        inner = list(_inner(lines))
        yield from inner
        if number and not inner and number in programs:
            yield programs.pop(number)._replace(message="\n".join(lines[-20:]))
        elif number:
            programs.pop(number, None)
    yield from programs.values()


def _program_status(word: str) -> TestStatus:
    if word.startswith("***"):
        word = word.strip("*")
        return SKIPPED if word in ("Skipped", "Not Run") else ERROR if "Exc" in word else FAILED
    return PASSED if word == "Passed" else FAILED


def _inner(lines: list[str]) -> Iterator[Outcome]:
    said: list[str] = []
    for line in lines:
        if unity := _UNITY.match(line):
            place = f"{unity[1]}:{unity[2]}: {unity[5] or ''}"
            yield Outcome(f"{relative(unity[1])}::{unity[3]}", _WORDS[unity[4]], place)
        elif check := _CHECK.match(line):
            place = f"{check[1]}:{check[2]}: {check[6]}"
            yield Outcome(f"{check[4]}::{check[5]}", _WORDS[check[3]], place)
        elif google := _GOOGLE.match(line):
            if google[1] in ("OK", "FAILED", "SKIPPED") and not google[2].isdigit():
                yield Outcome(google[2].strip(), _WORDS[google[1]], "\n".join(said))
            said = []
        elif automake := _AUTOMAKE.match(line):
            yield Outcome(automake[2], _WORDS[automake[1]])
        else:
            said.append(line)
    yield from read_tap("\n".join(lines))
