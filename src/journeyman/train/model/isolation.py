"""Documents of one row that do not see each other, in the recurrent layers too.

`transformers` keeps attention within a document where positions restart, but on a CPU its Gated
DeltaNet carries both its convolution and its state from one document into the next, silently. Here a
token at position 0 wipes the state (its log-decay is set to -100, and exp(-100) is nothing in any
precision, while the running sum that the algorithm keeps stays exact), and a tap of the convolution
that would reach before position 0 is masked. Attention and recurrence then both see one document.

    isolate_documents(model)
    model(input_ids, position_ids=positions, document_positions=positions, use_cache=False)

Legend: B rows, T tokens, C channels, H value heads, K taps, M positions near a document's start.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import ACT2FN
from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

from journeyman.train.model.delta_rule import chunked_delta_rule

__all__ = ["IsolatedGatedDeltaNet", "isolate_documents", "mask_taps", "reset_decay"]

_WIPED = -100.0


def reset_decay(log_decay_BTH: torch.Tensor, positions_BT: torch.Tensor) -> torch.Tensor:
    """Return the log-decay with every document's first token forgetting all that came before."""
    return log_decay_BTH.masked_fill((positions_BT == 0).unsqueeze(-1), _WIPED)


def mask_taps(
    inputs_BTC: torch.Tensor, weight_CK: torch.Tensor, positions_BT: torch.Tensor
) -> torch.Tensor:
    """Convolve each channel causally with its K taps, none reaching before its document's start.

    The library's convolution does all of it, and the few positions whose taps reach too far are made
    again and put in its place, so that nothing of another document is left in them, rounding neither.
    """
    num_channels, num_taps = weight_CK.shape
    filled_BCT = functional.pad(inputs_BTC.transpose(1, 2), (num_taps - 1, 0))
    mixed_BCT = functional.conv1d(filled_BCT, weight_CK.unsqueeze(1), groups=num_channels)
    rows_M, places_M = (positions_BT < num_taps - 1).nonzero(as_tuple=True)
    back_K = torch.arange(num_taps - 1, -1, -1, device=positions_BT.device)
    is_outside_MK = positions_BT[rows_M, places_M].unsqueeze(-1) < back_K
    sources_MK = (places_M.unsqueeze(-1) - back_K).clamp(min=0)
    near_MKC = inputs_BTC[rows_M.unsqueeze(-1), sources_MK]
    near_MKC = near_MKC.masked_fill(is_outside_MK.unsqueeze(-1), 0)
    starts_MC = (near_MKC * weight_CK.T).sum(1).to(mixed_BCT.dtype)
    return mixed_BCT.transpose(1, 2).index_put((rows_M, places_M), starts_MC)


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
        mixed_BTC = ACT2FN[self.activation](mask_taps(mixed_BTC, taps_CK, positions_BT))
        widths = [self.key_dim, self.key_dim, self.value_dim]
        query, key, value = mixed_BTC.split(widths, dim=-1)
        rate_H = -self.A_log.float().exp()
        log_decay_BTH = rate_H * functional.softplus(decay.float() + self.dt_bias)
        read = _delta_rule(
            query.unflatten(-1, (-1, self.head_k_dim)),
            key.unflatten(-1, (-1, self.head_k_dim)),
            value.unflatten(-1, (-1, self.head_v_dim)),
            reset_decay(log_decay_BTH, positions_BT),
            write.sigmoid(),
        )
        normed = self.norm(read.reshape(-1, self.head_v_dim), gate.reshape(-1, self.head_v_dim))
        return self.out_proj(normed.reshape(*hidden_states.shape[:2], -1))


def _delta_rule(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    log_decay: torch.Tensor,
    write: torch.Tensor,
) -> torch.Tensor:
    """Take our rule on a CPU and elsewhere the library's, which knows the kernels of other devices."""
    if query.device.type == "cpu":
        return chunked_delta_rule(query, key, value, log_decay, write)
    read: torch.Tensor = qwen3_next.torch_chunk_gated_delta_rule(
        query,
        key,
        value,
        g=log_decay,
        beta=write,
        initial_state=None,
        output_final_state=False,
        use_qk_l2norm_in_kernel=True,
    )[0]
    return read


def isolate_documents(model: nn.Module) -> int:
    """Let every Gated DeltaNet of a model take `document_positions`; returns how many there are.

    Weights, names and everything that is saved stay as they are.
    """
    layers = [it for it in model.modules() if isinstance(it, qwen3_next.Qwen3NextGatedDeltaNet)]
    for layer in layers:
        layer.__class__ = IsolatedGatedDeltaNet
    return len(layers)
