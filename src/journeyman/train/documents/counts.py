"""How many documents and tokens there are, by source.

for line in count_documents(documents, row_length=4096): ...
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.train.documents.encode import Encoded

__all__ = ["SourceCounts", "count_documents"]


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Figures of one source of data."""

    source: str
    num_documents: int
    num_tokens: int
    num_trained: int
    """Tokens that are trained on."""
    median_tokens: int
    longest: int
    num_long: int
    """Documents longer than a row."""


def count_documents(documents: Sequence[Encoded], row_length: int) -> list[SourceCounts]:
    """Count documents by source, and all of them together last where there are several sources."""
    sources = sorted({it.source for it in documents})
    groups = [(it, [one for one in documents if one.source == it]) for it in sources]
    if len(groups) > 1:
        groups.append(("all", list(documents)))
    return [_count(name, group, row_length) for name, group in groups]


def _count(name: str, group: Sequence[Encoded], row_length: int) -> SourceCounts:
    lengths = [len(it) for it in group]
    return SourceCounts(
        source=name,
        num_documents=len(group),
        num_tokens=sum(lengths),
        num_trained=sum(sum(it.is_trained) for it in group),
        median_tokens=round(statistics.median(lengths)),
        longest=max(lengths),
        num_long=sum(it > row_length for it in lengths),
    )
