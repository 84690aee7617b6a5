"""A causal model of `transformers` as the trainer sees it: packed rows in, losses out.

    network = Network(base, mtp)
    output = network(token_ids, targets, positions, is_real, weights)
    output.loss.backward()

Legend: B rows, T tokens, N positions that have a target, D hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from journeyman.train.documents.rows import IGNORED
from journeyman.train.head_losses import weighted_losses
from journeyman.train.losses import load_balance, next_token_losses, second_targets
from journeyman.train.model.attention import Bounds, find_bounds, use_document_attention
from journeyman.train.model.isolation import isolate_documents
from journeyman.train.model.multi_token import MultiTokenPrediction

__all__ = ["Network", "Output"]


@dataclass(frozen=True, slots=True)
class Output:
    """Losses of some rows, not yet divided by anything."""

    loss: torch.Tensor
    """The sum of weight x cross-entropy in nats over the positions that have a target."""
    token_losses_N: torch.Tensor
    """Cross-entropy at each of them, row by row; without gradient where weights were given."""
    second_loss: torch.Tensor
    """The sum of cross-entropy of the token after the next; 0 without the module."""
    second_losses_N: torch.Tensor
    """Each position's that has one, without gradient; empty without the module."""
    balance: torch.Tensor
    """The router's auxiliary loss; 0 for a model without experts."""


class Network(nn.Module):
    """A model, and its multi-token-prediction module where it has one."""

    def __init__(self, base: Any, mtp: MultiTokenPrediction | None = None) -> None:
        super().__init__()
        self.base = base
        self.mtp = mtp
        self._is_recurrent = isolate_documents(base) > 0
        self._has_bounds = use_document_attention(base)
        self._num_chosen: int = getattr(base.config, "num_experts_per_tok", 0)
        self.foretells = mtp is not None
        """Whether a pass foretells the token after the next as well."""

    def forward(
        self,
        token_ids_BT: torch.Tensor,
        targets_BT: torch.Tensor,
        positions_BT: torch.Tensor,
        is_real_BT: torch.Tensor,
        weights_N: torch.Tensor | None = None,
    ) -> Output:
        """Return the losses of packed rows; no document sees another of its row.

        With weights, what `loss` needs in the backward pass is made at once, which takes a quarter less
        than the losses one by one, for an objective that only later knows how they are added up.
        """
        bounds = find_bounds(positions_BT) if self._has_bounds else None
        hidden_BTD, balance = self.read(token_ids_BT, positions_BT, is_real_BT, bounds=bounds)
        second, seconds_N = hidden_BTD.new_zeros(()), hidden_BTD.new_zeros(0)
        if self.mtp is not None and self.foretells:
            following_BTD = self.base.get_input_embeddings()(token_ids_BT.roll(-1, dims=1))
            states_BTD = self.mtp(hidden_BTD, following_BTD, positions_BT, bounds)
            at_BT = second_targets(targets_BT, positions_BT)
            has_second = at_BT != IGNORED
            foretold = states_BTD[has_second], self.head, at_BT[has_second]
            second, seconds_N = weighted_losses(*foretold)
        has_target = targets_BT != IGNORED
        chosen = hidden_BTD[has_target], self.head, targets_BT[has_target]
        if weights_N is not None:
            loss, losses_N = weighted_losses(*chosen, weights_N)
        else:
            losses_N = next_token_losses(*chosen)
            loss = losses_N.sum()
        return Output(loss, losses_N, second, seconds_N, balance)

    def leave_second_token(self) -> None:
        """Train without multi-token prediction from now on: its module is frozen and not run."""
        if self.mtp is not None:
            self.mtp.requires_grad_(False)
            self.foretells = False

    def read(
        self,
        token_ids_BT: torch.Tensor,
        positions_BT: torch.Tensor,
        is_real_BT: torch.Tensor,
        *,
        bounds: Bounds | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last hidden states (B, T, D) of packed rows, and the router's auxiliary loss.

        `bounds` are those of `find_bounds`, where they are known already.
        """
        extra: dict[str, Any] = {}
        if self._is_recurrent:
            extra["document_positions"] = positions_BT
        if self._has_bounds:
            extra["document_bounds"] = bounds or find_bounds(positions_BT)
        if self._num_chosen:
            extra["output_router_logits"] = True
        # With a cache the library takes packed rows for one document each, silently.
        found = self.base.base_model(
            input_ids=token_ids_BT, position_ids=positions_BT, use_cache=False, **extra
        )
        hidden_BTD = found.last_hidden_state
        balance = hidden_BTD.new_zeros((), dtype=torch.float32)
        if self._num_chosen:
            balance = load_balance(found.router_logits, self._num_chosen, is_real_BT.flatten())
        return hidden_BTD, balance

    @property
    def head(self) -> torch.Tensor:
        """The weights (V, D) that make scores of hidden states."""
        weight: torch.Tensor = self.base.get_output_embeddings().weight
        return weight
