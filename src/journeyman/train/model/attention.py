"""Attention of packed rows, document by document.

`transformers` keeps the documents of a row apart by a mask over the whole row, and pays for all of it:
on a CPU that was two thirds of a training step of SmolLM2 on rows of 1,664 tokens. Here each document is
one causal call, so what is masked is never computed. Calls without bounds go the library's way.

    use_document_attention(model)
    model(input_ids, position_ids=positions, document_bounds=find_bounds(positions), use_cache=False)

Legend: B rows, H heads, T tokens, D width of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

__all__ = ["Bounds", "find_bounds", "use_document_attention"]

Bounds = tuple[tuple[int, int, int], ...]
"""Of each document: its row, its first token and the one after its last."""

_NAME = "journeyman_documents"
_SHORT = 768
"""Tokens of a document up to which a CPU attends faster in float32."""


def find_bounds(positions_BT: torch.Tensor) -> Bounds:
    """Return where documents lie; one begins wherever a position is not the last one plus one."""
    found = []
    for row, positions in enumerate(positions_BT.tolist()):
        starts = [at for at, it in enumerate(positions) if not at or it != positions[at - 1] + 1]
        found += [(row, *ends) for ends in zip(starts, [*starts[1:], len(positions)], strict=True)]
    return tuple(found)


def use_document_attention(model: Any) -> bool:
    """Let a model's attention take `document_bounds`; returns whether it does.

    Only where the library would use `scaled_dot_product_attention`. Nothing that is saved changes.
    """
    config = model.config
    is_library = config._attn_implementation == "sdpa"  # noqa: SLF001
    if is_library and not getattr(config, "sliding_window", None):
        model.set_attn_implementation(_NAME)
    return bool(config._attn_implementation == _NAME)  # noqa: SLF001


def _attend(
    module: nn.Module,
    query_BHTD: torch.Tensor,
    key_BHTD: torch.Tensor,
    value_BHTD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    document_bounds: Bounds | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Return (B, T, H, D), as the library's attentions do."""
    if document_bounds is None:
        tensors = (query_BHTD, key_BHTD, value_BHTD, attention_mask)
        return sdpa_attention_forward(module, *tensors, dropout, scaling, **kwargs)
    groups = query_BHTD.shape[1] // key_BHTD.shape[1]
    key_BHTD = key_BHTD.repeat_interleave(groups, dim=1)
    value_BHTD = value_BHTD.repeat_interleave(groups, dim=1)
    lengths = [end - start for _, start, end in document_bounds]
    states = [query_BHTD, key_BHTD, value_BHTD]
    device = query_BHTD.device.type
    is_whole = device == "cpu" and max(lengths) <= _SHORT
    if is_whole:
        states = [it.float() for it in states]
    # Split at once: each slice of its own would fill a whole row with zeros in the backward pass.
    queries, keys, values = (_side_by_side(it).split(lengths, 2) for it in states)
    with torch.autocast(device, enabled=not is_whole and torch.is_autocast_enabled(device)):
        mixed = [
            functional.scaled_dot_product_attention(
                query, key, value, dropout_p=dropout, scale=scaling, is_causal=True
            )
            for query, key, value in zip(queries, keys, values, strict=True)
        ]
    num_rows, num_heads, num_tokens, width = query_BHTD.shape
    mixed_HND = torch.cat(mixed, dim=2)[0].to(value_BHTD.dtype)
    mixed_BTHD = mixed_HND.transpose(0, 1).reshape(num_rows, num_tokens, num_heads, width)
    return mixed_BTHD.contiguous(), None


def _side_by_side(rows_BHTD: torch.Tensor) -> torch.Tensor:
    """Return all rows as one, (1, H, B T, D)."""
    return rows_BHTD.transpose(0, 1).flatten(1, 2).unsqueeze(0)


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, sdpa_mask)
