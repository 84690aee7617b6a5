"""Rollouts whose model is elsewhere, in real sandboxes."""

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.models import bind, open_model
from journeyman.train.interop import Episode
from journeyman.types import Ending, Message, Prompt, Sampling, ToolCall

pytestmark = pytest.mark.sandbox


async def play(episode, spec):
    """Let a model of ours play from outside, as a trainer's would."""
    model = bind(await open_model(spec), episode.task)
    shown = []
    asked = await episode.start()
    while asked is not None:
        shown.append(asked)
        prompt = Prompt(messages=asked.messages, tools=asked.tools)
        asked = await episode.answer((await model.complete(prompt, Sampling())).message)
    return shown, await episode.finish()


@pytest.mark.parametrize(("spec", "value"), [("oracle", 1.0), ("noop", 0.0)])
async def test_execution_rewards_who_plays_from_outside(taskset, spec, value):
    task = taskset.tasks[0]
    config = RolloutConfig(taskset=taskset.folder, scaffold="bash")
    shown, rollout = await play(Episode(taskset, task.instance_id, config), spec)
    assert rollout.failure is None
    assert rollout.reward.value == value
    assert rollout.ending is Ending.SUBMITTED
    assert rollout.num_turns == len(shown)
    assert [message.role for message in shown[0].new] == ["system", "user"]
    assert [tool.name for tool in shown[0].tools] == ["bash", "submit"]
    assert all([it.role for it in asked.new] == ["tool"] for asked in shown[1:])


async def test_limits_end_it_and_what_is_left_behind_is_not_graded(taskset):
    task = taskset.tasks[0]
    look = Message(
        role="assistant", tool_calls=(ToolCall(name="bash", arguments={"command": "ls"}, id="c"),)
    )
    config = RolloutConfig(taskset=taskset.folder, limits={"num_turns": 2})
    episode = Episode(taskset, task.instance_id, config)
    assert await episode.start() is not None
    assert await episode.answer(look) is not None
    assert await episode.answer(look) is None
    rollout = await episode.finish()
    assert rollout.ending is Ending.TURN_LIMIT
    assert rollout.reward.value == -0.5

    episode = Episode(taskset, task.instance_id, config)
    assert await episode.start() is not None
    rollout = await episode.finish()
    assert not rollout.reward.is_valid
    assert rollout.failure.cause == "abandoned"


def test_what_cannot_be_played_is_refused(taskset):
    name = taskset.tasks[0].instance_id
    with pytest.raises(JourneymanError, match="calls its model itself"):
        Episode(taskset, name, RolloutConfig(taskset=taskset.folder, scaffold="aider"))
    with pytest.raises(JourneymanError, match="has no task nobody"):
        Episode(taskset, "nobody", RolloutConfig(taskset=taskset.folder))
