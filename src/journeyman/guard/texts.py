"""The texts inside a tool call's arguments, and tables of words."""

from __future__ import annotations

from typing import Any

__all__ = ["strings_of", "words"]


def strings_of(value: Any) -> list[str]:
    """Return every text inside a JSON value, depth first."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [it for item in value.values() for it in strings_of(item)]
    if isinstance(value, list | tuple):
        return [it for item in value for it in strings_of(item)]
    return []


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for tables of names."""
    return frozenset(text.split())
