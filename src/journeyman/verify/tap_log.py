"""The Test Anything Protocol, read back: flat, with subtests, and with a line that names a group.

A line `# journeyman: file PATH` names the file whose tests follow; commands that run one file after
another print it.

    >>> [one.test for one in read_tap("# journeyman: file a.js\\n# adds\\nok 1 one\\nok 2 two")]
    ['a.js::adds', 'a.js::adds']
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.types import TestStatus
from journeyman.verify.outcome import FAILED, PASSED, SKIPPED, Outcome, relative

__all__ = ["FILE_MARK", "read_tap"]

FILE_MARK = "# journeyman: file "
_RESULT = re.compile(
    r"^( *)(not ok|ok)\b *(\d+)?(?: *- *| +)?([^#\n]*?) *(?:# *((?i:skip|todo))\b.*)?$"
)
_GROUP = re.compile(r"^( *)# (Subtest: )?(\S.*)$")
_COUNTS = re.compile(
    r"^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms|ok|failed|time=)\b"
)
_DETAIL = re.compile(r"^\s+(---|\.\.\.)$")


def read_tap(text: str) -> Iterator[Outcome]:
    """Read a log. A test with subtests is a group; its assertions at one level are one test."""
    lines = text.split("\n")
    file, groups, parents = "", dict[int, str](), set[tuple[int, str]]()
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith(FILE_MARK):
            file, groups = relative(line.removeprefix(FILE_MARK).strip()), {}
        elif group := _GROUP.match(line):
            depth = len(group[1])
            if group[2] or (depth == 0 and not _COUNTS.match(group[3])):
                groups = {at: name for at, name in groups.items() if at < depth}
                parents.update(groups.items())
                groups[depth] = group[3].strip()
        elif result := _RESULT.match(line):
            depth, name = len(result[1]), result[4] or result[3] or ""
            said, index = _detail(lines, index)
            above = [title for at, title in sorted(groups.items()) if at < depth]
            own = groups.get(depth, "")
            if own and (depth, own) in parents and own == name:
                groups.pop(depth)
                continue
            title = " > ".join([*above, own or name])
            if not title:
                continue  # the `ok` of a summary, or of a test that nothing tells from another
            yield Outcome(f"{file}::{title}" if file else title, _status(result), said)


def _status(result: re.Match[str]) -> TestStatus:
    if result[5]:
        return SKIPPED
    return PASSED if result[2].lower() == "ok" else FAILED


def _detail(lines: list[str], index: int) -> tuple[str, int]:
    """Return the block of details behind a result, and the index of the line behind it."""
    if index >= len(lines) or not _DETAIL.match(lines[index]):
        return "", index
    end = index + 1
    while end < len(lines) and not _DETAIL.match(lines[end]):
        end += 1
    return "\n".join(line.strip() for line in lines[index + 1 : end]), end + 1
