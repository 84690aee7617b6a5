"""Tells a turn that a client respells from one that it changes.

Clients write the arguments of a call into their history as they understood them: with defaults filled
in, escapes undone, paths made absolute. It is still the turn that the model drew, and its prompt shall
go on from the tokens that were drawn. Where a client leaves out what was said (compaction), or changes
it for good, it is another history.
"""

from __future__ import annotations

from typing import Any

from journeyman.types import Message

__all__ = ["is_respelled"]

_LONGEST_CHANGE = 32
_LARGEST_SHARE = 0.2


def is_respelled(message: Message, shown: Message) -> bool:
    """Tell whether `message` is `shown`, the same calls by their identifiers, spelt another way."""
    if message.content.strip() != shown.content.strip():
        return False
    if len(message.tool_calls) != len(shown.tool_calls):
        return False
    return all(
        call.id == known.id
        and call.name == known.name
        and call.arguments.keys() >= known.arguments.keys()
        and all(_is_near(call.arguments[key], value) for key, value in known.arguments.items())
        for call, known in zip(message.tool_calls, shown.tool_calls, strict=True)
    )


def _is_near(value: Any, known: Any) -> bool:
    """Compare by length: what is respelt keeps it, what is left out does not."""
    if isinstance(value, str) and isinstance(known, str):
        change = abs(len(value) - len(known))
        return change <= max(_LONGEST_CHANGE, _LARGEST_SHARE * len(known))
    if isinstance(value, dict | list) and isinstance(known, dict | list):
        return type(value) is type(known) and abs(len(value) - len(known)) <= 1
    return bool(value == known)
