"""The turn-level penalty on malformed tool calls (§4.2.4), token by token.

The report validates every turn's calls by rules and penalises the tokens of the malformed ones; it
gives no formula, and no open code has one. Ours, after group normalisation and outside the
baseline: a token of a malformed call never has a positive advantage, and one turn's malformed
tokens share at most `weight` between them, however long the garbage:

    A'_t = min(A_t, 0) - weight / n      for the n tokens of a turn that touch a malformed span

A call that the limit of tokens cut off is nobody's mistake of format, and is left out.

Legend: N tokens that one turn drew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from journeyman.types import FormatError

__all__ = ["malformed_tokens", "penalise"]


def malformed_tokens(
    errors: Iterable[FormatError],
    offsets: Sequence[tuple[int, int]],
    *,
    was_cut: bool,
) -> list[bool]:
    """Say of each of N tokens whether it lies in a malformed part of the turn's text.

    `offsets` are first and one past the last character of each token. An error without extent marks the
    token at which it stands, or the last one where it stands at the end. With `was_cut` (the completion
    ended by length), errors that reach the end of the text are left out: the cut made them.
    """
    marks = [False] * len(offsets)
    if not offsets:
        return marks
    length = offsets[-1][1]
    for error in errors:
        start, end = error.start, max(error.end, error.start + 1)
        if was_cut and end >= length:
            continue
        touched = [at for at, (a, b) in enumerate(offsets) if a < end and b > start]
        for at in touched or [len(offsets) - 1]:
            marks[at] = True
    return marks


def penalise(
    advantages_N: torch.Tensor, is_malformed_N: torch.Tensor, *, weight: float
) -> torch.Tensor:
    """Return the advantages of one turn's tokens after the penalty; `weight` 0 leaves them as they
    are."""
    num = int(is_malformed_N.sum())
    if not num or not weight:
        return advantages_N
    punished_N = advantages_N.clamp(max=0.0) - weight / num
    return torch.where(is_malformed_N, punished_N, advantages_N)
