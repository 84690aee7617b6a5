"""Tasks of several turns in the packages of other trainers, each where it is installed.

Sandboxes are real. None needs a GPU for this: a small chat server, or their own interface to one, is
played by the oracle's commands.
"""

import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from journeyman.flow import RolloutConfig
from journeyman.models import bind, open_model
from journeyman.models.chat_wire import request_body
from journeyman.scaffolds.tools import BASH, SUBMIT
from journeyman.train.interop.token_player import Drawn, TokenPlayer, play_tokens, sequence_of
from journeyman.types import Ending, Message, Prompt, Sampling, Trajectory, Turn

pytestmark = pytest.mark.sandbox


class Words:
    """A tokenizer of bytes, with one token beside for the end of a turn, as `transformers` speaks it."""

    eos_token = "<|im_end|>"
    eos_token_id = pad_token_id = 256
    chat_template = "{{ messages }}"

    def encode(self, text, add_special_tokens=False):
        parts = text.split(self.eos_token)
        ids = list(parts[0].encode())
        for part in parts[1:]:
            ids += [256, *part.encode()]
        return ids

    def decode(self, ids, skip_special_tokens=False):
        end = self.eos_token.encode()
        return b"".join(end if it == 256 else bytes([it]) for it in ids).decode()


class Oracle:
    """Answers as the oracle would, as messages, as tokens, and over HTTP."""

    def __init__(self, task):
        self.task, self.said, self.model = task, (), None

    @property
    def num_asked(self):
        return len(self.said)

    async def say(self):
        if self.model is None:
            self.model = bind(await open_model("oracle"), self.task)
        prompt = Prompt(messages=self.said, tools=(BASH.spec, SUBMIT.spec))
        message = (await self.model.complete(prompt, Sampling())).message
        self.said = (*self.said, message)
        return message

    async def tokens(self):
        from journeyman.templates import get_template

        text = get_template("hermes").render_turn(await self.say())
        return Words().encode(text + Words.eos_token)

    async def chat(self, request):
        assert request.headers["Authorization"].startswith("Bearer ")
        self.asked = await request.json()
        prompt = Prompt(messages=(await self.say(),))
        message = request_body(prompt, Sampling(), model="")["messages"][0]
        for number, call in enumerate(message.get("tool_calls", ())):
            call["id"] = call["id"] or f"call_{self.num_asked}_{number}"
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        about = {"id": "x", "object": "chat.completion", "created": 1, "model": "policy"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return web.json_response({**about, "choices": [choice], "usage": usage})


@asynccontextmanager
async def serving(oracle):
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/v1/chat/completions", oracle.chat)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@pytest.fixture
def task(taskset):
    return taskset.tasks[0]


def is_whole(prompt_ids, response_ids, is_drawn, drawn):
    """Whether what was drawn stands in a response token for token, and the rest is the template's."""
    kept = [token for token, counts in zip(response_ids, is_drawn, strict=True) if counts]
    shown = [token for token, counts in zip(response_ids, is_drawn, strict=True) if not counts]
    assert Words().decode(prompt_ids).startswith("<|im_start|>system\n")
    return kept == [
        token for part in drawn for token in part
    ] and "tool_response" in Words().decode(shown)


async def test_what_a_trainers_server_drew_stays_the_tokens_that_it_was(taskset, task):
    oracle, drawn = Oracle(task), []

    async def draw(prompt, sampling):
        drawn.append(await oracle.tokens())
        return Drawn(tuple(drawn[-1]), tuple(-0.5 for _ in drawn[-1]))

    config = RolloutConfig(taskset=taskset.folder, scaffold="bash")
    rollout, sequence = await play_tokens(
        taskset, task.instance_id, config, TokenPlayer(Words(), draw)
    )
    assert rollout.reward.value == 1.0
    assert rollout.ending is Ending.SUBMITTED
    assert len(drawn) == rollout.num_turns > 1
    assert is_whole(sequence.prompt_ids, sequence.response_ids, sequence.is_drawn, drawn)
    assert [it == -0.5 for it in sequence.logprobs] == [bool(it) for it in sequence.is_drawn]
    assert len(sequence.cut(7).response_ids) == len(sequence.cut(7).logprobs) == 7


async def test_a_machine_that_fails_gives_no_reward(taskset, task):
    num_asked = 0

    async def draw(prompt, sampling):
        nonlocal num_asked
        num_asked += 1
        raise OSError("the server is gone")

    config = RolloutConfig(taskset=taskset.folder, scaffold="bash")
    with pytest.raises(RuntimeError, match="was not graded"):
        await play_tokens(
            taskset, task.instance_id, config, TokenPlayer(Words(), draw), num_attempts=2
        )
    assert num_asked == 2


def test_a_rewritten_past_is_no_single_sequence():
    from journeyman.errors import JourneymanError
    from journeyman.types import Completion

    turn = Turn(completion=Completion(token_ids=(1,)), message=Message(role="assistant"))
    again = turn.model_copy(update={"prompt_tokens_are_rewritten": True})
    trajectory = Trajectory(scaffold="bash", model="m", template="t", turns=(turn, again))
    with pytest.raises(JourneymanError, match="made 2 sequences"):
        sequence_of(trajectory)


def test_several_turns_in_verifiers_0_1(taskset, task):
    vf = pytest.importorskip("verifiers", reason="verifiers is not installed")
    if not hasattr(vf, "MultiTurnEnv"):
        pytest.skip("this verifiers is no 0.1")
    import asyncio

    from verifiers.types import ClientConfig

    from journeyman.train.interop.verifiers_environment import load_environment

    environment = load_environment(taskset=str(taskset.folder), scaffold="bash")
    assert isinstance(environment, vf.MultiTurnEnv)

    async def evaluate():
        oracle = Oracle(task)
        async with serving(oracle) as url:
            client = ClientConfig(api_base_url=url, api_key_var="NO_KEY_NEEDED")
            rows = environment.get_dataset()
            row = next(it for it in rows if it["info"]["instance_id"] == task.instance_id)
            outputs = await environment.generate([row], client=client, model="policy")
        return oracle, outputs["outputs"][0]

    oracle, output = asyncio.run(evaluate())
    assert output.get("error") is None
    assert output["reward"] == 1.0
    assert oracle.num_asked > 1
    roles = [it["role"] for it in output["completion"]]
    assert roles[-1] == "assistant"
    assert roles[:3] == ["assistant", "tool", "assistant"]
    assert [it["function"]["name"] for it in oracle.asked["tools"]] == ["bash", "submit"]


async def test_a_taskset_and_a_harness_in_verifiers_0_4(taskset, task, monkeypatch):
    vf = pytest.importorskip("verifiers.v1", reason="no verifiers 0.4 is installed")
    import journeyman_verifiers

    assert len(journeyman_verifiers.__all__) == 2
    monkeypatch.setenv("POLICY_KEY", "k")
    settings = {
        "taskset": {"id": "journeyman_verifiers", "folder": str(taskset.folder)},
        "agent": {
            "harness": {"id": "journeyman_verifiers", "scaffold": "bash"},
            # The package's own sandbox, which stays empty.
            "runtime": {"type": "subprocess"},
        },
    }
    environment = vf.load_environment(vf.resolve_env_config(settings))
    (chosen,) = environment.taskset.include(ids=[task.instance_id])
    oracle = Oracle(task)
    async with serving(oracle) as url, environment.serving():
        client = vf.EvalClientConfig(base_url=url, api_key_var="POLICY_KEY")
        context = vf.ModelContext(model="policy", client=client)
        episode = await environment.run_slot(environment.slots(chosen)[0], context)
    (trace,) = episode.traces
    assert episode.ok, [it.message for it in (*episode.errors, *trace.errors)]
    assert trace.reward == 1.0
    assert trace.metrics["is_resolved"] == 1.0
    assert trace.num_turns == oracle.num_asked > 1


async def test_a_generator_of_skyrl(taskset, task):
    base = pytest.importorskip("skyrl.train.generators.base", reason="skyrl is not installed")
    from journeyman.train.interop.skyrl_generator import JourneymanGenerator

    oracle, drawn = Oracle(task), []

    class Client:
        async def generate(self, input_batch, model=None):
            assert input_batch["sampling_params"]["stop_token_ids"] == [256]
            assert input_batch["sampling_params"]["temperature"] == 0.7
            drawn.append(await oracle.tokens())
            logprobs = [[-1.0] * len(drawn[-1])]
            return {
                "responses": [""],
                "response_ids": [drawn[-1]],
                "stop_reasons": ["stop"],
                "response_logprobs": logprobs,
            }

    config = RolloutConfig(taskset=taskset.folder, scaffold="bash")
    generator = JourneymanGenerator(Client(), Words(), config, num_tokens=100_000)
    assert isinstance(generator, base.GeneratorInterface)
    name = base.TrajectoryID(task.instance_id, 0)
    output = await generator.generate(
        {
            "prompts": [[]],
            "env_classes": ["journeyman"],
            "env_extras": [{"instance_id": task.instance_id}],
            "sampling_params": {"temperature": 0.7},
            "trajectory_ids": [name],
            "batch_metadata": base.BatchMetadata(1, "train"),
        }
    )
    assert output["rewards"] == [1.0]
    assert output["stop_reasons"] == ["stop"]
    assert output["trajectory_ids"] == [name]
    (prompt,), (response,), (mask,) = (
        output[key] for key in ("prompt_token_ids", "response_ids", "loss_masks")
    )
    assert is_whole(prompt, response, mask, drawn)
    assert len(output["rollout_logprobs"][0]) == len(response)
    assert set(output) <= set(base.GeneratorOutput.__annotations__)
    utils = pytest.importorskip("skyrl.train.utils.trainer_utils")
    utils.validate_generator_output(1, output)


async def test_an_agent_loop_of_verl(taskset, task, monkeypatch):
    loops = pytest.importorskip(
        "verl.experimental.agent_loop.agent_loop", reason="verl is not installed"
    )
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    from verl.workers.rollout.replica import TokenOutput

    from journeyman.tasks import load_taskset
    from journeyman.train.interop.verl_agent_loop import verl_rows

    oracle, drawn = Oracle(task), []

    class Server:
        async def generate(self, request_id, *, prompt_ids, sampling_params, **_):
            assert sampling_params["stop_token_ids"] == [256]
            assert sampling_params["temperature"] == 0.7
            drawn.append(await oracle.tokens())
            return TokenOutput(token_ids=drawn[-1], log_probs=[-1.0] * len(drawn[-1]))

    lengths = {"prompt_length": 8192, "response_length": 60000}
    config = OmegaConf.create({"actor_rollout_ref": {"rollout": lengths}, "data": {}})
    monkeypatch.setattr(loops, "create_continuous_token_builder", lambda *_, **__: None)
    loop = instantiate(
        {
            "_target_": "journeyman.train.interop.verl_agent_loop.JourneymanAgentLoop",
            "taskset": str(taskset.folder),
        },
        trainer_config=loops.DictConfigWrap(config),
        server_manager=Server(),
        tokenizer=Words(),
        processor=None,
        dataset_cls=loops.RLHFDataset,
        data_config=loops.DictConfigWrap(config.data),
        tools=loops.ToolListWrap([]),
    )
    assert isinstance(loop, loops.AgentLoopBase)
    row = verl_rows(load_taskset(taskset.folder))[0]
    assert json.loads(json.dumps(row))["agent_name"] == "journeyman"
    output = await loop.run({"temperature": 0.7, "logprobs": True}, **row, raw_prompt=row["prompt"])
    assert isinstance(output, loops.AgentLoopOutput)
    assert output.reward_score == 1.0
    assert output.extra_fields["ending"] == "submitted"
    assert is_whole(output.prompt_ids, output.response_ids, output.response_mask, drawn)
    made = output.as_dict()
    assert float(made["rm_scores"].sum()) == 1.0
    assert made["rollout_log_probs"].shape == made["responses"].shape
