"""A taskset of one-turn tasks as prompts and a reward: what every trainer's simplest environment takes.

rows = await prompts_of(taskset, config)
rows[0]["prompt"], rows[0]["info"]["instance_id"]
value = await reward_of(taskset, "pages__counter", text, config)
"""

from __future__ import annotations

from typing import Any

from journeyman.flow import RolloutConfig
from journeyman.tasks import Taskset
from journeyman.train.interop.episode import Episode
from journeyman.types import Message

__all__ = ["prompts_of", "reward_of"]


async def prompts_of(taskset: Taskset, config: RolloutConfig) -> list[dict[str, Any]]:
    """Return for every task its prompt, as chat messages, and its id; as the scaffold asks it."""
    rows = []
    for task in taskset.tasks:
        episode = Episode(taskset, task.instance_id, config)
        try:
            asked = await episode.start()
        finally:
            await episode.close()
        assert asked is not None, "a scaffold asks before it ends"
        prompt = [{"role": it.role, "content": it.content} for it in asked.messages]
        rows.append({"prompt": prompt, "answer": "", "info": {"instance_id": task.instance_id}})
    return rows


async def reward_of(taskset: Taskset, instance_id: str, text: str, config: RolloutConfig) -> float:
    """Return what execution gives for one answer.

    Raises `RuntimeError` where the machine failed: that is no reward, and least of all 0.
    """
    episode = Episode(taskset, instance_id, config)
    try:
        await episode.start()
        if await episode.answer(Message(role="assistant", content=text)) is not None:
            await episode.close()
        rollout = await episode.finish()
    finally:
        await episode.close()
    if rollout.reward is None or not rollout.reward.is_valid:
        raise RuntimeError(f"{instance_id} was not graded: {rollout.failure}")
    return rollout.reward.value
