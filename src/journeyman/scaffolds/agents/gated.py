"""A rollout's model as its gateway is given it: every request waits for its turn first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from journeyman.models.base import Model, Tokenizer
from journeyman.scaffolds.session import ModelSession
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["gated"]


def gated(session: ModelSession) -> Model:
    """Return a view of the session's model that goes through the session's gate."""
    if isinstance(session.model, Tokenizer):
        return _GatedTokenizer(session, session.model.tokenize)
    return cast(Model, _Gated(session))


class _Gated:
    def __init__(self, session: ModelSession) -> None:
        self.name = session.model.name
        self.reads_text = session.model.reads_text
        self.holds_schemas = bool(getattr(session.model, "holds_schemas", False))
        self._session = session

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        if self._session.gate is None:
            return await self._session.model.complete(prompt, sampling)
        async with self._session.gate() as version:
            completion = await self._session.model.complete(prompt, sampling)
        return completion.model_copy(update={"model_version": version}) if version else completion

    async def close(self) -> None:
        """Leave the shared model open."""


class _GatedTokenizer(_Gated):
    """The same of a model that can tokenise, which is quick and stands in no queue."""

    def __init__(
        self, session: ModelSession, tokenize: Callable[..., Awaitable[tuple[int, ...]]]
    ) -> None:
        super().__init__(session)
        self._tokenize = tokenize

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        return await self._tokenize(text, is_start=is_start)
