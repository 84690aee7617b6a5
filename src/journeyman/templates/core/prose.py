"""The parts of a turn that most templates share: content, the end of the turn, stray text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from journeyman.templates.core.cursor import (
    WAIT,
    Cursor,
    Marks,
    Verdict,
    scan,
)
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["end_turn", "followed_by", "read_stray", "stray_emitter"]


_NOTHING = Marks()
_MAX_SPACE = 64


def stray_emitter(cursor: Cursor, turn: TurnBuilder) -> Callable[[str], None]:
    """Return what takes content pieces from `scan`; behind a call they are reported."""
    return lambda text: turn.stray(text, cursor.offset)


def end_turn(cursor: Cursor, turn: TurnBuilder, stop: str = "") -> Generator[None, None, None]:
    """End the turn at a stop text, at which the cursor stands; what follows is reported."""
    turn.flush_space()
    cursor.at += len(stop)
    yield from read_stray(cursor, turn, _NOTHING, "text_after_end", "text follows the end")


def read_stray(
    cursor: Cursor, turn: TurnBuilder, marks: Marks, kind: str, message: str
) -> Generator[None, None, str]:
    """Skip to a delimiter and report what was skipped; return the delimiter, "" at the end."""
    bounds: list[int] = []

    def note(text: str) -> None:
        body = text.strip()
        if body:
            end = cursor.offset - (len(text) - len(text.rstrip()))
            bounds[:] = [bounds[0] if bounds else end - len(body), end]

    match = yield from scan(cursor, marks, note)
    if bounds:
        turn.fault(kind, message, bounds[0], bounds[1])
    return match.group() if match else ""


def followed_by(cursor: Cursor, at: int, literals: Sequence[str]) -> tuple[Verdict, int]:
    """Whether one of `literals`, or the end of the text, comes at `at` behind some white space.

    Returns the verdict and the position behind the literal (or of the end).
    """
    text = cursor.text
    longest = max(map(len, literals))
    rest = text[at : at + _MAX_SPACE + longest]
    body = rest.lstrip()
    position = at + len(rest) - len(body)
    if len(rest) - len(body) > _MAX_SPACE:
        return False, at
    for literal in literals:
        if body.startswith(literal):
            return True, position + len(literal)
    is_possible = any(literal.startswith(body) for literal in literals)
    if cursor.is_closed:  # a delimiter that the end of the text cuts off counts
        return is_possible, position
    return (WAIT if is_possible else False), position
