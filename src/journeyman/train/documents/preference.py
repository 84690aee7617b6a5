"""Preferences as data: a line of JSONL each, a conversation and two ways to go on, one of them better.

for preference in read_preferences(Path("preferred.jsonl")): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from journeyman.train.documents.data_file import read_data
from journeyman.types import Data, Message, ToolSpec

__all__ = ["Preference", "read_preferences"]


class Preference(Data):
    """What was asked, and the better and the worse answer to it."""

    messages: tuple[Message, ...] = Field(min_length=1)
    """Up to what is answered; turns of the assistant in it are context."""
    tools: tuple[ToolSpec, ...] = ()
    chosen: Message
    rejected: Message
    source: str = "preference"
    """Which kind of data it is, for the loss by source."""
    id: str = ""

    @model_validator(mode="after")
    def _is_pair(self) -> Preference:
        if self.chosen.role != "assistant" or self.rejected.role != "assistant":
            raise ValueError("chosen and rejected are messages of the assistant")
        if self.chosen == self.rejected:
            raise ValueError("chosen and rejected are the same")
        return self


def read_preferences(path: Path) -> Iterator[Preference]:
    """Yield the preferences of a file; `JourneymanError` names the first line that is none."""
    hint = "a line holds messages, chosen and rejected; see docs/training.md"
    return read_data(path, Preference, noun="preference", hint=hint)
