"""Pieces of documents: what a document longer than the context is cut into.

Only lengths are looked at, never tokens. A piece is a run of tokens of one document; it is kept as a
row of four parallel lists, because there are millions.

    >>> pieces = cut([3, 9], 4, long="split")
    >>> list(zip(pieces.documents, pieces.starts, pieces.lengths))
    [(0, 0, 3), (1, 0, 4), (1, 4, 4), (1, 8, 1)]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LongDocuments", "Pieces", "cut"]

LongDocuments = Literal["split", "slide", "drop"]
"""What is done with a document longer than the context: `split` cuts it into pieces one after the
other, `slide` into windows that overlap (the overlap is context, not trained on again), `drop` leaves
it out."""


@dataclass(slots=True)
class Pieces:
    """Parallel lists, one entry a piece."""

    documents: list[int] = field(default_factory=list)
    """Index of the document."""
    starts: list[int] = field(default_factory=list)
    """First token, counted from the document's start."""
    lengths: list[int] = field(default_factory=list)
    """Number of tokens."""
    overlaps: list[int] = field(default_factory=list)
    """How many of its first tokens another piece trains on already: context only."""

    def add(self, document: int, start: int, length: int, overlap: int = 0) -> int:
        """Append a piece and return its index."""
        self.documents.append(document)
        self.starts.append(start)
        self.lengths.append(length)
        self.overlaps.append(overlap)
        return len(self.documents) - 1

    def __len__(self) -> int:
        return len(self.documents)


def cut(
    lengths: Sequence[int], capacity: int, *, long: LongDocuments = "split", overlap: int = 0
) -> Pieces:
    """Cut documents of the given lengths into pieces of at most `capacity` tokens, in order.

    `overlap` is the number of tokens that windows of a `slide` share. Empty documents have no piece.
    Raises `ValueError` for a capacity below 1, a negative length or an overlap that leaves no step.
    """
    if capacity < 1:
        raise ValueError(f"capacity = {capacity}")
    if not 0 <= overlap < capacity:
        raise ValueError(f"overlap = {overlap} needs 0 <= overlap < capacity = {capacity}")
    pieces = Pieces()
    for document, length in enumerate(lengths):
        if length < 0:
            raise ValueError(f"document {document} has length {length}")
        if 0 < length <= capacity:
            pieces.add(document, 0, length)
        elif length > capacity and long != "drop":
            step = overlap if long == "slide" else 0
            for start, end in _windows(length, capacity, step):
                pieces.add(document, start, end - start, step if start else 0)
    return pieces


def _windows(length: int, capacity: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield windows that cover `length`, each `overlap` tokens into the one before."""
    start = 0
    while True:
        end = min(start + capacity, length)
        yield start, end
        if end == length:
            return
        start = end - overlap
