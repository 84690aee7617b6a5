"""How many holes of held-out files a model fills exactly, by its likeliest tokens.

exam = FillExam(files, tokenizer, 64, seed=0)
exam(network)          # {"fill_exact": 0.17, "fill_exact_low": 0.10, "fill_exact_high": 0.28}
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import torch

from journeyman.flow import wilson
from journeyman.train.documents import SourceFile, encode, hole_in_line, window
from journeyman.train.documents.fill_in_middle import Order
from journeyman.train.documents.repository import fill_in_repository
from journeyman.train.tokenizer import PlainTokenizer

__all__ = ["FillExam"]

_MOST_TOKENS = 16
_TOGETHER = 50


class FillExam:
    """Holes of one to four words, their text around them, and what was there."""

    def __init__(
        self,
        files: Sequence[SourceFile],
        tokenizer: PlainTokenizer,
        number: int,
        *,
        seed: int,
        num_characters: int = 600,
        suffix_first_share: float = 0.0,
    ) -> None:
        draw = Random(seed)  # noqa: S311
        self._tokenizer = tokenizer
        self.prompts: list[list[int]] = []
        self.middles: list[str] = []
        while files and len(self.prompts) < number:
            file = draw.choice(files)
            holed = hole_in_line(window(file.text, num_characters, draw), draw)
            order: Order = "spm" if draw.random() < suffix_first_share else "psm"
            document = fill_in_repository(
                "", [], file.path, holed, order=order, trains_on_context=False
            )
            encoded = encode(document, tokenizer)
            # The path stands before the hole's document and is trained on; the middle comes last.
            num_middle = len(tokenizer.plain_ids(holed.middle)) + 1
            self.prompts.append(list(encoded.token_ids)[:-num_middle])
            self.middles.append(holed.middle)

    @torch.no_grad()
    def __call__(self, network: Any) -> dict[str, float]:
        """Return the share of holes that are filled exactly, with Wilson's 95 % interval."""
        right = 0
        for start in range(0, len(self.prompts), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            texts = self._fill(network.base, self.prompts[part])
            right += sum(a == b for a, b in zip(texts, self.middles[part], strict=True))
        low, high = wilson(right, len(self.prompts))
        share = right / max(1, len(self.prompts))
        return {"fill_exact": share, "fill_exact_low": low, "fill_exact_high": high}

    def _fill(self, base: Any, prompts: Sequence[list[int]]) -> list[str]:
        width = max(map(len, prompts))
        end = self._tokenizer.pad_id
        device = base.get_input_embeddings().weight.device
        rows = [[end] * (width - len(it)) + it for it in prompts]
        mask = [[0] * (width - len(it)) + [1] * len(it) for it in prompts]
        written = base.generate(
            torch.tensor(rows, device=device),
            attention_mask=torch.tensor(mask, device=device),
            max_new_tokens=_MOST_TOKENS,
            do_sample=False,
            use_cache=True,
            eos_token_id=end,
            pad_token_id=end,
        )
        tails = written[:, width:].tolist()
        return [self._tokenizer.decode(it[: it.index(end)] if end in it else it) for it in tails]
