"""A model that a flag names, opened for as long as it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from journeyman.cli.output import note

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["opened_model", "opened_named_model"]


@asynccontextmanager
async def opened_model(spec: str) -> AsyncIterator[Model | None]:
    """Open the model that a spec names, and close it again; none where there is no spec."""
    if not spec:
        yield None
        return
    async with opened_named_model(spec) as model:
        yield model


@asynccontextmanager
async def opened_named_model(spec: str) -> AsyncIterator[Model]:
    """Open the model that a spec names, and close it again. Raises as `open_model` does."""
    from journeyman.models import open_model

    model = await open_model(spec, on_progress=note)
    try:
        yield model
    finally:
        await model.close()
