"""What a turn is to the event stream: itself, each call that was answered, each that was refused."""

from __future__ import annotations

from collections.abc import Iterator

from journeyman.flow.events import CallRefused, Event, ToolCalled, TurnTaken
from journeyman.types import Turn

__all__ = ["turn_events"]


def turn_events(rollout_id: str, number: int, turn: Turn) -> Iterator[Event]:
    """Yield a finished turn's events; `number` counts from 1."""
    calls = tuple(call.name for call in turn.message.tool_calls)
    yield TurnTaken(
        rollout_id=rollout_id,
        turn=number,
        num_completion_tokens=turn.completion.num_completion_tokens,
        calls=calls,
        num_format_errors=len(turn.format_errors),
        model_duration_s=turn.model_duration_s,
        tools_duration_s=turn.tools_duration_s,
        policy_version=turn.completion.model_version,
    )
    refused = {it.call_id or it.tool for it in turn.guard_decisions if not it.is_allowed}
    for observation in turn.observations:
        if observation.role == "tool":
            yield ToolCalled(
                rollout_id=rollout_id,
                turn=number,
                tool=observation.name,
                is_allowed=not refused & {observation.tool_call_id, observation.name},
                num_characters=len(observation.content),
            )
    for decision in turn.guard_decisions:
        if not decision.is_allowed:
            yield CallRefused(rollout_id=rollout_id, turn=number, decision=decision)
