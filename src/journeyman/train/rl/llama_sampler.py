"""The policy drawn by llama.cpp: its weights are written as GGUF after every change, and served anew.

It has the two methods that training needs of `models.torch_local` (`complete`, `change`), so the loop
knows no difference. A quantised or half-precise copy draws a little differently from what is trained:
the loss corrects for it where `update.loss.mismatch` says so.

    sampler = await LlamaSampler.open(network, tokenizer, run.path / "sampler", settings, version="0")
    await sampler.change(lambda base: optimizer.step(), version="1")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from journeyman.models.llama import LlamaModel
from journeyman.models.llama_process import LlamaSettings
from journeyman.train.gguf_files.exporting import WeightKind, export_gguf
from journeyman.train.model.network import Network
from journeyman.train.rl.turnstile import Turnstile
from journeyman.train.tokenizer import PlainTokenizer
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["LlamaSampler"]


class LlamaSampler:
    """A policy served from files of its weights, of which one is kept."""

    reads_text = True

    def __init__(
        self,
        network: Network,
        tokenizer: PlainTokenizer,
        folder: Path,
        settings: LlamaSettings,
        kind: WeightKind,
    ) -> None:
        """`settings.path` is not looked at: files are made in `folder`."""
        self.name = "policy"
        self.version = ""
        self._network, self._tokenizer, self._kind = network, tokenizer, kind
        self._folder, self._settings = folder, settings
        self._served: LlamaModel | None = None
        self._turnstile = Turnstile()

    @classmethod
    async def open(
        cls,
        network: Network,
        tokenizer: PlainTokenizer,
        folder: Path,
        settings: LlamaSettings,
        *,
        version: str,
        kind: WeightKind = "f16",
    ) -> LlamaSampler:
        """Write the weights and serve them. Raises as `export_gguf` and `LlamaModel.open` do."""
        sampler = cls(network, tokenizer, folder, settings, kind)
        await sampler._serve(version)
        return sampler

    @property
    def context_tokens(self) -> int:
        """Longest prompt and completion together."""
        return self._settings.context_tokens

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete with the newest weights; raises as `LlamaModel.complete` does."""
        async with self._turnstile.drawing():
            completion = await self._model.complete(prompt, sampling)
            return completion.model_copy(update={"model_version": self.version})

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        async with self._turnstile.drawing():
            return await self._model.tokenize(text, is_start=is_start)

    async def change(self, work: Callable[[Any], Any], *, version: str) -> None:
        """Let `work` change the network in place, then serve what it became.

        The old file is drawn from until the new one is served. Raises what `work` raises.
        """
        await asyncio.to_thread(work, self._network.base)
        await self._serve(version)

    async def close(self) -> None:
        """End the server and remove its file. Safe to call twice."""
        if self._served is not None:
            await self._served.close()
            self._served.settings.path.unlink(missing_ok=True)
            self._served = None

    @property
    def _model(self) -> LlamaModel:
        assert self._served is not None, "the sampler is closed"
        return self._served

    async def _serve(self, version: str) -> None:
        """Start the new server before the old one ends, so that a failure leaves the old one."""
        path = self._folder / f"policy-{version}.gguf"
        path.unlink(missing_ok=True)  # of a run that was killed before this step was kept
        write = (self._network, self._tokenizer, path)
        await asyncio.to_thread(export_gguf, *write, kind=self._kind)
        settings = self._settings.model_copy(update={"path": path})
        served = await LlamaModel.open(self.name, settings)
        async with self._turnstile.changing():
            await self.close()
            self._served, self.version = served, version
