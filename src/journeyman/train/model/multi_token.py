"""Multi-token prediction: one more layer that foretells the token after the next.

The published checkpoints have it (`mtp.*`); `transformers` drops it. It reads the last hidden state
and the embedding of the next token, joins them by one projection, runs one layer of attention and
experts, and shares embedding and head with the model (DeepSeek-V3, arXiv 2412.19437, section 2.2).

Legend: B rows, T tokens, D hidden size.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from transformers import Qwen3NextConfig
from transformers.masking_utils import create_causal_mask
from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

from journeyman.train.model.attention import Bounds, use_document_attention

__all__ = ["MultiTokenPrediction"]


class MultiTokenPrediction(qwen3_next.Qwen3NextPreTrainedModel):
    """The module `mtp` of a Qwen3-Next checkpoint, with the checkpoint's own names."""

    def __init__(self, config: Qwen3NextConfig) -> None:
        own = copy.deepcopy(config)
        own.num_hidden_layers, own.layer_types, own.mlp_only_layers = 1, ["full_attention"], []
        own.decoder_sparse_step = 1
        super().__init__(own)
        width = own.hidden_size
        self.pre_fc_norm_embedding = qwen3_next.Qwen3NextRMSNorm(width, eps=own.rms_norm_eps)
        self.pre_fc_norm_hidden = qwen3_next.Qwen3NextRMSNorm(width, eps=own.rms_norm_eps)
        self.fc = nn.Linear(2 * width, width, bias=False)
        self.layers = nn.ModuleList([qwen3_next.Qwen3NextDecoderLayer(own, 0)])
        self.norm = qwen3_next.Qwen3NextRMSNorm(width, eps=own.rms_norm_eps)
        self.rotary_emb = qwen3_next.Qwen3NextRotaryEmbedding(config=own)
        self.post_init()
        self._has_bounds = use_document_attention(self)

    @classmethod
    def _can_set_experts_implementation(cls) -> bool:
        """Say yes: the experts are the library's, which it cannot see from this file's source."""
        return True

    def forward(
        self,
        hidden_BTD: torch.Tensor,
        next_BTD: torch.Tensor,
        positions_BT: torch.Tensor,
        bounds: Bounds | None = None,
    ) -> torch.Tensor:
        """Return (B, T, D) states whose head scores foretell, at t, the token at t + 2.

        `hidden_BTD` is what the model's head reads at t, `next_BTD` the embedding of the token at
        t + 1. Only a document's last position sees another's token, and no other position reads it.
        With the documents' `bounds`, attention goes document by document.
        """
        joined = [self.pre_fc_norm_embedding(next_BTD), self.pre_fc_norm_hidden(hidden_BTD)]
        states_BTD = self.fc(torch.cat(joined, dim=-1))
        mask: Any = create_causal_mask(
            config=self.config,
            inputs_embeds=states_BTD,
            attention_mask=None,
            past_key_values=None,
            position_ids=positions_BT,
        )
        states_BTD = self.layers[0](
            states_BTD,
            position_embeddings=self.rotary_emb(states_BTD, positions_BT),
            attention_mask=mask,
            position_ids=positions_BT,
            document_bounds=bounds if self._has_bounds else None,
        )
        return self.norm(states_BTD)
