"""The loss on rows that are not trained on."""

from __future__ import annotations

import torch

from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.rows import RowSource, make_batch

__all__ = ["mean_loss"]


@torch.no_grad()
def mean_loss(processes: Processes, rows: RowSource) -> float:
    """Return the mean cross-entropy, in nats a token, over one epoch of rows.

    Every process measures all rows: a sharded network takes part in each pass as a whole.
    """
    processes.network.eval()
    total, count = 0.0, 0.0
    for number in range(len(rows)):
        batch = make_batch(rows.of_step(number, rows_per_step=1), processes.device)
        with processes.precision():
            losses = processes.network(
                batch.token_ids, batch.targets, batch.positions, batch.is_real
            )
        total += float((losses.token_losses_N * batch.target_weights).sum())
        count += float(batch.target_weights.sum())
    processes.network.train()
    return total / max(1e-9, count)
