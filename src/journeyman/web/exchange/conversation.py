"""Trajectories as conversations: chat messages for fine-tuning, and the Hub's session traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from journeyman.types import Message, Rollout, Trajectory

__all__ = ["to_messages", "to_session", "to_sft"]


def to_messages(trajectory: Trajectory) -> list[dict[str, Any]]:
    """Return the conversation as OpenAI's chat messages, arguments as objects."""
    found: list[dict[str, Any]] = []
    for number, turn in enumerate(trajectory.turns, start=1):
        new = turn.prompt_messages
        # From the second turn on, what is new are answers, which stand behind their calls already.
        found += [_message(it, []) for it in new if number == 1 or it.role in ("system", "user")]
        names = [it.id or f"call_{number}_{at}" for at, it in enumerate(turn.message.tool_calls)]
        found.append(_message(turn.message, names))
        for at, it in enumerate(turn.observations):
            call = it.tool_call_id or (names[at] if at < len(names) else "")
            found.append({**_message(it, []), **({"tool_call_id": call} if call else {})})
    return _without_repeats(found)


def to_sft(rollout: Rollout, trajectory: Trajectory, *, branch: int = 1) -> dict[str, Any]:
    """Return one line of fine-tuning data: messages and tools as chat templates take them."""
    return {
        "messages": to_messages(trajectory),
        "tools": [{"type": "function", "function": it.model_dump()} for it in trajectory.tools],
        "metadata": {
            "rollout_id": rollout.rollout_id,
            "branch": branch,
            "instance_id": rollout.instance_id,
            "model": rollout.model,
            "scaffold": rollout.scaffold,
            "template": trajectory.template,
            "reward": rollout.reward.value if rollout.reward else None,
            "is_resolved": bool(rollout.verdict and rollout.verdict.is_resolved),
        },
    }


def to_session(
    run: str, rollout: Rollout, trajectory: Trajectory, *, branch: int = 1
) -> Iterator[dict[str, Any]]:
    """Yield the lines of a session in the Hub's simple format: a header, then messages."""
    yield {
        "type": "session",
        "harness": "journeyman",
        "id": f"{run}/{rollout.rollout_id}" + (f"#{branch}" if branch > 1 else ""),
        "name": rollout.instance_id,
        "model": rollout.model,
        "reward": rollout.reward.value if rollout.reward else None,
        "isResolved": bool(rollout.verdict and rollout.verdict.is_resolved),
    }
    for message in to_messages(trajectory):
        line = {"role": message["role"], "content": message["content"]}
        if message.get("reasoning_content"):
            line["reasoningContent"] = message["reasoning_content"]
        if message.get("tool_calls"):
            line["toolCalls"] = [_session_call(it) for it in message["tool_calls"]]
        if message.get("tool_call_id"):
            line["toolCallId"] = message["tool_call_id"]
        if message["role"] == "assistant":
            line["model"] = trajectory.model
        yield {"type": "message", "message": line}


def _session_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = json.dumps(function["arguments"], ensure_ascii=False)
    return {"id": call["id"], "function": {"name": function["name"], "arguments": arguments}}


def _message(message: Message, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning:
        found["reasoning_content"] = message.reasoning
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "id": name,
                "type": "function",
                "function": {"name": it.name, "arguments": it.arguments},
            }
            for name, it in zip(names, message.tool_calls, strict=True)
        ]
    if message.name:
        found["name"] = message.name
    return found


def _without_repeats(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop a user's message that repeats the answer just before it, as scaffolds without tools have."""
    found: list[dict[str, Any]] = []
    for it in messages:
        if found and it["role"] == "user" == found[-1]["role"] and it == found[-1]:
            continue
        found.append(it)
    return found
