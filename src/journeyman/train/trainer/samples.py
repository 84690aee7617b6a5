"""What a model writes while it is trained: the likeliest continuation of the beginnings of documents.

write_samples(network, documents[:2], num_tokens=64)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from journeyman.train.documents import Encoded

__all__ = ["prompt_of", "write_samples"]

_MOST_PROMPT = 1024


def prompt_of(document: Encoded) -> list[int]:
    """Return what comes before the first trained token, or the first half of what is all trained."""
    tokens = list(document.token_ids)
    first = document.is_trained.find(1)
    end = first if first > 0 else max(1, len(tokens) // 2)
    return tokens[:end][-_MOST_PROMPT:]


@torch.no_grad()
def write_samples(
    network: Any, documents: Sequence[Encoded], *, num_tokens: int
) -> list[tuple[list[int], list[int]]]:
    """Return, for each document, the tokens of its beginning and those that the model goes on with."""
    base = network.base
    was_training = base.training
    base.eval()
    device = base.get_input_embeddings().weight.device
    found = []
    for document in documents:
        prompt = prompt_of(document)
        given = torch.tensor([prompt], device=device)
        written = base.generate(
            given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=num_tokens,
            do_sample=False,
            use_cache=True,
        )
        found.append((prompt, written[0, len(prompt) :].tolist()))
    base.train(was_training)
    return found
