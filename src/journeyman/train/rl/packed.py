"""Policy sequences laid into rows, and what the loss needs of each drawn token in the rows' order.

    packed = pack(sequences, capacity=4096, pad_id=0)

Legend: N drawn tokens, row by row; S sequences; T tokens of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from journeyman.train.documents import Row, fill_row
from journeyman.train.documents.encode import Encoded
from journeyman.train.packing import Plan, plan_rows
from journeyman.train.rl.sequences import PolicySequence

__all__ = ["Packed", "pack"]


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows, and flat tensors of their drawn tokens."""

    rows: list[Row]
    num_drawn: list[int]
    """Drawn tokens of each row; they add up to N."""
    sampler_logprobs_N: torch.Tensor
    advantages_N: torch.Tensor
    sequence_N: torch.Tensor
    share_S: torch.Tensor
    group_S: torch.Tensor
    num_too_long: int = 0
    """Sequences that fit no row and are left out."""

    def part(self, first: int, last: int) -> Packed:
        """Return some rows alone; sequences keep their numbers."""
        start, end = sum(self.num_drawn[:first]), sum(self.num_drawn[:last])
        kept = self.sequence_N[start:end]
        is_here_S = torch.zeros_like(self.share_S)
        is_here_S[kept] = 1.0
        return Packed(
            rows=self.rows[first:last],
            num_drawn=self.num_drawn[first:last],
            sampler_logprobs_N=self.sampler_logprobs_N[start:end],
            advantages_N=self.advantages_N[start:end],
            sequence_N=kept,
            share_S=self.share_S * is_here_S,
            group_S=self.group_S,
        )


def pack(sequences: Sequence[PolicySequence], *, capacity: int, pad_id: int) -> Packed:
    """Lay sequences into rows by best fit; one that is longer than a row is left out and counted."""
    documents = [Encoded(it.token_ids, it.is_drawn, "rl") for it in sequences]
    plan = plan_rows([len(it) for it in sequences], capacity, long="drop")
    rows = [fill_row(plan, at, documents, pad_id=pad_id) for at in range(len(plan.rows))]
    logprobs: list[float] = []
    advantages: list[float] = []
    owners: list[int] = []
    num_drawn = []
    for pieces in plan.rows:
        before = len(owners)
        for piece in pieces:
            owner = plan.pieces.documents[piece]
            sequence = sequences[owner]
            # The first token of a piece has nothing before it and is no target.
            drawn = [at for at in range(1, len(sequence)) if sequence.is_drawn[at]]
            logprobs += [sequence.logprobs[at] for at in drawn]
            advantages += [sequence.advantages[at] for at in drawn]
            owners += [owner] * len(drawn)
        num_drawn.append(len(owners) - before)
    names = {
        name: number for number, name in enumerate(dict.fromkeys(it.group_id for it in sequences))
    }
    return Packed(
        rows=rows,
        num_drawn=num_drawn,
        sampler_logprobs_N=torch.tensor(logprobs, dtype=torch.float32),
        advantages_N=torch.tensor(advantages, dtype=torch.float32),
        sequence_N=torch.tensor(owners, dtype=torch.long),
        share_S=_shares(sequences, plan),
        group_S=torch.tensor([names[it.group_id] for it in sequences], dtype=torch.long),
        num_too_long=sum(len(it) > capacity for it in sequences),
    )


def _shares(sequences: Sequence[PolicySequence], plan: Plan) -> torch.Tensor:
    """Return each sequence's share; 0 for those that are in no row."""
    shares = torch.zeros(len(sequences))
    for piece in (piece for row in plan.rows for piece in row):
        owner = plan.pieces.documents[piece]
        shares[owner] = sequences[owner].share
    return shares
