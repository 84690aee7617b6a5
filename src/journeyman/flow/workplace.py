"""What the jobs of one process share: open models, ceilings on their requests, and locks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from journeyman.models import Model, Tokenizer, open_model
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["Workplace"]


class Workplace:
    """One process's share of a run. Models that were not given are opened at first use."""

    def __init__(self, models: Mapping[str, Model] | None = None, *, num_requests: int = 256):
        self._models = dict(models or {})
        self._own: list[Model] = []
        self._requests: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(num_requests)
        )
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def model(self, spec: str) -> Model:
        """Return the open model of a spec."""
        async with self.lock(f"model {spec}"):
            if spec not in self._models:
                self._models[spec] = await open_model(spec)
                self._own.append(self._models[spec])
        return self._models[spec]

    def limit(self, spec: str, model: Model) -> Model:
        """Return a view of a model whose requests count toward the ceiling of its spec."""
        if isinstance(model, Tokenizer):
            return _LimitedTokenizer(model, self._requests[spec], model.tokenize)
        return _LimitedModel(model, self._requests[spec])

    def lock(self, name: str) -> asyncio.Lock:
        """Return the lock of that name."""
        return self._locks[name]

    async def aclose(self) -> None:
        """Close the models that were opened here."""
        for model in self._own:
            await model.close()
        self._own.clear()


class _LimitedModel:
    def __init__(self, model: Model, requests: asyncio.Semaphore) -> None:
        self.name = model.name
        self.reads_text = model.reads_text
        self._model = model
        self._requests = requests

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        async with self._requests:
            return await self._model.complete(prompt, sampling)

    async def close(self) -> None:
        """Leave the shared model open."""


class _LimitedTokenizer(_LimitedModel):
    """The same of a model that can tokenise, which is quick and stands in no queue."""

    def __init__(
        self,
        model: Model,
        requests: asyncio.Semaphore,
        tokenize: Callable[..., Awaitable[tuple[int, ...]]],
    ) -> None:
        super().__init__(model, requests)
        self._tokenize = tokenize

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        return await self._tokenize(text, is_start=is_start)
