"""What `dotnet test --logger "console;verbosity=normal"` prints, read back.

>>> list(read_dotnet("  Passed Shop.PriceTests.Sum [3 ms]"))[0].test
'Shop.PriceTests.Sum'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from journeyman.verify.outcome import FAILED, PASSED, SKIPPED, Outcome

__all__ = ["read_dotnet"]

_TEST = re.compile(r"^\s*(Passed|Failed|Skipped) (\S.*?)(?: \[[^\]]*\])?$")
_WORDS = {"Passed": PASSED, "Failed": FAILED, "Skipped": SKIPPED}


def read_dotnet(text: str) -> Iterator[Outcome]:
    """Read a log; a test is its full name with its arguments."""
    for line in text.split("\n"):
        if found := _TEST.match(line):
            yield Outcome(found[2], _WORDS[found[1]])
