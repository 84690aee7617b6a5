"""ATIF 1.8, Harbor's Agent Trajectory Interchange Format: one JSON document a rollout.

What ATIF has no field for (guard decisions, format errors, the tokens that a prompt added, the policy's
version, reward and patch) is in `extra`, where the format wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from journeyman import __version__
from journeyman.types import Message, Rollout, Trajectory, Turn

__all__ = ["to_atif"]

_VERSION = "ATIF-v1.8"
_SOURCES = {"system": "system", "user": "user", "tool": "user", "assistant": "user"}


def to_atif(
    run: str, rollout: Rollout, trajectory: Trajectory, *, branch: int = 1
) -> dict[str, Any]:
    """Return the document of one branch of a rollout; branch 1 is the main conversation."""
    steps = list(_steps(trajectory)) or [{"source": "system", "message": ""}]
    return {
        "schema_version": _VERSION,
        "session_id": f"{run}/{rollout.rollout_id}",
        "trajectory_id": rollout.rollout_id if branch == 1 else f"{rollout.rollout_id}#{branch}",
        "agent": {
            "name": f"journeyman-{trajectory.scaffold}",
            "version": __version__,
            "model_name": trajectory.model,
            "tool_definitions": [_tool(it.model_dump()) for it in trajectory.tools] or None,
            "extra": {"template": trajectory.template},
        },
        "steps": [{"step_id": number, **step} for number, step in enumerate(steps, start=1)],
        "final_metrics": {
            "total_prompt_tokens": rollout.num_prompt_tokens,
            "total_completion_tokens": rollout.num_completion_tokens,
            "total_cost_usd": rollout.cost_usd,
            "total_steps": len(steps),
        },
        "extra": _about(rollout) | {"branch": branch},
    }


def _about(rollout: Rollout) -> dict[str, Any]:
    return {
        "instance_id": rollout.instance_id,
        "group_id": rollout.group_id,
        "ending": rollout.ending.value,
        "reward": rollout.reward.model_dump() if rollout.reward else None,
        "verdict": rollout.verdict.model_dump(mode="json") if rollout.verdict else None,
        "failure": rollout.failure.model_dump() if rollout.failure else None,
        "patch": rollout.patch,
    }


def _steps(trajectory: Trajectory) -> Iterator[dict[str, Any]]:
    for number, turn in enumerate(trajectory.turns, start=1):
        for message in turn.prompt_messages:
            # Answers and the agent's own words stand in the turns that they belong to already.
            if number == 1 or message.role in ("system", "user"):
                yield {"source": _SOURCES[message.role], "message": message.content}
        yield _agent_step(number, turn)


def _agent_step(number: int, turn: Turn) -> dict[str, Any]:
    done, message = turn.completion, turn.message
    names = [call.id or f"call_{number}_{at}" for at, call in enumerate(message.tool_calls)]
    step: dict[str, Any] = {
        "source": "agent",
        "message": message.content,
        "llm_call_count": 1,
        "metrics": {
            "prompt_tokens": done.num_prompt_tokens,
            "completion_tokens": done.num_completion_tokens,
            "cost_usd": done.cost_usd,
        },
        "extra": {
            "text": done.text,
            "finish_reason": done.finish_reason,
            "policy_version": done.model_version,
            "prompt_token_ids_added": list(turn.prompt_token_ids),
            "prompt_tokens_are_rewritten": turn.prompt_tokens_are_rewritten,
            "format_errors": [it.model_dump() for it in turn.format_errors],
            "guard_decisions": [it.model_dump() for it in turn.guard_decisions],
        },
    }
    if turn.started_at:
        step["timestamp"] = datetime.fromtimestamp(turn.started_at, UTC).isoformat()
    if message.reasoning:
        step["reasoning_content"] = message.reasoning
    if done.token_ids:
        step["metrics"]["completion_token_ids"] = list(done.token_ids)
    if done.logprobs and len(done.logprobs) == len(done.token_ids):
        step["metrics"]["logprobs"] = list(done.logprobs)
    if message.tool_calls:
        step["tool_calls"] = [
            {"tool_call_id": name, "function_name": call.name, "arguments": call.arguments}
            for name, call in zip(names, message.tool_calls, strict=True)
        ]
    if turn.observations:
        results = [_result(at, it, names) for at, it in enumerate(turn.observations)]
        step["observation"] = {"results": results}
    return step


def _result(at: int, message: Message, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"content": message.content}
    if message.tool_call_id in names:
        found["source_call_id"] = message.tool_call_id
    elif message.role == "tool" and at < len(names):
        found["source_call_id"] = names[at]
    return found


def _tool(spec: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": spec}
