"""Which tokens are trained on, and how much: what is repeated left out, prompts taken in at a weight.

A long run of tokens that was there before teaches copying, not code.

>>> find_repeats([1, 2, 3, 9, 1, 2, 3, 8], 3)
[(4, 7)]
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from journeyman.train.documents.encode import Encoded

__all__ = ["find_repeats", "mask_repeats", "weigh_prompt"]


def find_repeats(token_ids: Sequence[int], min_length: int) -> list[tuple[int, int]]:
    """Return the runs, as first and one past the last token, that occurred earlier in the sequence.

    A token belongs to one if some `min_length` tokens around it are equal to `min_length` tokens that
    begin earlier; the two may overlap, so a loop is a repeat from its second round on. Runs are
    disjoint, in order and as long as they can be. Linear in the number of tokens for a fixed
    `min_length`. Raises `ValueError` for a `min_length` below 1.
    """
    if min_length < 1:
        raise ValueError(f"min_length = {min_length}")
    seen: set[tuple[int, ...]] = set()
    runs: list[tuple[int, int]] = []
    for start in range(len(token_ids) - min_length + 1):
        window = tuple(token_ids[start : start + min_length])
        if window not in seen:
            seen.add(window)
        elif runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], start + min_length)
        else:
            runs.append((start, start + min_length))
    return runs


def mask_repeats(encoded: Encoded, min_length: int = 64) -> Encoded:
    """Return the sequence with every repeated run out of the loss; its tokens stay as context."""
    is_trained = bytearray(encoded.is_trained)
    for start, end in find_repeats(encoded.token_ids, min_length):
        is_trained[start:end] = bytes(end - start)
    return replace(encoded, is_trained=is_trained)


def weigh_prompt(encoded: Encoded, weight: float) -> Encoded:
    """Return the sequence with every token in the loss, those that were not trained on at a weight.

    The same where the weight is 0.
    """
    if not weight:
        return encoded
    weights = array("f", (1.0 if it else weight for it in encoded.is_trained))
    columns = {**encoded.columns, "weight": weights}
    return replace(encoded, is_trained=bytearray(b"\1" * len(encoded)), columns=columns)
