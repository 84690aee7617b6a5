"""Lets a session's guard look at the calls of a turn before the client is told of them.

A turn passes whole or not at all: clients carry the calls of one turn out side by side, and cannot be
told of a part of it without another history than the model's.
"""

from __future__ import annotations

from collections.abc import Sequence

from journeyman.guard import Guard
from journeyman.types import GuardDecision, Message

__all__ = ["feedback_on", "judge_calls"]

_NOT_ALONE = "Not carried out, because another call of the same turn is not allowed. Call again."


def judge_calls(guard: Guard | None, message: Message) -> tuple[GuardDecision, ...]:
    """Return what the guard says of each call, in order; nothing without a guard."""
    if guard is None:
        return ()
    return tuple(guard.judge(call) for call in message.tool_calls)


def feedback_on(message: Message, decisions: Sequence[GuardDecision]) -> tuple[Message, ...]:
    """Return what the model is told in place of the tools' answers; empty if every call may pass."""
    if all(decision.is_allowed for decision in decisions):
        return ()
    return tuple(
        Message(
            role="tool",
            content=_NOT_ALONE if decision.is_allowed else decision.feedback,
            tool_call_id=call.id,
            name=call.name,
        )
        for call, decision in zip(message.tool_calls, decisions, strict=True)
    )
