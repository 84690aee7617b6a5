"""Conversations as data: a line of JSONL each, with messages, tools and where they are from.

for conversation in read_conversations(Path("calls.jsonl")): ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.runs import read_jsonl
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
    if not path.is_file():
        raise JourneymanError(f"no file {path}", "give a JSONL file of conversations")
    for number, record in enumerate(read_jsonl(path), start=1):
        try:
            yield Conversation.model_validate_json(json.dumps(record))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise JourneymanError(
                f"{path}, line {number} is no conversation: {where}: {first['msg']}",
                "a line holds messages, tools and source; see docs/training.md",
            ) from None
