"""One update of the policy from a step's sequences.

    update = PolicyUpdate(network, optimizer, settings)
    figures = update.apply(packed, learning_rate=1e-5)

The loss is one number over all drawn tokens of a minibatch, however it is aggregated, while the network
sees a few rows at a time: the loss is differentiated by the log-probabilities first, and each row's pass
is then differentiated with those weights. By the chain rule that is the same gradient.

Legend: N drawn tokens, row by row.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import torch

from journeyman.train.model.network import Network, Output
from journeyman.train.rl.packed import Packed
from journeyman.train.rl.policy_loss import DrawnTokens, policy_loss
from journeyman.train.rl.settings import UpdateSettings
from journeyman.train.trainer.optimizer import set_learning_rate, take_step
from journeyman.train.trainer.rows import make_batch

__all__ = ["PolicyUpdate"]


class PolicyUpdate:
    """Changes one network, which may be the sampler's own."""

    def __init__(
        self,
        network: Network,
        optimizer: torch.optim.Optimizer,
        settings: UpdateSettings,
        *,
        reference: Network | None = None,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.settings = settings
        self._reference = reference
        self._device = next(network.parameters()).device

    def apply(self, packed: Packed, *, learning_rate: float) -> dict[str, float]:
        """Take the step's updates and return their mean figures.

        Raises `JourneymanError` if the gradient is no number any more, before the weights change.
        """
        if not packed.rows:
            return {}
        set_learning_rate(self.optimizer, learning_rate)
        # Evaluation mode: what is compared with the sampler must be computed as it computes.
        self.network.eval()
        old_N = self._logprobs(self.network, packed)
        told_N = self._logprobs(self._reference, packed) if self._reference else None
        found = []
        for epoch in range(self.settings.num_epochs):
            for first, last in self._minibatches(len(packed.rows)):
                start, end = sum(packed.num_drawn[:first]), sum(packed.num_drawn[:last])
                part = packed.part(first, last)
                is_fresh = epoch == 0 and first == 0
                now_N = old_N[start:end] if is_fresh else self._logprobs(self.network, part)
                aside_N = told_N[start:end] if told_N is not None else None
                found.append(self._step(part, old_N[start:end], now_N, aside_N))
        return {key: sum(it.get(key, 0.0) for it in found) / len(found) for key in found[0]}

    def _step(
        self,
        part: Packed,
        old_N: torch.Tensor,
        now_N: torch.Tensor,
        reference_N: torch.Tensor | None,
    ) -> dict[str, float]:
        leaf_N = now_N.clone().requires_grad_()
        tokens = DrawnTokens(
            logprobs_N=leaf_N,
            old_logprobs_N=old_N,
            sampler_logprobs_N=part.sampler_logprobs_N.to(self._device),
            advantages_N=part.advantages_N.to(self._device),
            sequence_N=part.sequence_N.to(self._device),
            share_S=part.share_S.to(self._device),
            group_S=part.group_S.to(self._device),
            reference_logprobs_N=reference_N,
        )
        loss, figures = policy_loss(tokens, self.settings.loss)
        (weights_N,) = torch.autograd.grad(loss, leaf_N)
        self._differentiate(part, weights_N)
        most = self.settings.max_gradient_norm
        norm = take_step(self.network, self.optimizer, max_norm=most, name="policy")
        return {"loss": float(loss.detach()), "gradient_norm": norm, **figures}

    def _differentiate(self, part: Packed, weights_N: torch.Tensor) -> None:
        # A loss is minus a log-probability, so its weight is minus the derivative by that.
        for output, num in self._passes(self.network, part, -weights_N):
            share = num / max(1, len(weights_N))
            (output.loss + self.settings.balance_weight * share * output.balance).backward()

    @torch.no_grad()
    def _logprobs(self, network: Network, packed: Packed) -> torch.Tensor:
        found = [-output.token_losses_N.float() for output, _ in self._passes(network, packed)]
        return torch.cat(found)

    def _passes(
        self, network: Network, packed: Packed, weights_N: torch.Tensor | None = None
    ) -> Iterator[tuple[Output, int]]:
        size, at = self.settings.rows_per_pass, 0
        for first in range(0, len(packed.rows), size):
            batch = make_batch(packed.rows[first : first + size], self._device)
            num = sum(packed.num_drawn[first : first + size])
            given_N = None if weights_N is None else weights_N[at : at + num]
            rows = batch.token_ids, batch.targets, batch.positions, batch.is_real
            with self._precision():
                output = network(*rows, given_N)
            yield output, num
            at += num

    def _minibatches(self, num_rows: int) -> Iterator[tuple[int, int]]:
        num = min(self.settings.num_minibatches, num_rows)
        edges = [num_rows * at // num for at in range(num + 1)]
        return itertools.pairwise(edges)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        is_half = self.settings.precision == "bfloat16"
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=is_half)
