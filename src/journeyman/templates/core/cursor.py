"""The text that a reader walks over while it is still arriving.

A reader is a generator: it takes from its `Cursor` what is certain and yields where it needs more.
Whole-text parsing and streaming run the same generator, so they cannot disagree. Positions in
`Cursor.text` are only good until the next `yield`: what was taken is dropped from the buffer there.

    >>> cursor, seen = Cursor(), []
    >>> reader = scan(cursor, Marks("</a>"), seen.append)
    >>> cursor.push("one</"); next(reader); seen
    ['one']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from functools import lru_cache

__all__ = [
    "WAIT",
    "Cursor",
    "Decision",
    "Marks",
    "Reader",
    "Verdict",
    "marks_of",
    "scan",
    "skip_space",
]

Reader = Generator[None, None, None]
"""A generator that yields whenever it needs more text."""


class Cursor:
    """A buffer of text, the position reached in it, and whether more can come."""

    __slots__ = ("at", "base", "is_closed", "text")

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.base = 0
        """Offset of `text[0]` from the start of the whole text."""
        self.is_closed = False

    def push(self, delta: str) -> None:
        """Append text and drop what was taken."""
        self.text = self.text[self.at :] + delta
        self.base += self.at
        self.at = 0

    @property
    def offset(self) -> int:
        """Offset of the position from the start of the whole text."""
        return self.base + self.at

    def take(self, end: int) -> str:
        """Return the text up to `end` (a position in `text`) and move there."""
        piece = self.text[self.at : end]
        self.at = end
        return piece

    def has(self, literal: str) -> bool | None:
        """Whether `literal` comes next; None where that is not known yet."""
        if self.text.startswith(literal, self.at):
            return True
        if self.is_closed:
            return False
        rest = self.text[self.at : self.at + len(literal)]
        return None if literal.startswith(rest) and len(rest) < len(literal) else False


def _partial(literal: str) -> str:
    """Return a regular expression for every proper, non-empty prefix of a literal."""
    pattern = ""
    for character in reversed(literal[:-1]):
        pattern = f"{re.escape(character)}(?:{pattern})?" if pattern else re.escape(character)
    return pattern


class Marks:
    """Literal delimiters to look for, and what to hold back because it could begin one."""

    __slots__ = ("_firsts", "_longer", "_partial", "_reach", "_search", "literals")

    def __init__(self, *literals: str) -> None:
        self.literals = literals
        ordered = sorted(literals, key=len, reverse=True)
        self._search = re.compile("|".join(map(re.escape, ordered)) or r"(?!)").search
        partials = [_partial(literal) for literal in ordered if len(literal) > 1]
        self._partial = re.compile(f"(?:{'|'.join(partials)})\\Z" if partials else r"(?!)").search
        self._reach = max([0, *(len(text) - 1 for text in literals)])
        self._firsts = tuple({text[0] for text in literals if len(text) > 1})
        self._longer = {
            short: longer
            for short in literals
            if (longer := [text for text in literals if text.startswith(short) and text != short])
        }

    def find(self, text: str, at: int) -> re.Match[str] | None:
        """Return the first delimiter at or after `at`."""
        return self._search(text, at)

    def may_grow(self, text: str, match: re.Match[str]) -> bool:
        """Whether a delimiter at the end of the text may prove to be a longer one."""
        if not self._longer:
            return False
        rest = text[match.start() : match.start() + self._reach + 1]
        longer = self._longer.get(match.group(), ())
        return any(literal.startswith(rest) for literal in longer)

    def certain(self, text: str, at: int) -> int:
        """Return the end of what cannot be part of a delimiter, given that there is none."""
        start = max(at, len(text) - self._reach)
        # Most pieces hold no first character of a delimiter, which is cheaper to see than by pattern.
        for first in self._firsts:
            if text.find(first, start) >= 0:
                break
        else:
            return len(text)
        match = self._partial(text, start)
        return len(text) if match is None else match.start()


@lru_cache(maxsize=1024)
def marks_of(*literals: str) -> Marks:
    """Return the delimiters, compiled once."""
    return Marks(*literals)


Verdict = bool | None
WAIT: Verdict = None
Decision = Callable[[Cursor, "re.Match[str]"], Verdict]
"""Whether a delimiter counts (True), is mere text (False), or `WAIT`: more text must show."""


def scan(
    cursor: Cursor,
    marks: Marks,
    emit: Callable[[str], object],
    decide: Decision | None = None,
) -> Generator[None, None, re.Match[str] | None]:
    """Pass text to `emit` up to a delimiter; return its match, the cursor standing at its start.

    Returns None at the end of the text, all of which was emitted then. `decide` may look only a
    bounded distance ahead, and must not say `WAIT` once the cursor is closed.
    """
    seek = cursor.at
    while True:
        match = marks.find(cursor.text, seek)
        verdict: Verdict = False
        if match is not None:
            if not cursor.is_closed and marks.may_grow(cursor.text, match):
                verdict = WAIT
            else:
                verdict = True if decide is None else decide(cursor, match)
            if verdict is False:
                seek = match.start() + 1
                continue
            end = match.start()
        else:
            end = len(cursor.text) if cursor.is_closed else marks.certain(cursor.text, seek)
        if end > cursor.at:
            emit(cursor.take(end))
        if verdict:
            return match
        if cursor.is_closed:
            return None
        yield
        seek = cursor.at


_NOT_SPACE = re.compile(r"\S")


def skip_space(cursor: Cursor) -> Generator[None, None, str]:
    """Move past white space; return the next character, or "" at the end of the text."""
    while True:
        match = _NOT_SPACE.search(cursor.text, cursor.at)
        if match is not None:
            cursor.at = match.start()
            return match.group()
        cursor.at = len(cursor.text)
        if cursor.is_closed:
            return ""
        yield
