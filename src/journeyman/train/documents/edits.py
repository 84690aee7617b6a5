"""Edits as text: search-and-replace blocks that apply in one way only, and unified diffs.

>>> blocks = find_blocks("a\\nb\\nc\\n", "a\\nB\\nc\\n", num_context=0)
>>> blocks
[Block(search='b\\n', replace='B\\n')]
>>> apply_blocks("a\\nb\\nc\\n", blocks)
'a\\nB\\nc\\n'
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Block", "apply_blocks", "find_blocks", "unified_diff", "write_block"]


@dataclass(frozen=True, slots=True)
class Block:
    """Text that is replaced, and by what; whole lines both."""

    search: str
    """Occurs exactly once in the file as the blocks before it leave it; all of a file if empty."""
    replace: str


def find_blocks(before: str, after: str, *, num_context: int = 3) -> list[Block]:
    """Return blocks that turn `before` into `after` when applied in order.

    Each holds `num_context` unchanged lines around a change, more where fewer would occur twice.
    """
    if before == after:
        return []
    old, new = _lines(before), _lines(after)
    spans = _changes(old, new)
    while True:
        blocks = [_block(old, new, span, num_context) for span in _merged(spans, num_context)]
        if _try(before, blocks) == after:
            return blocks
        if num_context >= len(old):
            return [Block(before, after)]
        num_context = num_context * 2 + 1


def apply_blocks(text: str, blocks: Iterable[Block]) -> str:
    """Replace each block's text in turn; `ValueError` if one does not occur exactly once."""
    for block in blocks:
        if not block.search and not text:
            text = block.replace
        elif not block.search or text.count(block.search) != 1:
            raise ValueError(f"occurs {text.count(block.search)} times: {block.search!r}")
        else:
            text = text.replace(block.search, block.replace)
    return text


def write_block(path: str, block: Block) -> str:
    """Write a block in the form of a merge conflict, under its file's path."""
    return (
        f"{path}\n<<<<<<< SEARCH\n{_ended(block.search)}=======\n"
        f"{_ended(block.replace)}>>>>>>> REPLACE\n"
    )


def unified_diff(path: str, before: str, after: str) -> str:
    """Return the unified diff of one file, with Git's names of the two sides."""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


Change = tuple[int, int, int, int]
"""First and one past the last line of the change in the old file, and in the new one."""


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, as diffs do; a carriage return or a form feed is a character."""
    pieces = text.split("\n")
    ended = [f"{piece}\n" for piece in pieces[:-1]]
    return [*ended, pieces[-1]] if pieces[-1] else ended


def _changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [tuple(code[1:]) for code in matcher.get_opcodes() if code[0] != "equal"]  # type: ignore[misc]


def _merged(spans: Sequence[Change], num_context: int) -> list[Change]:
    """Join changes whose context would touch."""
    joined = [spans[0]]
    for span in spans[1:]:
        last = joined[-1]
        if span[0] - last[1] <= 2 * num_context:
            joined[-1] = (last[0], span[1], last[2], span[3])
        else:
            joined.append(span)
    return joined


def _block(old: Sequence[str], new: Sequence[str], span: Change, num_context: int) -> Block:
    before = min(num_context, span[0])
    after = min(num_context, len(old) - span[1])
    return Block(
        "".join(old[span[0] - before : span[1] + after]),
        "".join(new[span[2] - before : span[3] + after]),
    )


def _try(text: str, blocks: Sequence[Block]) -> str | None:
    try:
        return apply_blocks(text, blocks)
    except ValueError:
        return None


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
