"""What a step makes smaller: any function of a network and packed rows; here, cross-entropy.

The trainer adds up the losses of a step's passes, so each pass divides by the totals of the whole step,
and how a step is cut into passes changes nothing.

    def objective(network, batch, totals):
        output = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
        logprobs_N = -output.token_losses_N     # with gradient, as no weights were given
        ...
        return Losses(loss, {"loss": float(loss)})

Legend: N positions that have a target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from journeyman.train.documents import IGNORED
from journeyman.train.losses import second_targets
from journeyman.train.trainer.rows import Batch
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["Losses", "Objective", "StepTotals", "count_totals", "cross_entropy"]


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Sums over all passes of a step, in all processes."""

    num_passes: float
    weight: float
    """Of positions that have a target."""
    num_second: float
    """Positions that foretell the token after the next."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What one pass adds to its step."""

    loss: torch.Tensor
    """Its gradient is what is learned from."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Added up over the passes of the step."""
    by_source: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of each source of data: the sum of weighted losses, and of weights."""


Objective = Callable[[Any, Batch, StepTotals], Losses]
"""Called with the network, the rows of one pass, and the totals of its step."""


def count_totals(batches: list[Batch]) -> StepTotals:
    """Add up what the passes of a step divide by."""
    return StepTotals(
        num_passes=len(batches),
        weight=sum(float(it.target_weights.sum()) for it in batches),
        num_second=sum(_count_second(it) for it in batches),
    )


def cross_entropy(settings: TrainerSettings) -> Objective:
    """Return the weighted mean of the tokens' losses, with multi-token prediction and balance."""

    def objective(network: Any, batch: Batch, totals: StepTotals) -> Losses:
        rows = batch.token_ids, batch.targets, batch.positions, batch.is_real
        weights_N = batch.target_weights
        output = network(*rows, weights_N)
        main = output.loss / max(totals.weight, 1e-9)
        second = output.second_loss / max(1.0, totals.num_second)
        balance = output.balance / totals.num_passes
        loss = main + settings.second_token_weight * second + settings.balance_weight * balance
        parts = {"loss": main, "second_loss": second, "balance": balance}
        return Losses(
            loss,
            {name: float(it.detach()) for name, it in parts.items()},
            _by_source(batch, output.token_losses_N.detach() * weights_N),
        )

    return objective


def _by_source(batch: Batch, weighted_N: torch.Tensor) -> dict[str, tuple[float, float]]:
    places_N = batch.sources[batch.targets != IGNORED]
    size = len(batch.source_names)
    losses = weighted_N.new_zeros(size).index_add_(0, places_N, weighted_N)
    weights = weighted_N.new_zeros(size).index_add_(0, places_N, batch.target_weights)
    pairs = zip(batch.source_names, losses.tolist(), weights.tolist(), strict=True)
    return {name: (loss, weight) for name, loss, weight in pairs if weight}


def _count_second(batch: Batch) -> float:
    return float((second_targets(batch.targets, batch.positions) != IGNORED).sum())
