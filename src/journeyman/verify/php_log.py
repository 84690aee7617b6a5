"""What `phpunit --teamcity` prints, read back: a message as each test starts, fails and ends.

A test is `file::method with data set`; one that starts and never ends has broken the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.verify.outcome import ERROR, FAILED, PASSED, SKIPPED, Outcome, relative

__all__ = ["read_phpunit"]

_MESSAGE = re.compile(r"^##teamcity\[(test\w+) (.*)\]$", re.MULTILINE)
_FIELD = re.compile(r"(\w+)='((?:[^'|]|\|.)*)'")
_ESCAPES = {"n": "\n", "r": "\r", "'": "'", "|": "|", "[": "[", "]": "]"}
_PLACE = re.compile(r"^php_qn://(.*?)::\\?(.*)$")


def read_phpunit(text: str) -> Iterator[Outcome]:
    """Read a log: the message that a test ended comes after the one that it failed, if it did."""
    running, status, said = "", PASSED, ""
    for found in _MESSAGE.finditer(text):
        fields = {key: _plain(value) for key, value in _FIELD.findall(found[2])}
        if found[1] == "testStarted":
            running, status, said = _name(fields), PASSED, ""
        elif found[1] == "testFailed" and running:
            is_check = fields.get("message", "").startswith("Failed asserting")
            status = FAILED if is_check or fields.get("expected") else ERROR
            said = f"{fields.get('message', '')}\n{fields.get('details', '')}".strip()
        elif found[1] == "testIgnored" and running:
            status = SKIPPED
        elif found[1] == "testFinished" and running:
            yield Outcome(running, status, said)
            running = ""
    if running:
        yield Outcome(running, ERROR, said)


def _name(fields: dict[str, str]) -> str:
    place = _PLACE.match(fields.get("locationHint", ""))
    if place is None:
        return fields.get("name", "")
    return f"{relative(place[1])}::{place[2].rpartition('::')[2]}"


def _plain(text: str) -> str:
    return re.sub(r"\|(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)
