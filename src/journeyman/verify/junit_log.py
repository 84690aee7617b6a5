"""Reports in JUnit's XML, read back out of a log into which they were printed one after another.

>>> list(read_junit('<testsuite><testcase classname="a.B" name="c"/></testsuite>'))[0].test
'a.B::c'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from journeyman.types import TestStatus
from journeyman.verify.outcome import ERROR, FAILED, PASSED, SKIPPED, Outcome

__all__ = ["read_junit"]

_CASE = re.compile(r"<testcase\b[^>]*?/>|<testcase\b.*?</testcase>", re.DOTALL)
_WORDS = {"failure": FAILED, "error": ERROR, "skipped": SKIPPED}


def read_junit(text: str) -> Iterator[Outcome]:
    """Read every test case that is whole, also of a report that was cut; a test is `class::name`."""
    for found in _CASE.finditer(text):
        try:
            case = ElementTree.fromstring(found[0])  # noqa: S314 - no entity can stand in one case
        except ElementTree.ParseError:
            continue
        status, said = PASSED, ""
        for child in case:
            if child.tag in _WORDS:
                status, said = _WORDS[child.tag], _said(child)
        name = re.sub(r"\(\)$", "", case.get("name", ""))
        yield Outcome(f"{case.get('classname', '')}::{name}", TestStatus(status), said)


def _said(child: ElementTree.Element) -> str:
    text = (child.text or "").strip()
    return text or child.get("message", "")
