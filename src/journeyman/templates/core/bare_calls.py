"""Read calls that no tag announces: the turn holds a JSON list, bare objects or a Python list.

What begins a call is told from prose by its first few tokens, e.g. `[`, `{`, `"name"`, `:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from journeyman.templates.core.cursor import WAIT, Cursor, Reader, Verdict, marks_of, scan
from journeyman.templates.core.prose import end_turn, stray_emitter
from journeyman.templates.core.turn import TurnBuilder
from journeyman.types import Message, ToolSpec

__all__ = ["BareCalls", "Token"]

Token = str | re.Pattern[str]
"""A literal, or a pattern for a word of at most 128 characters."""

_MAX_SPACE = 16
_REACH = 160


def _begins(text: str, at: int, tokens: tuple[Token, ...], is_closed: bool) -> Verdict:
    """Whether `tokens` come at `at`, with at most a little white space between them."""
    for token in tokens:
        rest = text[at : at + _REACH]
        body = rest.lstrip()
        gap = len(rest) - len(body)
        if gap > _MAX_SPACE:
            return False
        if isinstance(token, str):
            if not body.startswith(token):
                return WAIT if not is_closed and token.startswith(body) else False
            at += gap + len(token)
            continue
        word = token.match(body)
        if word is None:
            return WAIT if not body and not is_closed else False
        if word.end() == len(body) and not is_closed:
            return WAIT
        at += gap + word.end()
    return True


@dataclass(frozen=True)
class BareCalls:
    """One dialect."""

    starts: tuple[tuple[Token, ...], ...]
    """The tokens with which calls may begin; the first of each is the same literal."""
    stops: tuple[str, ...]
    read_calls: Callable[[Cursor, TurnBuilder], Reader]
    """Reads the calls from their first token on; must move the cursor."""
    trims: bool = True
    """Whether content loses the white space around it."""

    def read(self, cursor: Cursor, turn: TurnBuilder) -> Reader:
        """Read content and calls to the end of the turn."""
        turn.strips_lead = self.trims
        emit = stray_emitter(cursor, turn)
        marks = marks_of(str(self.starts[0][0]), *self.stops)
        while True:
            match = yield from scan(cursor, marks, emit, self._decide)
            mark = match.group() if match else ""
            if mark and mark not in self.stops:
                yield from self.read_calls(cursor, turn)
                continue
            if self.trims:
                turn.drop_space()
            yield from end_turn(cursor, turn, mark)
            return

    def _decide(self, cursor: Cursor, match: re.Match[str]) -> Verdict:
        if match.group() in self.stops:
            return True
        return self._verdict(cursor.text, match.start(), cursor.is_closed)

    def _verdict(self, text: str, at: int, is_closed: bool) -> Verdict:
        verdicts = [_begins(text, at, start, is_closed) for start in self.starts]
        return True if True in verdicts else WAIT if WAIT in verdicts else False

    def can_hold(self, message: Message, tools: Mapping[str, ToolSpec]) -> bool:
        """Whether no part of the content would be taken for a call."""
        places = re.finditer(re.escape(str(self.starts[0][0])), message.content)
        return not any(self._verdict(message.content, at.start(), True) for at in places)
