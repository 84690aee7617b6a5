"""External agents: how a program's end is judged, and what real clients do through the gateway."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.gateway import SessionRecord, SpokenModel, check_fidelity
from journeyman.guard import Subject, make_guard
from journeyman.models import ContextOverflowError, ScriptedModel
from journeyman.sandbox import Sandbox, SandboxSpec, opened
from journeyman.scaffolds import ModelSession, SessionLimits, get_scaffold, list_scaffolds
from journeyman.scaffolds.agents.agent import Agent, Launch, NodePackage
from journeyman.scaffolds.agents.catalogue import AGENTS, find_agent
from journeyman.scaffolds.agents.external import ExternalAgent
from journeyman.scaffolds.agents.layers import agent_mounts
from journeyman.scaffolds.agents.trial import try_agent
from journeyman.templates import get_template, list_templates
from journeyman.types import Completion, Ending, Message, Prompt, Sampling, TaskView, ToolCall

VIEW = TaskView(
    instance_id="one", repo="acme/labels", base_commit="", problem_statement="It is broken."
)
# A client of a few lines: it calls the model so many times, and says what it was answered.
CLIENT = """
import json, sys, urllib.request
url, key, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(times):
    body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}]}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
        {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
"""


def program(command: str) -> Agent:
    """An agent whose command may say `CALL n` to call its model n times."""

    def launch(place, endpoint):
        call = f"/usr/bin/python3 /tmp/client.py {endpoint.url} {endpoint.key}"
        return Launch(command.replace("CALL", call), files={"/tmp/client.py": CLIENT})

    return Agent("little", "1", NodePackage("none"), "openai_chat", launch)


class Failing:
    """A model that raises."""

    name = "failing"
    reads_text = False

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        raise self.error

    async def close(self) -> None:
        """Nothing to release."""


def make_session(model=None, **limits) -> ModelSession:
    script = ScriptedModel("script", [Message(role="assistant", content="Hello.")])
    return ModelSession(
        model or SpokenModel(script, get_template("hermes")),
        template=get_template("hermes"),
        limits=SessionLimits(**limits),
        guard=make_guard("rules", Subject("acme/labels")),
    )


async def run(folder: Path, command: str, session: ModelSession) -> Ending:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # noqa: ASYNC221
    async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
        return await ExternalAgent(program(command)).run(VIEW, sandbox, session)


@pytest.mark.sandbox
async def test_a_program_that_ends_has_submitted(tmp_path):
    session = make_session()
    assert await run(tmp_path, "CALL 2", session) is Ending.SUBMITTED
    assert session.files["agent.log"] == b"Hello.\nHello.\n"
    record = SessionRecord.model_validate_json(session.files["session.json"])
    fidelity = check_fidelity(record)
    assert (fidelity.num_checked, fidelity.breaches) == (2, ())
    branches = session.trajectories()
    assert [len(branch.turns) for branch in branches] == [1, 1]
    assert all(it.turns[0].completion.logprobs for it in branches)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("command", "limits", "ending"),
    [
        ("CALL 5", {"num_turns": 3}, Ending.TURN_LIMIT),
        ("CALL 50", {"num_tokens": 10}, Ending.TOKEN_LIMIT),
        ("CALL 1; sleep 100", {"time_s": 2}, Ending.TIME_LIMIT),
        ("CALL 5; exit 0", {"num_turns": 3}, Ending.TURN_LIMIT),
    ],
)
async def test_limits_are_endings(tmp_path, command, limits, ending):
    session = make_session(**limits)
    assert await run(tmp_path, command, session) is ending
    assert session.trajectories()[0].turns


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("command", "cause", "detail"),
    [
        ("CALL 1; echo broken >&2; exit 7", "scaffold_crashed", "ended with 7: Hello. broken"),
        ("CALL 1; kill -SEGV $$", "scaffold_crashed", "ended with 139"),
        ("CALL 1; sleep 100", "scaffold_stuck", "neither called its model nor ended"),
        ("sleep 100", "scaffold_silent", "never called its model"),
        ("echo nothing to do", "scaffold_silent", "nothing to do"),
        # One that ignores where its model is told to be finds no network.
        ("curl -sS https://models.invalid/v1/models", "scaffold_silent", "resolve host"),
        ("CALL 1 && curl -sS http://127.0.0.1:9/", "scaffold_crashed", "ended with 7"),
    ],
)
async def test_failures_of_a_program_have_causes(tmp_path, command, cause, detail):
    with pytest.raises(AttributedError, match=detail) as failure:
        await run(tmp_path, command, make_session(idle_s=3))
    assert failure.value.cause == cause


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (AttributedError("model_unreachable", "nobody listens"), "model_unreachable"),
        (AttributedError("model_timeout", "too slow"), "model_timeout"),
        (ZeroDivisionError("a bug of ours"), "unexpected"),
    ],
)
async def test_what_fails_behind_a_program_is_not_its_doing(tmp_path, error, cause):
    with pytest.raises(AttributedError) as failure:
        await run(tmp_path, "CALL 1", make_session(Failing(error)))
    assert failure.value.cause == cause


@pytest.mark.sandbox
async def test_a_prompt_that_does_not_fit_is_an_ending(tmp_path):
    session = make_session(Failing(ContextOverflowError("9 tokens > 8 maximum")))
    assert await run(tmp_path, "CALL 1", session) is Ending.CONTEXT_OVERFLOW


class Unreachable:
    """A sandbox, in which nobody serves the gateway's socket any more."""

    def __init__(self, inside: Sandbox) -> None:
        self.inside = inside
        self.execute, self.read, self.write = inside.execute, inside.read, inside.write
        self.close = inside.close

    async def listen(self, port: int = 0) -> socket.socket:
        listener = await self.inside.listen(port)
        kept = socket.create_server(("127.0.0.1", 0))
        self.gone = listener.getsockname()
        listener.close()
        return kept


@pytest.mark.sandbox
async def test_a_gateway_that_is_gone_is_told_from_a_program_that_is_silent(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: ASYNC221
    async with opened(SandboxSpec(workspace_layers=(tmp_path,))) as sandbox:
        gone = Unreachable(sandbox)
        with pytest.raises(AttributedError, match="cannot be reached") as failure:
            await ExternalAgent(program("CALL 1")).run(VIEW, gone, make_session())
    assert failure.value.cause == "sandbox_died"


def test_every_agent_is_a_scaffold():
    assert set(AGENTS) <= set(list_scaffolds())
    assert all(get_scaffold(name).name == name for name in AGENTS)
    assert find_agent("aider@0.85.0").version == "0.85.0"
    with pytest.raises(JourneymanError, match="no version"):
        find_agent("aider@; rm")
    with pytest.raises(JourneymanError, match="unknown scaffold") as error:
        get_scaffold("aidr")
    assert "aider" in error.value.hint


@pytest.mark.sandbox
@pytest.mark.network
async def test_a_version_that_is_not_there_cannot_be_installed():
    with pytest.raises(AttributedError, match=r"see .*log") as failure:
        await agent_mounts(AGENTS["qwen-code"].at("0.0.999"))
    assert failure.value.cause == "scaffold_unavailable"


@pytest.mark.clients
@pytest.mark.sandbox
@pytest.mark.network
@pytest.mark.parametrize("number", range(len(AGENTS)))
async def test_a_real_client_fixes_a_real_bug(number):
    """One cell a client; the template goes round. The whole matrix is `benchmarks/matrix.py`."""
    agent = sorted(AGENTS.values(), key=lambda it: it.name)[number]
    templates = list_templates()
    template = templates[(number * 4 + 3) % len(templates)]
    try:
        trial = await try_agent(agent, template)
    except AttributedError as error:
        if error.cause != "scaffold_unavailable":
            raise
        pytest.skip(f"cannot be installed here: {error.detail}")
    assert trial.is_green, (template, trial.problems)
    assert json.loads(trial.model_dump_json())["num_tokens"] > 100


@pytest.mark.clients
@pytest.mark.sandbox
@pytest.mark.network
async def test_a_real_client_never_sees_a_refused_call(tmp_path):
    script = [
        Message(
            role="assistant",
            content="I look upstream.",
            tool_calls=(shell("git clone https://github.com/acme/labels /tmp/up; touch cloned"),),
        ),
        Message(role="assistant", content="I write.", tool_calls=(shell("echo 1 > written"),)),
        Message(role="assistant", content="Done."),
    ]
    session = make_session(SpokenModel(ScriptedModel("script", script), get_template("hermes")))
    agent = ExternalAgent(AGENTS["codex"])
    try:
        mounts = await agent.mounts()
    except AttributedError as error:
        pytest.skip(f"cannot be installed here: {error.detail}")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: ASYNC221
    async with opened(SandboxSpec(workspace_layers=(tmp_path,), mounts=mounts)) as sandbox:
        assert await agent.run(VIEW, sandbox, session) is Ending.SUBMITTED
        left = (await sandbox.execute("ls", timeout_s=10)).stdout.split()
    assert left == [b"written"]
    assert b"upstream" not in session.files["agent.log"]
    (trajectory,) = session.trajectories()
    assert [turn.guard_decisions[0].is_allowed for turn in trajectory.turns[:2]] == [False, True]
    record = SessionRecord.model_validate_json(session.files["session.json"])
    assert not check_fidelity(record).breaches


def shell(command: str) -> ToolCall:
    return ToolCall(name="exec_command", arguments={"cmd": command})
