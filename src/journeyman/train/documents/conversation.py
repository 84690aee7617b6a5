"""Conversations as data: a line of JSONL each, with messages, tools and where they are from.

for conversation in read_conversations(Path("calls.jsonl")): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from journeyman.train.documents.data_file import read_data
from journeyman.types import Data, Message, ToolSpec

__all__ = ["Conversation", "read_conversations"]


class Conversation(Data):
    """Messages in order, and the tools that were offered."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    source: str = "conversation"
    """Which kind of data it is, for the loss by source."""
    id: str = ""


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file; `JourneymanError` names the first line that is none."""
    hint = "a line holds messages, tools and source; see docs/training.md"
    return read_data(path, Conversation, noun="conversation", hint=hint)
