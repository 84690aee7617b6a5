"""One-turn tasks as prompts and a reward, and as an environment of `verifiers` where it is installed."""

import asyncio

import pytest

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.tasks import Taskset
from journeyman.train.interop.single_turn import prompts_of, reward_of
from journeyman.train.interop.verifiers_environment import load_environment

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def one(taskset) -> Taskset:
    return taskset.model_copy(update={"tasks": taskset.tasks[:1]})


async def test_prompts_are_the_scaffolds_and_rewards_are_executions(one):
    (task,) = one.tasks
    config = RolloutConfig(taskset=one.folder, scaffold="answer")
    (row,) = await prompts_of(one, config)
    assert [it["role"] for it in row["prompt"]] == ["system", "user"]
    assert task.problem_statement.strip() in row["prompt"][1]["content"]
    right = f"```diff\n{task.patch}```"
    assert await reward_of(one, task.instance_id, right, config) == 1.0
    assert await reward_of(one, task.instance_id, "I do not know.", config) == 0.0


def test_an_environment_of_verifiers(one):
    try:
        import verifiers
    except ImportError:
        with pytest.raises(JourneymanError, match="verifiers is not installed"):
            load_environment(taskset=str(one.folder))
        return
    if not hasattr(verifiers, "SingleTurnEnv"):
        with pytest.raises(JourneymanError, match="has no SingleTurnEnv"):
            load_environment(taskset=str(one.folder))
        return
    environment = load_environment(taskset=str(one.folder))
    assert isinstance(environment, verifiers.SingleTurnEnv)
    (task,) = one.tasks
    rewards = environment.rubric.funcs
    completion = [{"role": "assistant", "content": f"```diff\n{task.patch}```"}]
    info = {"instance_id": task.instance_id}
    values = [asyncio.run(it(completion=completion, info=info)) for it in rewards]
    assert 1.0 in values
