"""A file on an index: where it is and the hash it must have."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Source", "hexadecimal_source", "integrity_source"]

_STRONGEST_FIRST = ("sha512", "sha384", "sha256")


@dataclass(frozen=True)
class Source:
    """What is fetched and what it is checked against."""

    url: str
    algorithm: str
    """A name that `hashlib.new` takes."""
    digest: str
    """Hexadecimal."""
    size_bytes: int | None = None


def hexadecimal_source(url: str, hashes: Any, size: Any = None) -> Source | None:
    """Return a file by the strongest of its hexadecimal hashes; None where there is none."""
    if not isinstance(hashes, Mapping):
        return None
    for algorithm in _STRONGEST_FIRST:
        if (found := _source(url, algorithm, hashes.get(algorithm), size)) is not None:
            return found
    return None


def integrity_source(url: str, integrity: Any, shasum: Any) -> Source | None:
    """Return a file by a subresource integrity text, else by npm's SHA-1; None where neither is.

    Source of the format: W3C, Subresource Integrity. What was published before 2017 has only SHA-1.
    """
    words = integrity.split() if isinstance(integrity, str) else []
    pairs = dict(word.partition("?")[0].split("-", 1) for word in words if "-" in word)
    for algorithm in _STRONGEST_FIRST:
        if algorithm in pairs:
            try:
                value = base64.b64decode(pairs[algorithm], validate=True).hex()
            except binascii.Error:
                return None
            return _source(url, algorithm, value)
    return _source(url, "sha1", shasum)


def _source(url: str, algorithm: str, value: Any, size: Any = None) -> Source | None:
    width = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    if not isinstance(value, str) or not re.fullmatch(f"[0-9a-fA-F]{{{width}}}", value):
        return None
    if urlsplit(url).scheme not in ("http", "https"):
        return None
    return Source(url, algorithm, value.lower(), size if isinstance(size, int) else None)
