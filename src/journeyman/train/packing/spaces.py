"""The smallest space that suffices: a set of integers that answers "the least member at or above".

Two levels of bits: words of 512, and one integer that says which words are not empty. Each operation
is a handful of steps on machine-sized integers, whatever the number of rows; a segment tree over the
capacities (Ding et al. 2024, arXiv 2404.10830) would take some eighteen steps at 262,144.

    >>> spaces = Spaces(100)
    >>> spaces.push(40, 7)
    >>> spaces.least(33), spaces.pop(40), spaces.least(33)
    (40, 7, None)
"""

from __future__ import annotations

__all__ = ["Spaces"]

_SHIFT = 9
_LOW = (1 << _SHIFT) - 1


class Spaces:
    """Rows by the space they have left, at most `capacity`."""

    def __init__(self, capacity: int) -> None:
        self._words = [0] * ((capacity >> _SHIFT) + 1)
        self._summary = 0
        self._rows: dict[int, list[int]] = {}

    def push(self, space: int, row: int) -> None:
        """Say that `row` has `space` tokens left."""
        rows = self._rows.setdefault(space, [])
        if not rows:
            self._words[space >> _SHIFT] |= 1 << (space & _LOW)
            self._summary |= 1 << (space >> _SHIFT)
        rows.append(row)

    def pop(self, space: int) -> int:
        """Take out the row with exactly `space` left that was put in last."""
        rows = self._rows[space]
        row = rows.pop()
        if not rows:
            index = space >> _SHIFT
            self._words[index] ^= 1 << (space & _LOW)
            if not self._words[index]:
                self._summary ^= 1 << index
        return row

    def least(self, needed: int) -> int | None:
        """Return the smallest space of any row that is at least `needed`; None if there is none."""
        index = needed >> _SHIFT
        word = self._words[index] >> (needed & _LOW)
        if word:
            return needed + _lowest_bit(word)
        rest = self._summary >> (index + 1)
        if not rest:
            return None
        index += 1 + _lowest_bit(rest)
        return (index << _SHIFT) + _lowest_bit(self._words[index])


def _lowest_bit(word: int) -> int:
    return (word & -word).bit_length() - 1
