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
from collections.abc import Callable, Generator, Iterable
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


Find = Callable[[str], "re.Match[str] | None"]
Match = Callable[[str, int], "re.Match[str] | None"]


def _ignore(text: str) -> None:
    pass


class Cursor:
    """A buffer of text, the position reached in it, and whether more can come."""

    __slots__ = ("at", "base", "emit", "is_closed", "is_mended", "stop", "text")

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.base = 0
        """Offset of `text[0]` from the start of the whole text."""
        self.is_closed = False
        self.is_mended = False
        """Whether JSON has needed mending, so that the fast way is not tried any more."""
        self.stop: Find | None = None
        """Finds in the next piece what the reader must see; None where it must see all."""
        self.emit: Callable[[str], object] = _ignore
        """Takes a piece in which `stop` finds nothing."""

    def push(self, delta: str) -> None:
        """Append text and drop what was taken."""
        self.stop = None
        self.text = self.text[self.at :] + delta
        self.base += self.at
        self.at = 0

    def idle(self, stop: Find, emit: Callable[[str], object]) -> None:
        """Let pieces pass to `emit` without the reader, up to one in which `stop` finds something.

        Called right before a `yield`, when all text was taken.
        """
        self.base += self.at
        self.text, self.at = "", 0
        self.stop, self.emit = stop, emit

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


def _pattern(literals: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the literals, none of which may be empty; never for none."""
    return re.compile("|".join(map(re.escape, literals)) or r"(?!)")


def _beginnings(literals: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for a text's places where a literal could begin, the end of it unknown."""
    seconds: dict[str, set[str]] = {}
    for literal in literals:
        seconds.setdefault(literal[0], set()).add(literal[1:2])
    patterns = [
        re.escape(first) + ("" if "" in nexts else f"(?:{_pattern(sorted(nexts)).pattern}|\\Z)")
        for first, nexts in sorted(seconds.items())
    ]
    return re.compile("|".join(patterns) or r"(?!)")


class Marks:
    """Literal delimiters to look for, and what to hold back because it could begin one."""

    __slots__ = ("_first", "_long", "_longer", "_match", "_reach", "_search", "literals", "stop")

    def __init__(self, *literals: str) -> None:
        self.literals = literals
        ordered = sorted(literals, key=len, reverse=True)
        self._match: Match | None = None
        """Reads a whole delimiter, where `_search` leaves out the newline before it."""
        # Nearly all text is passed over faster where every delimiter begins with one character.
        bare = [literal.removeprefix("\n") for literal in ordered]
        if all(bare) and bare != ordered:
            self._match = _pattern(ordered).match
            bare.sort(key=len, reverse=True)
            self._search = _pattern(dict.fromkeys(bare)).search
        else:
            self._search = _pattern(ordered).search
        self._long = tuple(literal for literal in ordered if len(literal) > 1)
        self._first = _pattern(sorted({literal[0] for literal in self._long})).search
        self._reach = max([0, *(len(text) - 1 for text in literals)])
        self.stop: Find = _beginnings(literals).search
        """Finds in a piece of text where a delimiter begins or may begin."""
        self._longer = {
            short: longer
            for short in literals
            if (longer := [text for text in literals if text.startswith(short) and text != short])
        }

    def find(self, text: str, at: int) -> re.Match[str] | None:
        """Return the first delimiter at or after `at`."""
        match = self._search(text, at)
        if self._match is None:
            return match
        while match is not None:
            start = match.start()
            if start > at and text[start - 1] == "\n" and (framed := self._match(text, start - 1)):
                return framed
            if found := self._match(text, start):
                return found
            match = self._search(text, start + 1)
        return None

    def may_grow(self, text: str, match: re.Match[str]) -> bool:
        """Whether a delimiter at the end of the text may prove to be a longer one."""
        if not self._longer:
            return False
        rest = text[match.start() : match.start() + self._reach + 1]
        longer = self._longer.get(match.group(), ())
        return any(literal.startswith(rest) for literal in longer)

    def certain(self, text: str, at: int) -> int:
        """Return the end of what cannot be part of a delimiter, given that there is none."""
        match = self._first(text, max(at, len(text) - self._reach))
        while match is not None:
            tail = text[match.start() :]
            if any(literal.startswith(tail) for literal in self._long):
                return match.start()
            match = self._first(text, match.end())
        return len(text)


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
        if cursor.at == len(cursor.text):
            cursor.idle(marks.stop, emit)
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
