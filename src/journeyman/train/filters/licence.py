"""Under which licence a repository or a file stands, by what it says itself.

Looked at are SPDX tags, the metadata of packages, and phrases that only one licence's text has. What is
not found is unknown, never guessed.

    >>> find_licence([SourceFile("LICENSE", "Permission is hereby granted, free of charge, to any")])
    'MIT'
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from journeyman.train.documents import SourceFile

__all__ = ["PERMISSIVE", "find_licence", "is_allowed"]

PERMISSIVE = frozenset(
    {
        *("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "Unlicense"),
        *("PSF-2.0", "Python-2.0", "Zlib", "CC0-1.0", "BSL-1.0", "MIT-0", "BlueOak-1.0.0"),
    }
)
"""Identifiers of SPDX that allow what training does, with a notice at most."""

_TAG = re.compile(r"SPDX-License-Identifier:\s*\(?([A-Za-z0-9.+-]+)")
_FIELD = re.compile(r"^\s*\"?license\"?\s*[:=]\s*[\"']([A-Za-z0-9.+-]+)[\"']", re.MULTILINE)
_NAME = re.compile(r"(^|/)(LICEN[CS]E|COPYING|UNLICENSE)(\.\w+)?$", re.IGNORECASE)
_METADATA = ("pyproject.toml", "package.json", "Cargo.toml", "setup.cfg")
_PHRASES = (
    ("AGPL-3.0", "gnu affero general public license"),
    ("LGPL", "gnu lesser general public license"),
    ("MPL-2.0", "mozilla public license version 2.0"),
    ("GPL", "gnu general public license"),
    ("Apache-2.0", "apache license version 2.0"),
    ("PSF-2.0", "python software foundation license version 2"),
    ("BSL-1.0", "boost software license"),
    ("Unlicense", "free and unencumbered software released into the public domain"),
    ("BSD-3-Clause", "may be used to endorse or promote products derived"),
    ("BSD-2-Clause", "redistributions in binary form must reproduce"),
    ("ISC", "to use, copy, modify, and/or distribute this software for any purpose"),
    ("MIT", "permission is hereby granted, free of charge, to any"),
)


def find_licence(files: Iterable[SourceFile]) -> str:
    """Return the SPDX identifier of files that belong together; nothing if it is not known."""
    best, rank = "", 9
    for file in files:
        found, place = _of_file(file)
        if found and (place, len(file.path)) < (rank, 10**6) and place < rank:
            best, rank = found, place
    return best


def is_allowed(identifier: str, allowed: Iterable[str]) -> bool:
    """Whether an identifier is one of those that are allowed; the unknown one is not."""
    return bool(identifier) and identifier in set(allowed)


def _of_file(file: SourceFile) -> tuple[str, int]:
    """Return a licence and how much its source is worth, less is more."""
    if _NAME.search(file.path):
        return _by_phrase(file.text), 0
    if file.path.rpartition("/")[2] in _METADATA:
        field = _FIELD.search(file.text)
        return (field.group(1), 1) if field else ("", 9)
    tag = _TAG.search(file.text[:2000])
    return (tag.group(1), 2) if tag else ("", 9)


def _by_phrase(text: str) -> str:
    tag = _TAG.search(text)
    if tag:
        return tag.group(1)
    plain = re.sub(r"[\s*#,]+", " ", text.lower())
    return next((name for name, it in _PHRASES if it.replace(",", "") in plain), "")
