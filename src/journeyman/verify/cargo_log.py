"""What `cargo test` prints, read back: a line a test, under the file whose tests they are.

>>> list(read_cargo("     Running tests/a.rs (target/a)\\ntest adds ... ok"))[0].test
'tests/a.rs::adds'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.verify.outcome import FAILED, PASSED, SKIPPED, Outcome

__all__ = ["read_cargo"]

_FILE = re.compile(r"^\s+Running (?:unittests )?(\S+\.rs) \(|^\s+(Doc-tests) (\S+)")
_TEST = re.compile(
    r"^test (\S+)(?: - should panic)?(?: \(line \d+\))? \.\.\. (?:.*?)(ok|FAILED|ignored)(?:,.*)?$"
)
_SAID = re.compile(r"^---- (\S+) stdout ----$")
_WORDS = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}


def read_cargo(text: str) -> Iterator[Outcome]:
    """Read a log; what failed tests printed stands after the list of all, for each file anew."""
    file, said = "", _said(text)
    for line in text.split("\n"):
        if found := _FILE.match(line):
            file = found[1] or "doc"
        elif test := _TEST.match(line):
            name = f"{file}::{test[1]}"
            yield Outcome(name, _WORDS[test[2]], said.get(test[1], ""))


def _said(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name, lines = "", list[str]()
    for line in text.split("\n"):
        if start := _SAID.match(line):
            found[name] = "\n".join(lines).strip()
            name, lines = start[1], []
        elif line == "failures:" or line.startswith("test result:"):
            found[name] = "\n".join(lines).strip()
            name, lines = "", []
        elif name:
            lines.append(line)
    return found
