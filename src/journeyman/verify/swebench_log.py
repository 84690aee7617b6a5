"""Test logs read the way SWE-bench's own harness reads them, quirks included.

A verdict is only comparable to published ones if the same log gives the same outcome, so these
readers keep what a better reader would mend: a test's name ends at the first blank, the last line
that names a test wins, and what stands before a status word is the name in some suites. They are
held equal to the `swebench` package on a recorded corpus by the project's tests.

    >>> parse_swebench_pytest("FAILED a.py::b - assert 0")
    {'a.py::b': <TestStatus.FAILED: 'failed'>}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.types import TestStatus

__all__ = [
    "parse_swebench_django",
    "parse_swebench_matplotlib",
    "parse_swebench_options",
    "parse_swebench_pytest",
    "parse_swebench_pytest_v2",
    "parse_swebench_seaborn",
    "parse_swebench_sympy",
]

Statuses = dict[str, TestStatus]

_STATUS = {
    "FAILED": TestStatus.FAILED,
    "PASSED": TestStatus.PASSED,
    "SKIPPED": TestStatus.SKIPPED,
    "ERROR": TestStatus.ERROR,
    "XFAIL": TestStatus.PASSED,
}
_WORDS = tuple(_STATUS)
_COUNT = re.compile(r"\[\d+\]")
_OPTION = re.compile(r"(.*?)\[(.*)\]")
_COLOUR = re.compile(r"\[(\d+)m")
_CONTROLS = dict.fromkeys(range(1, 32))
_SYMPY_TITLE = re.compile(r"(_*) (.*)\.py:(.*) (_*)")


def _status(word: str) -> TestStatus:
    """A word that only begins like a status fails its test: the harness counts it as no pass."""
    return _STATUS.get(word, TestStatus.ERROR)


def _summary_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield status word and name of each line that begins with a status."""
    for line in text.split("\n"):
        if not line.startswith(_WORDS):
            continue
        cells = (line.replace(" - ", " ") if line.startswith("FAILED") else line).split()
        if len(cells) > 1 and not _is_count(cells[0], cells[1]):
            yield cells[0], cells[1]


def _is_count(word: str, name: str) -> bool:
    """Whether a line sums up skips, `SKIPPED [2] file:line`, rather than naming a test."""
    return word == "SKIPPED" and bool(_COUNT.fullmatch(name))


def parse_swebench_pytest(text: str) -> Statuses:
    """Read pytest's short summary, as for most repositories."""
    return {name: _status(word) for word, name in _summary_lines(text)}


def parse_swebench_options(text: str) -> Statuses:
    """Read a summary whose parameters may be paths, of which only the last part counts."""
    return {_without_folders(name): _status(word) for word, name in _summary_lines(text)}


def _without_folders(name: str) -> str:
    match = _OPTION.search(name)
    if match is None:
        return name
    main, option = match.groups()
    if option.startswith("/") and not option.startswith("//") and "*" not in option:
        option = f"/{option.rpartition('/')[2]}"
    return f"{main}[{option}]"


def parse_swebench_matplotlib(text: str) -> Statuses:
    """Read a summary in which two mouse buttons are known by their numbers."""
    numbered = text.replace("MouseButton.LEFT", "1").replace("MouseButton.RIGHT", "3")
    return parse_swebench_pytest(numbered)


def parse_swebench_pytest_v2(text: str) -> Statuses:
    """Read summaries and progress lines; names may hold blanks, colours are taken out."""
    found: Statuses = {}
    for raw in text.split("\n"):
        line = _COLOUR.sub("", raw).translate(_CONTROLS)
        if line.startswith(_WORDS):
            cells = (line.split(" - ", 1)[0] if line.startswith("FAILED") else line).split()
            if len(cells) > 1 and not _is_count(cells[0], cells[1]):
                found[" ".join(cells[1:])] = _status(cells[0])
        elif line.endswith(_WORDS):
            cells = line.split()
            if len(cells) > 1:
                found[" ".join(cells[:-1])] = _status(cells[-1])
    return found


def parse_swebench_seaborn(text: str) -> Statuses:
    """Read failures of the summary, and passes of the summary or of progress lines."""
    found: Statuses = {}
    for line in text.split("\n"):
        cells = line.split()
        if len(cells) < 2:
            continue
        if line.startswith("FAILED"):
            found[cells[1]] = TestStatus.FAILED
        elif " PASSED " in line:
            if cells[1] == "PASSED":
                found[cells[0]] = TestStatus.PASSED
        elif line.startswith("PASSED"):
            found[cells[1]] = TestStatus.PASSED
    return found


def parse_swebench_sympy(text: str) -> Statuses:
    """Read `bin/test -C --verbose`: progress lines, and the titles of failures."""
    found: Statuses = {
        f"{match[2]}.py:{match[3]}": TestStatus.FAILED for match in _SYMPY_TITLE.finditer(text)
    }
    endings = ((" E", TestStatus.ERROR), (" F", TestStatus.FAILED), (" ok", TestStatus.PASSED))
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("test_"):
            for ending, status in endings:
                if line.endswith(ending):
                    found[line.split()[0]] = status
    return found


_DJANGO_PASSED = (" ... ok", " ... OK", " ...  OK")
_DJANGO_BROKEN = (
    r"^(.*?)\s\.\.\.\sTesting\ against\ Django\ installed\ in\ (?:(?s:.*?))\ silenced\)\.\nok$",
    r"^(.*?)\s\.\.\.\sInternal\ Server\ Error:\ \/(?:.*)\/\nok$",
    r"^(.*?)\s\.\.\.\sSystem check identified no issues \(0 silenced\)\nok$",
)
"""Lines in which something else was printed between a test's name and its outcome."""
_DJANGO_MIGRATION = "Applying sites.0002_alter_domain_unique...test_no_migrations"
_DJANGO_VERSION = "--version is equivalent to version"


def parse_swebench_django(text: str) -> Statuses:
    """Read Django's runner at verbosity 2, where a test is known by its first printed line."""
    found: Statuses = {}
    last: str | None = None
    for raw in text.split("\n"):
        line = raw.strip()
        if _DJANGO_VERSION in line:
            found[_DJANGO_VERSION] = TestStatus.PASSED
        if " ... " in line:
            last = line.split(" ... ")[0]
        found.update(_django_outcomes(line))
        if line.startswith("ok") and last is not None:
            found[last] = TestStatus.PASSED
    for pattern in _DJANGO_BROKEN:
        for match in re.finditer(pattern, text, re.MULTILINE):
            found[match[1]] = TestStatus.PASSED
    return found


def _django_outcomes(line: str) -> Iterator[tuple[str, TestStatus]]:
    """Yield what one stripped line says, later entries outweighing earlier ones."""
    for ending in _DJANGO_PASSED:
        if line.endswith(ending):
            if line.startswith(_DJANGO_MIGRATION):
                line = line.split("...", 1)[-1].strip()
            yield line.rsplit(ending, 1)[0], TestStatus.PASSED
            break
    if " ... skipped" in line:
        yield line.split(" ... skipped")[0], TestStatus.SKIPPED
    for word, title, status in (
        ("FAIL", "FAIL:", TestStatus.FAILED),
        ("ERROR", "ERROR:", TestStatus.ERROR),
    ):
        if line.endswith(f" ... {word}"):
            yield line.split(f" ... {word}")[0], status
        if line.startswith(title) and len(line.split()) > 1:
            yield line.split()[1], status
