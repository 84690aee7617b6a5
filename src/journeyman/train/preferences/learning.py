"""Learning from preferences: what a trainer needs to make DPO's loss smaller.

What the network says before it is trained is the reference, so no second network is held: its
log-probabilities of the answers are found once, in the passes' own precision.

    learning = PreferenceLearning(settings, num_pairs=len(pairs), beta=0.1)
    training = Training(..., objective=learning.objective, before=learning.begin, group_size=2)

Legend: N positions that have a target, P pairs; 2: the chosen answer, the rejected one.
"""

from __future__ import annotations

from typing import Any

import torch

from journeyman.train.documents import IGNORED
from journeyman.train.preferences.loss import preference_losses
from journeyman.train.trainer.objective import Losses, StepTotals
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.rows import Batch, RowSource, make_batch
from journeyman.train.trainer.settings import TrainerSettings

__all__ = ["PreferenceLearning", "answer_logprobs"]


def answer_logprobs(
    token_losses_N: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the numbers of the pairs of some rows (P), and their answers' log-probabilities (P, 2).

    `token_losses_N` are those of the network on these rows, in nats.
    """
    has_target = batch.targets != IGNORED
    pairs_N = batch.columns["pair"][has_target].long()
    is_rejected_N = 1 - batch.columns["is_chosen"][has_target].long()
    pairs_P, places_N = pairs_N.unique(return_inverse=True)
    sums = token_losses_N.new_zeros(2 * len(pairs_P), dtype=torch.float32)
    sums = sums.index_add(0, 2 * places_N + is_rejected_N, -token_losses_N.float())
    return pairs_P, sums.view(-1, 2)


class PreferenceLearning:
    """The objective, and what is measured on pairs that are held out."""

    def __init__(
        self,
        settings: TrainerSettings,
        *,
        num_pairs: int,
        beta: float,
        chosen_weight: float = 0.0,
        held_out: RowSource | None = None,
    ) -> None:
        self._settings = settings
        self._beta = beta
        self._chosen_weight = chosen_weight
        self._held_out = held_out
        self._reference_P2 = torch.zeros(num_pairs, 2)
        self._processes: Processes | None = None

    @torch.no_grad()
    def begin(self, processes: Processes, rows: RowSource) -> None:
        """Find what the network says of every answer; each process asks for all rows."""
        self._processes = processes
        self._reference_P2 = self._reference_P2.to(processes.device)
        processes.network.eval()
        for source in (rows, self._held_out):
            for row in range(len(source) if source is not None else 0):
                pairs_P, answers_P2 = self._ask(processes.network, source, row)
                self._reference_P2[pairs_P] = answers_P2
        processes.network.train()

    def objective(self, network: Any, batch: Batch, totals: StepTotals) -> Losses:
        """Return the mean loss over the pairs of a step; an `Objective`.

        To DPO's loss may be added the chosen answers' mean cross-entropy a token (Pang et al. 2024,
        arXiv 2404.19733). Multi-token prediction is not trained.
        """
        output = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
        pairs_P, answers_P2 = answer_logprobs(output.token_losses_N, batch)
        losses_P, gained_P = self._losses(pairs_P, answers_P2)
        # A pair's weights add up to 1, so the step's weight is its number of pairs.
        main = losses_P.sum() / totals.weight
        told = self._chosen_losses(output.token_losses_N, batch) / totals.weight
        balance = output.balance / totals.num_passes
        loss = main + self._chosen_weight * told + self._settings.balance_weight * balance
        parts = {"loss": main, "chosen_loss": told, "balance": balance}
        figures = {name: float(it.detach()) for name, it in parts.items()}
        figures["accuracy"] = float((gained_P > 0).float().sum()) / totals.weight
        figures["margin"] = self._beta * float(gained_P.detach().sum()) / totals.weight
        return Losses(loss, figures)

    @torch.no_grad()
    def measure(self, network: Any) -> dict[str, float]:
        """Return loss, accuracy and margin on the held-out pairs; nothing where there are none."""
        if self._held_out is None:
            return {}
        found = [self._ask(network, self._held_out, row) for row in range(len(self._held_out))]
        pairs_P = torch.cat([pairs for pairs, _ in found])
        losses_P, gained_P = self._losses(pairs_P, torch.cat([answers for _, answers in found]))
        return {
            "held_out_loss": float(losses_P.mean()),
            "held_out_accuracy": float((gained_P > 0).float().mean()),
            "held_out_margin": self._beta * float(gained_P.mean()),
            "num_held_out": float(len(pairs_P)),
        }

    def _losses(
        self, pairs_P: torch.Tensor, answers_P2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each pair's loss, and what the chosen answer gained on the rejected one, in nats."""
        reference_P2 = self._reference_P2[pairs_P]
        losses_P = preference_losses(
            answers_P2[:, 0],
            answers_P2[:, 1],
            reference_P2[:, 0],
            reference_P2[:, 1],
            beta=self._beta,
        )
        gained_P2 = answers_P2 - reference_P2
        return losses_P, gained_P2[:, 0] - gained_P2[:, 1]

    def _chosen_losses(self, token_losses_N: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the sum over pairs of the chosen answer's mean cross-entropy a token."""
        has_target = batch.targets != IGNORED
        is_chosen_N = batch.columns["is_chosen"][has_target]
        _, places_N = batch.columns["pair"][has_target].unique(return_inverse=True)
        num_P = is_chosen_N.new_zeros(int(places_N.max()) + 1).index_add(0, places_N, is_chosen_N)
        return (token_losses_N * is_chosen_N / num_P[places_N]).sum()

    def _ask(
        self, network: Any, rows: RowSource | None, row: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert rows is not None
        assert self._processes is not None, "`begin` comes first"
        batch = make_batch(rows.of_step(row, rows_per_step=1), self._processes.device)
        with self._processes.precision():
            output = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
        return answer_logprobs(output.token_losses_N, batch)
