"""Rows of one length, filled with the pieces of documents that a plan puts there.

row = fill_row(plan, 0, documents, pad_id=0)
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from journeyman.train.documents.encode import Encoded
from journeyman.train.packing import Plan

__all__ = ["IGNORED", "Row", "fill_row"]

IGNORED = -100
"""The target of a position that has none; the value that PyTorch's cross-entropy leaves out."""


@dataclass(frozen=True, slots=True)
class Row:
    """Parallel arrays of the row's length."""

    token_ids: array[int]
    targets: array[int]
    """The next token where it is of the same piece and trained on, else `IGNORED`."""
    positions: array[int]
    """Position within the piece: 0 begins a new one, which neither attention nor state crosses."""
    pieces: array[int]
    """Index of each token's piece within the row, -1 for padding."""
    sources: tuple[str, ...]
    """Of each piece, in order."""
    columns: dict[str, array[float]] = field(default_factory=dict)
    """Figures of each position's target, by name; 1 in `weight`, else 0, where a document has none."""


def fill_row(plan: Plan, index: int, documents: Sequence[Encoded], *, pad_id: int) -> Row:
    """Lay the pieces of one row of a plan one after the other, and pad to the plan's capacity."""
    row = Row(array("i"), array("i"), array("i"), array("i"), _sources(plan, index, documents))
    pieces = plan.pieces
    names = {
        name for piece in plan.rows[index] for name in documents[pieces.documents[piece]].columns
    }
    row.columns.update((name, array("f")) for name in sorted(names))
    for number, piece in enumerate(plan.rows[index]):
        start, length = pieces.starts[piece], pieces.lengths[piece]
        document = documents[pieces.documents[piece]]
        tokens = document.token_ids[start : start + length]
        flags = document.is_trained[start : start + length]
        flags[: pieces.overlaps[piece]] = bytes(pieces.overlaps[piece])
        row.token_ids.extend(tokens)
        row.targets.extend(_targets(tokens, flags))
        row.positions.extend(range(length))
        row.pieces.extend([number] * length)
        _add_columns(row, document, start, length)
    room = plan.capacity - len(row.token_ids)
    row.token_ids.extend([pad_id] * room)
    row.targets.extend([IGNORED] * room)
    row.positions.extend(range(room))
    row.pieces.extend([-1] * room)
    for column in row.columns.values():
        column.extend([0.0] * room)
    return row


def _add_columns(row: Row, document: Encoded, start: int, length: int) -> None:
    """Add each position's figures: those of its target, the next token."""
    for name, column in row.columns.items():
        missing = 1.0 if name == "weight" else 0.0
        values = document.columns.get(name)
        if values is None:
            column.extend([missing] * length)
        else:
            column.extend(values[start + 1 : start + length])
            column.append(missing)


def _targets(tokens: array[int], flags: bytearray) -> list[int]:
    following = zip(tokens[1:], flags[1:], strict=True)
    return [token if flag else IGNORED for token, flag in following] + [IGNORED] * bool(tokens)


def _sources(plan: Plan, index: int, documents: Sequence[Encoded]) -> tuple[str, ...]:
    return tuple(documents[plan.pieces.documents[piece]].source for piece in plan.rows[index])
