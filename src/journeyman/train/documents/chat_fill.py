"""Holes to be filled in a conversation: the middle alone, or the edit as a search-and-replace block.

The report's chat forms of fill-in-the-middle (arXiv 2603.00729, section 3.1): a user shows a file with a
mark where text is missing, and the assistant answers with what belongs there, or with a block that
replaces the line of the mark.

    >>> chat_fill("a.py", Holed("x = ", "1", "\\n")).messages[1].content
    '1'
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from journeyman.train.documents.conversation import Conversation
from journeyman.train.documents.edits import Block, apply_blocks, write_block
from journeyman.train.documents.fill_in_middle import (
    Holed,
    hole_between_lines,
    hole_in_line,
    window,
)
from journeyman.train.documents.repository import SourceFile
from journeyman.types import Message

__all__ = ["MARK", "chat_fill", "draw_fills", "search_replace_fill"]

MARK = "<<FILL_ME>>"
_FILL = (
    "Here is {path} with a part missing at " + MARK + ". Answer with exactly the text that belongs "
    "there and nothing else.\n\n{text}"
)
_REPLACE = (
    "Here is {path} with a part missing at "
    + MARK
    + ". Complete it by one search-and-replace block "
    "whose search part holds the line of the mark.\n\n{text}"
)


def chat_fill(path: str, holed: Holed, *, key: str = "") -> Conversation:
    """Ask for the middle; the answer is the middle."""
    shown = f"{holed.prefix}{MARK}{holed.suffix}"
    return _conversation(_FILL.format(path=path, text=shown), holed.middle, "chat_fill", key)


def search_replace_fill(path: str, holed: Holed, *, key: str = "") -> Conversation | None:
    """Ask for a block that replaces the marked line; None where the text cannot be shown so.

    The block, applied to the text that is shown, gives the whole file again.
    """
    shown = f"{holed.prefix}{MARK}{holed.suffix}"
    if shown.count(MARK) != 1:
        return None
    start = holed.prefix.rfind("\n") + 1
    head, tail = holed.prefix[start:], holed.suffix.partition("\n")
    line = f"{head}{MARK}{tail[0]}{tail[1]}"
    block = Block(line, f"{head}{holed.middle}{tail[0]}{tail[1]}")
    if apply_blocks(shown, [block]) != f"{holed.prefix}{holed.middle}{holed.suffix}":
        return None
    answer = write_block(path, block)
    return _conversation(_REPLACE.format(path=path, text=shown), answer, "search_replace_fill", key)


def draw_fills(
    files: Sequence[SourceFile],
    number: int,
    *,
    replace_share: float,
    most_characters: int,
    seed: int,
) -> list[Conversation]:
    """Draw holes of words and lines, filled in either form; fewer where one cannot be shown."""
    draw = Random(seed)  # noqa: S311
    found: list[Conversation] = []
    for place in range(number if files else 0):
        file = draw.choice(files)
        text = window(file.text, most_characters, draw)
        holed = draw.choice((hole_between_lines, hole_in_line))(text, draw)
        key = f"fill:{place}"
        made = (
            search_replace_fill(file.path, holed, key=key)
            if draw.random() < replace_share
            else chat_fill(file.path, holed, key=key)
        )
        if made is not None and holed.middle:
            found.append(made)
    return found


def _conversation(request: str, answer: str, source: str, key: str) -> Conversation:
    return Conversation(
        messages=(
            Message(role="user", content=request),
            Message(role="assistant", content=answer),
        ),
        source=source,
        id=key,
    )
