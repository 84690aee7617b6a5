"""Tasks of several turns as a `MultiTurnEnv` of `verifiers` 0.1, whose client asks the model.

environment = JourneymanMultiTurnEnv({"toolz__toolz-0001": (taskset, config)}, dataset=rows)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import verifiers as vf

from journeyman.flow import RolloutConfig
from journeyman.models.chat_wire import read_answer, request_body
from journeyman.tasks import Taskset
from journeyman.train.interop.episode import Asked, Episode
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["JourneymanMultiTurnEnv"]

_EPISODE = "journeyman_episode"
_REWARD = "journeyman_reward"


class JourneymanMultiTurnEnv(vf.MultiTurnEnv):
    """The scaffold's own limits end a rollout; what the machine failed is an `InfraError`, never 0."""

    def __init__(self, places: Mapping[str, tuple[Taskset, RolloutConfig]], **kwargs: Any) -> None:
        """`places` say by instance id, which `info` of each row holds, what is played and how."""
        super().__init__(rubric=vf.Rubric(funcs=[resolved]), **kwargs)
        self._places = dict(places)

    async def setup_state(self, state: Any) -> None:
        """Begin the rollout; its prompt is the row's."""
        name = state["info"]["instance_id"]
        taskset, config = self._places[name]
        episode = state[_EPISODE] = Episode(taskset, name, config)
        asked = await episode.start()
        if asked is None:
            raise vf.InfraError(f"{name} ended before its first turn")
        state["tool_defs"] = [
            vf.Tool(name=it.name, description=it.description, parameters=dict(it.parameters))
            for it in asked.tools
        ]

    async def env_response(self, messages: Any, state: Any, **_: Any) -> Any:
        """Carry out what the model called, and return what came of it; grade where that was the end."""
        episode: Episode = state[_EPISODE]
        asked = await episode.answer(_said(messages[-1]))
        if asked is not None:
            return _records(asked)
        rollout = await episode.finish()
        if rollout.reward is None or not rollout.reward.is_valid:
            raise vf.InfraError(f"{rollout.instance_id} was not graded: {rollout.failure}")
        state[_REWARD] = rollout.reward.value
        state["final_env_response"] = []
        return []

    @vf.cleanup
    async def close_episode(self, state: Any) -> None:
        """End what still runs, whatever ended the rollout."""
        if _EPISODE in state:
            await state.pop(_EPISODE).close()


async def resolved(state: Any, **_: Any) -> float:
    """What execution gave; 0 beside an error, which `state` holds."""
    return float(state.get(_REWARD, 0.0))


def _said(message: Any) -> Completion:
    calls = [
        {"id": it.id, "function": {"name": it.name, "arguments": it.arguments}}
        for it in message.get("tool_calls") or ()
    ]
    record = {
        "content": message.get("content"),
        "reasoning_content": message.get("reasoning_content"),
        "tool_calls": calls,
    }
    return read_answer({"choices": [{"message": record}]})


def _records(asked: Asked) -> list[dict[str, Any]]:
    body = request_body(Prompt(messages=asked.new), Sampling(), model="")
    return list(body["messages"])
