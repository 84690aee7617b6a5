"""The rows of each step: packed once, shuffled anew every epoch, found again from the step alone.

Nothing of it has a state: a resumed run asks for the rows of the next step and gets those that the
killed one would have got.

    rows = RowSource(documents, capacity=1024, pad_id=0, seed=0)
    batch = make_batch(rows.of_step(17, rows_per_step=8), device)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import torch

from journeyman.errors import JourneymanError
from journeyman.train.documents import Encoded, Row, fill_row
from journeyman.train.packing import LongDocuments, Method, measure, plan_rows

__all__ = ["Batch", "RowSource", "make_batch"]


class RowSource:
    """Rows of one length, without end."""

    def __init__(
        self,
        documents: Sequence[Encoded],
        *,
        capacity: int,
        pad_id: int,
        seed: int,
        method: Method = "best_fit",
        long: LongDocuments = "split",
        overlap: int = 0,
    ) -> None:
        lengths = [len(document) for document in documents]
        self.plan = plan_rows(lengths, capacity, method=method, long=long, overlap=overlap)
        if not self.plan.rows:
            raise JourneymanError(
                f"none of {len(documents)} documents fits into rows of {capacity} tokens",
                "give more data, or longer rows",
            )
        self.rates = measure(self.plan, lengths)
        self._documents = documents
        self._pad_id = pad_id
        self._seed = seed
        self._order = lru_cache(maxsize=2)(self._shuffle)

    def __len__(self) -> int:
        """Rows of one epoch."""
        return len(self.plan.rows)

    def of_step(self, step: int, *, rows_per_step: int) -> list[Row]:
        """Return the rows of a step, counted from 0."""
        first = step * rows_per_step
        return [self._row(number) for number in range(first, first + rows_per_step)]

    def digest(self) -> str:
        """Return a SHA-256 of every token, flag and length: another corpus, another digest."""
        found = hashlib.sha256(str(self.plan.capacity).encode())
        for document in self._documents:
            found.update(len(document).to_bytes(8, "little"))
            found.update(document.token_ids.tobytes())
            found.update(document.is_trained)
        return found.hexdigest()

    def _row(self, number: int) -> Row:
        epoch, index = divmod(number, len(self.plan.rows))
        return fill_row(self.plan, self._order(epoch)[index], self._documents, pad_id=self._pad_id)

    def _shuffle(self, epoch: int) -> list[int]:
        order = list(range(len(self.plan.rows)))
        Random(f"{self._seed} {epoch}").shuffle(order)  # noqa: S311
        return order


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as the tensors (B, T) that a network takes."""

    token_ids: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor
    is_real: torch.Tensor


def make_batch(rows: Sequence[Row], device: torch.device) -> Batch:
    """Stack rows of one length."""

    def stack(columns: list[list[int]]) -> torch.Tensor:
        return torch.tensor(columns, dtype=torch.long).to(device, non_blocking=True)

    return Batch(
        token_ids=stack([list(row.token_ids) for row in rows]),
        targets=stack([list(row.targets) for row in rows]),
        positions=stack([list(row.positions) for row in rows]),
        is_real=stack([list(row.pieces) for row in rows]) >= 0,
    )
