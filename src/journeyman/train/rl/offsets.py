"""Where each drawn token stands in the text that its turn became."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from journeyman.train.rl.sequences import Offsets

__all__ = ["offsets_by"]

_NOT_WHOLE = "\ufffd"


def offsets_by(decode: Callable[[Sequence[int]], str]) -> Offsets:
    """Return a function from drawn tokens and their text to first and one past the last character.

    Tokens that make up one character together all have its extent; tokens beyond the text, such as the
    one that ends a turn, stand at its end. For tokenizers whose decoding of a text is that of its
    characters one by one, as of byte-level ones.
    """

    def offsets(token_ids: Sequence[int], text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        at, waiting = 0, []
        for token_id in token_ids:
            waiting.append(token_id)
            piece = decode(waiting)
            if piece.endswith(_NOT_WHOLE) and len(waiting) < 4:
                continue
            end = at + len(piece)
            found += [_within(at, end, len(text))] * len(waiting)
            at, waiting = end, []
        return found + [_within(at, len(text), len(text))] * len(waiting)

    return offsets


def _within(start: int, end: int, length: int) -> tuple[int, int]:
    return min(start, length), min(end, length)
