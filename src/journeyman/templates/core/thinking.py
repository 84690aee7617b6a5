"""Read and write the reasoning that opens a turn, e.g. between `<think>` and `</think>`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from journeyman.templates.core.cursor import WAIT, Cursor, marks_of, scan, skip_space
from journeyman.templates.core.prose import followed_by
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["THINK", "Thinking", "read_thinking", "write_thinking"]


@dataclass(frozen=True)
class Thinking:
    """How a template delimits reasoning at the start of a turn."""

    opener: str = "<think>"
    closer: str = "</think>"
    is_open: bool = False
    """Whether the generation prompt has opened it already."""


THINK = Thinking()


def write_thinking(reasoning: str) -> str:
    """Write reasoning as it opens a turn; "" where there is none."""
    return f"<think>\n{reasoning}\n</think>\n\n" if reasoning else ""


def read_thinking(
    cursor: Cursor, turn: TurnBuilder, thinking: Thinking = THINK, others: Sequence[str] = ()
) -> Generator[None, None, None]:
    """Read reasoning if the turn opens with it, without the white space around it.

    `others` are the delimiters that end it unclosed. Behind reasoning, white space before the
    content goes too.
    """
    start = cursor.offset
    while True:
        is_opened, end = followed_by(cursor, cursor.at, (thinking.opener,))
        if is_opened is not WAIT:
            break
        yield
    if is_opened and end > cursor.at and cursor.text.endswith(thinking.opener, cursor.at, end):
        cursor.at = end
    elif not thinking.is_open:
        return
    turn.strips_lead = True
    yield from skip_space(cursor)
    match = yield from scan(cursor, marks_of(thinking.closer, *others), turn.reasoning)
    if match is not None and match.group() == thinking.closer:
        cursor.at += len(thinking.closer)
    else:
        turn.fault("unclosed_reasoning", f"{thinking.closer} is missing", start, cursor.offset)
