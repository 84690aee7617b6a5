"""Which piece goes into which row: best-fit, and the baselines it is measured against.

Pure functions of lengths: the same lengths give the same plan, so a plan is never stored with data.
The methods are those of the Qwen3-Coder-Next report (arXiv 2603.00729, section 3.2 and A.3).

    >>> plan = plan_rows([5, 4, 3], 8)
    >>> [[plan.pieces.documents[piece] for piece in row] for row in plan.rows]
    [[0, 2], [1]]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from journeyman.train.packing.pieces import LongDocuments, Pieces, cut
from journeyman.train.packing.spaces import Spaces

__all__ = ["Method", "Plan", "plan_rows"]

Method = Literal["best_fit", "concat", "restart_last", "pad_last"]
"""`best_fit` puts each piece where the least space is left, longest first. The others go in order:
`concat` cuts wherever a row ends, `restart_last` begins a document that was cut again in the next row,
`pad_last` leaves the rest of a row empty instead of cutting."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What lies in which row."""

    capacity: int
    """Tokens of a row."""
    pieces: Pieces
    rows: list[list[int]]
    """Indexes of pieces, in the order in which they lie in each row."""


def plan_rows(
    lengths: Sequence[int],
    capacity: int,
    *,
    method: Method = "best_fit",
    long: LongDocuments = "split",
    overlap: int = 0,
) -> Plan:
    """Plan rows of at most `capacity` tokens for documents of the given lengths, in tokens.

    `long` and `overlap` say what becomes of documents longer than a row, see `cut`; `concat` cuts
    those like any other. Raises `ValueError` for lengths or a capacity that make no sense.
    """
    if method == "concat":
        return _concat(lengths, capacity)
    pieces = cut(lengths, capacity, long=long, overlap=overlap)
    if method == "best_fit":
        return Plan(capacity, pieces, _best_fit(pieces.lengths, capacity))
    if method == "pad_last":
        return Plan(capacity, pieces, _pad_last(pieces.lengths, capacity))
    return _restart_last(pieces, capacity)


def _best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best-fit decreasing (Johnson 1974; for training rows Ding et al. 2024, arXiv 2404.10830).

    Pieces of one length go together: the row with the tightest space stays the tightest until no
    further piece of that length fits, so it takes as many at once as it can.
    """
    by_length: dict[int, list[int]] = {}
    for piece, length in enumerate(lengths):
        by_length.setdefault(length, []).append(piece)
    rows: list[list[int]] = []
    spaces = Spaces(capacity)
    for length in sorted(by_length, reverse=True):
        waiting = by_length[length]
        done = 0
        while done < len(waiting):
            space = spaces.least(length)
            if space is None:
                space, row = capacity, len(rows)
                rows.append([])
            else:
                row = spaces.pop(space)
            taken = min(space // length, len(waiting) - done)
            rows[row] += waiting[done : done + taken]
            done += taken
            if space > taken * length:
                spaces.push(space - taken * length, row)
    return rows


def _pad_last(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    rows: list[list[int]] = []
    space = 0
    for piece, length in enumerate(lengths):
        if length > space:
            rows.append([])
            space = capacity
        rows[-1].append(piece)
        space -= length
    return rows


def _concat(lengths: Sequence[int], capacity: int) -> Plan:
    if capacity < 1:
        raise ValueError(f"capacity = {capacity}")
    pieces = Pieces()
    rows: list[list[int]] = []
    space = 0
    for document, length in enumerate(lengths):
        if length < 0:
            raise ValueError(f"document {document} has length {length}")
        start = 0
        while start < length:
            if not space:
                rows.append([])
                space = capacity
            taken = min(space, length - start)
            rows[-1].append(pieces.add(document, start, taken))
            start += taken
            space -= taken
    return Plan(capacity, pieces, rows)


def _restart_last(whole: Pieces, capacity: int) -> Plan:
    """Fill the end of a row with the head of the next piece, which then begins the next row anew."""
    pieces = Pieces()
    rows: list[list[int]] = []
    space = 0
    columns = zip(whole.documents, whole.starts, whole.lengths, whole.overlaps, strict=True)
    for document, start, length, overlap in columns:
        if length > space:
            if space:
                rows[-1].append(pieces.add(document, start, space, min(overlap, space)))
            rows.append([])
            space = capacity
        rows[-1].append(pieces.add(document, start, length, overlap))
        space -= length
    return Plan(capacity, pieces, rows)
