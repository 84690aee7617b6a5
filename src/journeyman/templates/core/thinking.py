"""Read and write the reasoning that opens a turn, e.g. between `<think>` and `</think>`."""

from __future__ import annotations

from collections.abc import Generator

from journeyman.templates.core.cursor import Cursor, Marks, scan
from journeyman.templates.core.turn import TurnBuilder

__all__ = ["read_thinking", "write_thinking"]


def write_thinking(
    reasoning: str, opener: str = "<think>", closer: str = "</think>", frame: str = "\n"
) -> str:
    """Write reasoning as it opens a turn; "" where there is none."""
    return f"{opener}{frame}{reasoning}{frame}{closer}{frame * 2}" if reasoning else ""


def read_thinking(
    cursor: Cursor,
    turn: TurnBuilder,
    opener: str = "<think>",
    closer: str = "</think>",
    frame: str = "\n",
) -> Generator[None, None, None]:
    """Read reasoning if the turn opens with it; what frames it is dropped, nothing more."""
    start = cursor.offset
    while (known := cursor.has(opener)) is None:
        yield
    if not known:
        return
    cursor.at += len(opener)
    yield from _skip(cursor, frame)
    match = yield from scan(cursor, Marks(closer, frame + closer), turn.reasoning)
    if match is None:
        turn.fault("unclosed_reasoning", f"{closer} is missing", start, cursor.offset)
        return
    cursor.at = match.end()
    yield from _skip(cursor, frame)
    yield from _skip(cursor, frame)


def _skip(cursor: Cursor, literal: str) -> Generator[None, None, None]:
    """Move past a literal if it comes next."""
    while literal and (known := cursor.has(literal)) is None:
        yield
    if literal and known:
        cursor.at += len(literal)
