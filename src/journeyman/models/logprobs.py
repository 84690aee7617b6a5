"""Gives each sampled token its log-probability, from what llama.cpp's server reports.

The server reports one entry a completed character, so a token that only begins a character (emoji and
many scripts are several tokens long) has none, nor have the last tokens when a stop text cut them.

    >>> align((7, 1, 7, 2, 5), [(1, -0.1), (2, -0.2), (5, -0.3)])
    [None, -0.1, None, -0.2, -0.3]
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["align"]


def align(
    token_ids: Sequence[int], entries: Sequence[tuple[int, float]]
) -> list[float | None] | None:
    """Return one log-probability a token, None where it was not reported.

    `entries` are (token, log-probability) in order. Returns None if they do not fit the tokens.
    """
    aligned: list[float | None] = [None] * len(token_ids)
    position = 0
    for token, logprob in entries:
        skipped = position
        while position < len(token_ids) and token_ids[position] != token:
            position += 1
        if position == len(token_ids):
            return None
        if position > skipped:
            # Inside a character the same byte may stand several times; only its last one ends it.
            while position + 1 < len(token_ids) and token_ids[position + 1] == token:
                position += 1
        aligned[position] = logprob
        position += 1
    return aligned
