"""Documents that belong together, such as the two answers of a pair, in one row.

>>> plan = plan_groups([3, 3, 2, 1, 9, 1], 9, size=2)
>>> [[plan.pieces.documents[piece] for piece in row] for row in plan.rows]
[[0, 1, 2, 3]]
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.train.packing.pieces import Pieces
from journeyman.train.packing.plan import Plan, plan_rows

__all__ = ["plan_groups"]


def plan_groups(lengths: Sequence[int], capacity: int, *, size: int) -> Plan:
    """Plan rows by best fit in which every `size` neighbours lie together, whole and in order.

    A group longer than a row, in tokens, is left out. Raises `ValueError` for a number of documents
    that is no multiple of `size`.
    """
    if len(lengths) % size:
        raise ValueError(f"{len(lengths)} documents are no groups of {size}")
    totals = [sum(lengths[at : at + size]) for at in range(0, len(lengths), size)]
    plan = plan_rows(totals, capacity, long="drop")
    pieces = Pieces()
    rows = []
    for row in plan.rows:
        first = [plan.pieces.documents[piece] * size for piece in row]
        documents = [at for start in first for at in range(start, start + size)]
        rows.append([pieces.add(at, 0, lengths[at]) for at in documents])
    return Plan(capacity, pieces, rows)
