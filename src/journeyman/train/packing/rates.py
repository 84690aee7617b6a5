"""How good a plan is: padding, fragmentation, and what was repeated or left out.

The report (arXiv 2603.00729, A.3) gives rates without their definitions; ours are those of the fields
of `Rates`.

    >>> from journeyman.train.packing.plan import plan_rows
    >>> measure(plan_rows([6, 6], 8, method="concat"), [6, 6]).fragmented
    0.5
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.train.packing.plan import Plan

__all__ = ["Rates", "measure"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares, each between 0 and 1."""

    num_rows: int
    padding: float
    """Positions of rows that hold no token, of all positions."""
    fragmented: float
    """Documents that are in no row whole, of the documents that are in any row."""
    headless: float
    """Pieces that do not begin where their document begins, of all pieces."""
    repeated: float
    """Tokens in rows beyond the first time, of all tokens in rows: computed, not learned from."""
    dropped: float
    """Tokens of documents that are in no row, of all tokens."""

    @property
    def utilisation(self) -> float:
        """Share of all positions that hold a token for the first time."""
        return (1 - self.padding) * (1 - self.repeated)


def measure(plan: Plan, lengths: Sequence[int]) -> Rates:
    """Measure a plan of documents of these lengths, in tokens."""
    pieces = plan.pieces
    present = set(pieces.documents)
    whole = {
        document
        for document, start, length in zip(
            pieces.documents, pieces.starts, pieces.lengths, strict=True
        )
        if start == 0 and length == lengths[document]
    }
    num_positions = plan.capacity * len(plan.rows)
    num_placed = sum(pieces.lengths)
    num_tokens = sum(lengths)
    num_present = sum(lengths[document] for document in present)
    return Rates(
        num_rows=len(plan.rows),
        padding=_share(num_positions - num_placed, num_positions),
        fragmented=_share(len(present) - len(whole), len(present)),
        headless=_share(len(pieces) - Counter(pieces.starts)[0], len(pieces)),
        repeated=_share(num_placed - num_present, num_placed),
        dropped=_share(num_tokens - num_present, num_tokens),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
