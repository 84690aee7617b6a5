"""What JavaScript's test runners print as JSON, read back: Jest, Vitest and Mocha.

The report may stand anywhere in what else was printed; the last one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from journeyman.verify.outcome import FAILED, PASSED, SKIPPED, Outcome, relative

__all__ = ["read_jest", "read_mocha"]

_JEST = re.compile(r'^\{"num\w+":', re.MULTILINE)
_MOCHA = re.compile(r'^\{\s*"stats": ?\{', re.MULTILINE)
_WORDS = {
    "passed": PASSED,
    "failed": FAILED,
    "pending": SKIPPED,
    "skipped": SKIPPED,
    "todo": SKIPPED,
}


def read_jest(text: str) -> Iterator[Outcome]:
    """Read Jest's or Vitest's report; a test is `file::all its titles`."""
    for file in _report(text, _JEST).get("testResults", ()):
        path = relative(str(file.get("name", "")))
        for test in file.get("assertionResults", ()):
            name = " ".join([*test.get("ancestorTitles", ()), test.get("title", "")]).strip()
            said = "\n".join(test.get("failureMessages") or ())
            status = _WORDS.get(test.get("status", ""), SKIPPED)
            yield Outcome(f"{path}::{name}", status, said)


def read_mocha(text: str) -> Iterator[Outcome]:
    """Read the report of Mocha's JSON reporter; a test is `file::all its titles`."""
    report = _report(text, _MOCHA)
    pending = {id_of(test) for test in report.get("pending", ())}
    for test in report.get("tests", ()):
        error = test.get("err") or {}
        said = str(error.get("stack") or error.get("message") or "")
        status = SKIPPED if id_of(test) in pending else FAILED if error else PASSED
        yield Outcome(id_of(test), status, said)


def id_of(test: dict[str, Any]) -> str:
    """Return the name of one test of Mocha's report."""
    return f"{relative(str(test.get('file') or ''))}::{test.get('fullTitle', '')}"


def _report(text: str, start: re.Pattern[str]) -> dict[str, Any]:
    for found in reversed(list(start.finditer(text))):
        try:
            report, _ = json.JSONDecoder().raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(report, dict):
            return report
    return {}
