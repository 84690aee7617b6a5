"""Documents of one row that do not see each other, in the recurrent layers too.

`transformers` keeps attention within a document where positions restart, but on a CPU its Gated
DeltaNet carries both its convolution and its state from one document into the next, silently. Here a
token at position 0 wipes the state (its log-decay is set to -100, and exp(-100) is nothing in any
precision, while the running sum that the algorithm keeps stays exact), and a tap of the convolution
that would reach before position 0 is masked. Attention and recurrence then both see one document.

    isolate_documents(model)
    model(input_ids, position_ids=positions, document_positions=positions, use_cache=False)

Legend: B rows, T tokens, C channels, H value heads, K taps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import ACT2FN
from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

__all__ = ["IsolatedGatedDeltaNet", "isolate_documents", "mask_taps", "reset_decay"]

_WIPED = -100.0


def reset_decay(log_decay_BTH: torch.Tensor, positions_BT: torch.Tensor) -> torch.Tensor:
    """Return the log-decay with every document's first token forgetting all that came before."""
    return log_decay_BTH.masked_fill((positions_BT == 0).unsqueeze(-1), _WIPED)


def mask_taps(
    inputs_BCT: torch.Tensor, weight_CK: torch.Tensor, positions_BT: torch.Tensor
) -> torch.Tensor:
    """Convolve each channel causally with its K taps, none reaching before its document's start."""
    num_tokens, num_taps = inputs_BCT.shape[-1], weight_CK.shape[-1]
    total_BCT = inputs_BCT * weight_CK[:, -1:]
    for back in range(1, num_taps):
        shifted_BCT = functional.pad(inputs_BCT, (back, 0))[..., :num_tokens]
        is_outside_B1T = (positions_BT < back).unsqueeze(1)
        tap_C1 = weight_CK[:, num_taps - 1 - back].unsqueeze(-1)
        total_BCT = total_BCT + shifted_BCT.masked_fill(is_outside_B1T, 0) * tap_C1
    return total_BCT


class IsolatedGatedDeltaNet(qwen3_next.Qwen3NextGatedDeltaNet):
    """The library's layer, which keeps documents apart where `document_positions` (B, T) are given."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        cache_params: Any = None,
        attention_mask: torch.Tensor | None = None,
        *,
        document_positions: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Mix the tokens of each document; (B, T, hidden) in and out."""
        if document_positions is None:
            return super().forward(hidden_states, cache_params, attention_mask, **kwargs)
        if cache_params is not None or attention_mask is not None:
            raise ValueError("packed documents take neither a cache nor a padding mask")
        return self._mix(hidden_states, document_positions)

    def _mix(self, hidden_states: torch.Tensor, positions_BT: torch.Tensor) -> torch.Tensor:
        query, key, value, gate, write, decay = self.fix_query_key_value_ordering(
            self.in_proj_qkvz(hidden_states), self.in_proj_ba(hidden_states)
        )
        mixed_BTC = torch.cat([it.flatten(2) for it in (query, key, value)], dim=-1)
        taps_CK = self.conv1d.weight.squeeze(1)
        mixed_BCT = mask_taps(mixed_BTC.transpose(1, 2), taps_CK, positions_BT)
        mixed_BTC = ACT2FN[self.activation](mixed_BCT).transpose(1, 2)
        widths = [self.key_dim, self.key_dim, self.value_dim]
        query, key, value = mixed_BTC.split(widths, dim=-1)
        rate_H = -self.A_log.float().exp()
        log_decay_BTH = rate_H * functional.softplus(decay.float() + self.dt_bias)
        read, _ = qwen3_next.torch_chunk_gated_delta_rule(
            query.unflatten(-1, (-1, self.head_k_dim)),
            key.unflatten(-1, (-1, self.head_k_dim)),
            value.unflatten(-1, (-1, self.head_v_dim)),
            g=reset_decay(log_decay_BTH, positions_BT),
            beta=write.sigmoid(),
            initial_state=None,
            output_final_state=False,
            use_qk_l2norm_in_kernel=True,
        )
        normed = self.norm(read.reshape(-1, self.head_v_dim), gate.reshape(-1, self.head_v_dim))
        return self.out_proj(normed.reshape(*hidden_states.shape[:2], -1))


def isolate_documents(model: nn.Module) -> int:
    """Let every Gated DeltaNet of a model take `document_positions`; returns how many there are.

    Weights, names and everything that is saved stay as they are.
    """
    layers = [it for it in model.modules() if isinstance(it, qwen3_next.Qwen3NextGatedDeltaNet)]
    for layer in layers:
        layer.__class__ = IsolatedGatedDeltaNet
    return len(layers)
