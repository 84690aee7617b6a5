"""A piece of untrusted text on a page: visible, cut where it is long, whole elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journeyman.web.reading.text import cut, size_words, visible

__all__ = ["MOST_SHOWN", "Piece", "argument_pieces", "make_piece", "prose"]

MOST_SHOWN = 16_000
_FOLDED_LINES = 24
_FOLDED_CHARACTERS = 3_000


@dataclass(frozen=True, slots=True)
class Piece:
    """What a page shows of one text."""

    text: str
    is_long: bool
    """Whether it is shown folded at first."""
    summary: str
    """How much there is, for the fold's handle."""
    num_left: int
    """Characters that only the whole text has."""
    whole: str
    """Name of the whole text's page; empty where everything is shown."""
    size: str
    label: str = ""


def make_piece(text: str, name: str, *, label: str = "") -> Piece:
    """Return a piece; `name` is unique among the texts of its page."""
    shown, left = cut(text, MOST_SHOWN)
    num_lines = text.count("\n") + 1
    lines = "1 line" if num_lines == 1 else f"{num_lines:,} lines"
    size = size_words(len(text))
    return Piece(
        text=visible(shown),
        is_long=num_lines > _FOLDED_LINES or len(text) > _FOLDED_CHARACTERS,
        summary=f"{lines}, {size}",
        num_left=left,
        whole=name if left else "",
        size=size,
        label=label,
    )


def argument_pieces(arguments: Mapping[str, Any], name: str) -> list[Piece]:
    """Return a call's arguments, each as a person would write it."""
    return [
        make_piece(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2),
            f"{name}-{number}",
            label=visible(key),
        )
        for number, (key, value) in enumerate(arguments.items())
    ]


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(.*?)(?:^ {0,3}\1[^\n]*$|\Z)", re.M | re.S)


def prose(text: str) -> list[tuple[str, str]]:
    """Part a text into `prose` and `code`, as Markdown's fences say; nothing else is read as markup.

    >>> prose("Run\\n```python\\nf()\\n```")
    [('prose', 'Run'), ('code', 'f()')]
    """
    parts, at = [], 0
    for found in _FENCE.finditer(text):
        parts.append(("prose", text[at : found.start()].strip("\n")))
        parts.append(("code", found[2].rstrip("\n")))
        at = found.end()
    parts.append(("prose", text[at:].strip("\n")))
    return [(kind, part) for kind, part in parts if part.strip()]
