"""What an exercise is, and which tools are for training and which are held out.

The split goes by the tool alone: a tool that is held out occurs in no training exercise, neither as
the one to call nor beside it, so that what is measured on held-out tools was never learnt by heart.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from journeyman.types import Data, Message, ToolCall, ToolSpec

__all__ = ["Exercise", "Split", "ToolSet", "answer", "split_of"]

Split = Literal["train", "heldout"]
HELD_OUT_SHARE = 0.25


class ToolSet(Data):
    """The tools that one scaffold declares."""

    name: str
    tools: tuple[ToolSpec, ...]


class Exercise(Data):
    """A conversation whose right continuation is exactly one call."""

    exercise_id: str
    toolset: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]
    """From the system message to the last request; some hold an earlier call and its answer."""
    expected: ToolCall
    argument_kinds: dict[str, str]
    """What kind of value each expected argument is, e.g. `code`, `integer`, `list`."""
    form: Literal["named", "described"]
    """Whether the request names the tool, or only says what is to be done."""
    split: Split


def answer(exercise: Exercise) -> Message:
    """Return the assistant message that an exercise asks for."""
    return Message(role="assistant", tool_calls=(exercise.expected,))


def split_of(tool: ToolSpec) -> Split:
    """Say by a tool's digest whether it is for training; descriptions do not matter.

    >>> split_of(ToolSpec(name="bash")), split_of(ToolSpec(name="submit"))
    ('train', 'train')
    """
    declared = tool.parameters.get("properties", {})
    key = json.dumps([tool.name.lower(), sorted(declared)])
    drawn = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 0x1_0000_0000
    return "heldout" if drawn < HELD_OUT_SHARE else "train"
