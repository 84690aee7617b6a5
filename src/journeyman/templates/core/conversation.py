"""What templates ask of a conversation: whose turn is it, what came last, which reasoning is kept.

>>> [len(turn) for turn in in_turns([Message(role="tool"), Message(role="tool")])]
[2]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from journeyman.types import Message, ToolCall

__all__ = ["in_turns", "keep_late_reasoning", "pair_results", "split_reasoning", "split_system"]


def in_turns(messages: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    """Put the results that follow one another in one group, every other message in its own."""
    for is_result, group in groupby(messages, lambda message: message.role == "tool"):
        if is_result:
            yield tuple(group)
        else:
            yield from ((message,) for message in group)


def split_system(messages: Sequence[Message]) -> tuple[str | None, Sequence[Message]]:
    """Part the text of a leading system message, None without one, from the other messages."""
    if messages and messages[0].role == "system":
        return messages[0].content, messages[1:]
    return None, messages


def split_reasoning(message: Message) -> tuple[str, str]:
    """Return a message's reasoning and content; history may hold both in the content."""
    content = message.content
    if message.reasoning or "</think>" not in content:
        return message.reasoning, content
    head, _, _ = content.partition("</think>")
    return head.rpartition("<think>")[2].strip("\n"), content.rpartition("</think>")[2].strip("\n")


def pair_results(
    results: Sequence[Message], calls: Sequence[ToolCall]
) -> Iterator[tuple[Message, ToolCall | None]]:
    """Pair results with the calls they answer: by the call's id, else by order."""
    by_id = {call.id: call for call in calls if call.id}
    for index, result in enumerate(results):
        nth = calls[index] if index < len(calls) else None
        yield result, by_id.get(result.tool_call_id, nth)


def keep_late_reasoning(messages: Sequence[Message]) -> list[Message]:
    """Drop the reasoning of all turns before the last user message, also where content holds it."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    kept = []
    for index, message in enumerate(messages):
        if message.role == "assistant":
            reasoning, content = split_reasoning(message)
            late = {"content": content, "reasoning": reasoning if index > last else ""}
            message = message.model_copy(update=late)
        kept.append(message)
    return kept
