"""What the tests call that is not there yet, read from how they fail without the fix.

A test of a new function cannot run before there is one; whoever writes it has to be told its name.

    >>> needs_of([("ImportError", "cannot import name 'mean' from 'stats' (/testbed/stats.py)")])
    ['`from stats import mean` works.']
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["needs_of"]

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'"),
     "`from {1} import {0}` works."),
    (re.compile(r"No module named '([\w.]+)'"), "There is a module `{0}`."),
    (re.compile(r"module '([\w.]+)' has no attribute '(\w+)'"), "`{0}` has `{1}`."),
    (re.compile(r"type object '([\w.]+)' has no attribute '(\w+)'"), "The class `{0}` has `{1}`."),
    (re.compile(r"'([\w.]+)' object has no attribute '(\w+)'"), "Objects of `{0}` have `{1}`."),
    (re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'"),
     "`{0}` takes a keyword argument `{1}`."),
)  # fmt: skip
_BUILTIN = frozenset(
    ("NoneType", "str", "int", "float", "list", "dict", "tuple", "set", "bool", "function", "bytes")
)


def needs_of(complaints: Iterable[tuple[str, str]]) -> list[str]:
    """Return sentences on what has to be there, from exceptions and their messages, each once."""
    found: dict[str, None] = {}
    for _, message in complaints:
        for pattern, sentence in _RULES:
            match = pattern.search(message)
            # That a value of a built-in type lacks something is a bug, not an interface.
            if match and match[1] not in _BUILTIN:
                found[sentence.format(*match.groups())] = None
                break
    return list(found)
