"""The tokens of a source file without a grammar: strings whole, comments gone, blanks between gone.

For languages whose blocks stand in braces. Enough to tell that two texts say the same, and where a
block ends; not a parser.

    >>> tokens(b"a = 1; // one\\n") == tokens(b"a=1;")
    True
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["BRACED", "block_end", "comments", "tokens"]

BRACED = frozenset(("javascript", "typescript", "go", "java", "php", "c", "cpp", "rust"))
"""Languages whose blocks stand in braces and whose comments are C's."""

_TOKEN = re.compile(
    rb"(?P<comment>//[^\n]*|/\*.*?\*/)"
    rb"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"
    rb"|(?P<blank>\s+)"
    rb"|(?P<word>\w+|[^\w\s])",
    re.DOTALL,
)


def tokens(data: bytes) -> list[bytes]:
    """Return the tokens of a text, in order."""
    return [token for kind, token in _kinds(data) if kind in ("string", "word")]


def comments(data: bytes) -> list[bytes]:
    """Return the words of all comments, in order."""
    found = (token.strip(b"/* \n") for kind, token in _kinds(data) if kind == "comment")
    return [b" ".join(text.split()) for text in found]


def _kinds(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _TOKEN.finditer(data):
        yield match.lastgroup or "", match[0]


def block_end(lines: list[str], first: int) -> int:
    """Return the index of the line that ends the block which opens at or after a line.

    Without a brace before the next statement ends, e.g. for an attribute of a single item, the block
    is that statement.
    """
    depth, has_opened = 0, False
    text = "\n".join(lines[first:]).encode()
    row = first
    for kind, token in _kinds(text):
        if kind == "word" and token in (b"{", b"("):
            depth += 1
            has_opened = has_opened or token == b"{"
        elif kind == "word" and token in (b"}", b")"):
            depth -= 1
            if has_opened and depth <= 0:
                return row
        elif kind == "word" and token == b";" and depth == 0:
            return row
        row += token.count(b"\n")
    return len(lines) - 1
