"""The rows of each step: packed once, shuffled anew every epoch, found again from the step alone.

Nothing of it has a state: a resumed run asks for the rows of the next step and gets those that the
killed one would have got.

    rows = RowSource(documents, capacity=1024, pad_id=0, seed=0)
    batch = make_batch(rows.of_step(17, rows_per_step=8), device)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Protocol

import torch

from journeyman.errors import JourneymanError
from journeyman.train.documents import IGNORED, Encoded, Row, fill_row
from journeyman.train.documents.token_store import TokenStore
from journeyman.train.packing import LongDocuments, Method, measure, plan_groups, plan_rows

__all__ = ["Batch", "RowSource", "Rows", "make_batch"]


class Rows(Protocol):
    """What a trainer takes: the rows of each step. Those of one that samples depend on the network."""

    def __len__(self) -> int:
        """Rows of one epoch."""
        ...

    def of_step(self, step: int, *, rows_per_step: int) -> list[Row]:
        """Return the rows of a step, counted from 0."""
        ...

    def digest(self) -> str:
        """Return what tells other data from these."""
        ...


class RowSource:
    """Rows of one length, without end.

    With a `group_size`, so many neighbouring documents lie in one row together, by best fit.
    """

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
        group_size: int = 1,
    ) -> None:
        if isinstance(documents, TokenStore):
            lengths = documents.lengths
        else:
            lengths = [len(document) for document in documents]
        self.plan = (
            plan_groups(lengths, capacity, size=group_size)
            if group_size > 1
            else plan_rows(lengths, capacity, method=method, long=long, overlap=overlap)
        )
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
            for name, column in sorted(document.columns.items()):
                found.update(name.encode() + column.tobytes())
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
    """Rows as the tensors (B, T) that a network and an objective take."""

    token_ids: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor
    is_real: torch.Tensor
    sources: torch.Tensor
    """Which of `source_names` each position's piece is of; -1 for padding."""
    source_names: tuple[str, ...]
    columns: Mapping[str, torch.Tensor]
    """What the documents carry beside tokens, by name; `weight` where any has it."""

    @property
    def target_weights(self) -> torch.Tensor:
        """Return the weight in the loss of each position that has a target, row by row."""
        chosen = self.targets != IGNORED
        given = self.columns.get("weight")
        return chosen[chosen].float() if given is None else given[chosen]


def make_batch(rows: Sequence[Row], device: torch.device) -> Batch:
    """Stack rows of one length."""

    def stack(columns: list[list[int]]) -> torch.Tensor:
        return torch.tensor(columns, dtype=torch.long).to(device, non_blocking=True)

    names = tuple(sorted({name for row in rows for name in row.sources}))
    pieces = [[-1 if it < 0 else names.index(row.sources[it]) for it in row.pieces] for row in rows]
    columns = sorted({name for row in rows for name in row.columns})
    return Batch(
        token_ids=stack([list(row.token_ids) for row in rows]),
        targets=stack([list(row.targets) for row in rows]),
        positions=stack([list(row.positions) for row in rows]),
        is_real=stack([list(row.pieces) for row in rows]) >= 0,
        sources=stack(pieces),
        source_names=names,
        columns={name: _stack_column(rows, name).to(device) for name in columns},
    )


def _stack_column(rows: Sequence[Row], name: str) -> torch.Tensor:
    missing = 1.0 if name == "weight" else 0.0
    empty = [missing] * len(rows[0].token_ids)
    return torch.tensor([list(row.columns.get(name, empty)) for row in rows])
