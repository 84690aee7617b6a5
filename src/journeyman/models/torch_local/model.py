"""A folder in the Hugging Face layout as a model: sampled with PyTorch, in batches, exact tokens.

Rows join and leave one batch between two steps. What a prompt shares with an earlier one (the turns of a
conversation, the samples of a group) is not computed again. The weights can be changed in place, and
every completion says which version of them drew it.

    model = await TorchLocalModel.open("policy", LocalSettings(path=Path("model")))
    done = await model.complete(prompt, Sampling(max_tokens=64))
    await model.replace_weights(state, version="17")
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from journeyman.errors import AttributedError
from journeyman.models.base import ContextOverflowError, Piece
from journeyman.models.local_row import Row
from journeyman.models.local_settings import LocalSettings
from journeyman.models.local_worker import Worker
from journeyman.models.torch_local.batch import Batch
from journeyman.models.torch_local.weights import copy_weights, load_folder
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["TorchLocalModel"]

_NO_LIMIT = 2**31

Item = Piece | Completion | Exception


class TorchLocalModel:
    """A causal language model of `transformers`, sampled in this process."""

    reads_text = True
    streams_tokens = True

    def __init__(
        self,
        name: str,
        module: Any,
        tokenizer: Any,
        settings: LocalSettings | None = None,
        *,
        seed: int = 0,
        version: str = "0",
    ) -> None:
        """Sample `module`, which may be the one that is being trained; `tokenizer` is its own.

        Completions that are asked for without a seed draw from `seed`, `seed + 1`, …
        """
        self.name = name
        self.settings = settings or LocalSettings()
        self.module = module
        longest = getattr(module.config, "max_position_embeddings", None) or _NO_LIMIT
        self.context_tokens = min(self.settings.context_tokens or longest, longest)
        self._tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
        self._ends = _end_tokens(module, tokenizer)
        self._seeds = itertools.count(seed)
        self._worker = Worker(
            Batch(module, self.settings),
            num_slots=self.settings.num_slots,
            num_read_tokens=self.settings.num_read_tokens,
            version=version,
        )
        self._worker.start()

    @classmethod
    async def open(
        cls, name: str, settings: LocalSettings, *, seed: int = 0, version: str = "0"
    ) -> TorchLocalModel:
        """Load a folder. Raises `JourneymanError` where it holds no model that can be sampled."""
        module, tokenizer = await asyncio.to_thread(load_folder, settings)
        return cls(name, module, tokenizer, settings, seed=seed, version=version)

    @property
    def version(self) -> str:
        """Of the weights; what draws with them says so in `Completion.model_version`."""
        return self._worker.version

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete `prompt.token_ids`, else `prompt.text`.

        `logprobs` are under the model itself, before temperature and nucleus. Raises
        `ContextOverflowError` if the prompt fills the context.
        """
        async for item in self.stream(prompt, sampling):
            if isinstance(item, Completion):
                return item
        raise AssertionError("a stream ends with its completion")

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Piece | Completion]:
        """Yield a piece a token, then the completion. Raises as `complete` does."""
        tokens = prompt.token_ids
        if tokens is None:
            assert prompt.text is not None, "a model that reads text needs Prompt.text"
            tokens = await self.tokenize(prompt.text, is_start=True)
        items: asyncio.Queue[Item] = asyncio.Queue()
        row = self._row(tokens, sampling, _across(items))
        self._worker.submit(row)
        try:
            while True:
                item = await items.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if isinstance(item, Completion):
                    return
        finally:
            row.is_cancelled = True

    def _row(
        self, tokens: Sequence[int], sampling: Sampling, on_item: Callable[[Item], None]
    ) -> Row:
        room = self.context_tokens - len(tokens)
        if room <= 0:
            raise ContextOverflowError(f"{len(tokens)} tokens > {self.context_tokens} maximum")
        if not tokens or max(tokens) >= self.module.config.vocab_size:
            raise AttributedError("model_refused", "the prompt is empty or holds unknown tokens")
        return Row(
            prompt=tuple(tokens),
            sampling=sampling,
            seed=next(self._seeds) if sampling.seed is None else sampling.seed,
            decode=self._decode,
            ends=self._ends,
            most=min(sampling.max_tokens, room),
            on_item=on_item,
        )

    def _decode(self, token_ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=False))

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=is_start).ids)

    async def change(self, work: Callable[[Any], Any], *, version: str) -> None:
        """Let `work` change the module in place, e.g. step an optimizer, while nothing is drawn.

        Completions under way end first, and new ones wait. Raises what `work` raises; then the
        version stays.
        """
        await asyncio.wrap_future(self._worker.change(lambda: work(self.module), version))

    async def replace_weights(self, state: Mapping[str, Any], *, version: str) -> None:
        """Copy `state`, named as in the module's `state_dict`, over the weights.

        Names that are tied to a given one may be left out. Raises `JourneymanError`, and changes
        nothing, if a name is unknown, a shape differs or a weight is missing.
        """
        await self.change(lambda module: copy_weights(module, state), version=version)

    async def close(self) -> None:
        """End the thread. Safe to call twice."""
        await asyncio.to_thread(self._worker.close)


def _across(items: asyncio.Queue[Item]) -> Callable[[Item], None]:
    """Return what hands an item from the drawing thread over to the caller's event loop."""
    loop = asyncio.get_running_loop()

    def hand_over(item: Item) -> None:
        try:
            loop.call_soon_threadsafe(items.put_nowait, item)
        except RuntimeError:
            # The loop is closed, and with it whoever waited.
            return

    return hand_over


def _end_tokens(module: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end a turn, as the folder's generation settings and tokenizer say."""
    generation = getattr(module, "generation_config", None)
    found = {getattr(tokenizer, "eos_token_id", None)}
    for config in (generation, module.config):
        named = getattr(config, "eos_token_id", None)
        found |= set(named) if isinstance(named, (list, tuple)) else {named}
    return frozenset(it for it in found if it is not None)
