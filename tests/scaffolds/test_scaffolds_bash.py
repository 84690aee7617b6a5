"""The bash scaffold, its session and its limits, in real sandboxes."""

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models import ScriptedModel
from journeyman.sandbox import Sandbox, SandboxSpec, opened
from journeyman.scaffolds import ModelSession, SessionLimits, get_scaffold
from journeyman.types import Completion, Ending, Message, Prompt, Sampling, TaskView, ToolCall, Turn

pytestmark = pytest.mark.sandbox

VIEW = TaskView(
    instance_id="one", repo="owner/name", base_commit="", problem_statement="It is broken."
)


def call(name: str, **arguments: Any) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(name=name, arguments=arguments, id="c"),))


def bash(command: str, **arguments: Any) -> Message:
    return call("bash", command=command, **arguments)


SUBMIT = call("submit")


@asynccontextmanager
async def opened_repository(folder: Path) -> AsyncIterator[Sandbox]:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # noqa: ASYNC221
    (folder / "a.txt").write_text("a\n")
    async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
        yield sandbox


async def run(
    folder: Path, *script: Message, on_turn: Callable[[Turn], None] | None = None, **limits: Any
) -> tuple[Ending, ModelSession]:
    session = ModelSession(
        ScriptedModel("scripted", script),
        limits=SessionLimits(**limits),
        scaffold="bash",
        on_turn=on_turn,
    )
    async with opened_repository(folder) as sandbox:
        return await get_scaffold("bash").run(VIEW, sandbox, session), session


def said(session: ModelSession, turn: int) -> list[str]:
    return [message.content for message in session.trajectory().turns[turn].observations]


async def test_a_conversation_is_kept_whole(tmp_path: Path) -> None:
    seen: list[Turn] = []
    ending, session = await run(
        tmp_path, bash("cat a.txt; echo b >&2; exit 3"), SUBMIT, on_turn=seen.append
    )
    trajectory = session.trajectory()
    assert ending == Ending.SUBMITTED
    assert said(session, 0) == ["a\nb\n[exit code: 3]"]
    assert [message.role for message in trajectory.turns[0].prompt_messages] == ["system", "user"]
    assert "It is broken." in trajectory.turns[0].prompt_messages[1].content
    assert trajectory.turns[1].prompt_messages == ()
    assert list(trajectory.turns) == seen
    assert [tool.name for tool in trajectory.tools] == ["bash", "submit"]


async def test_calls_of_one_turn_run_in_order_and_stop_at_submit(tmp_path: Path) -> None:
    calls = [
        ToolCall(name="bash", arguments={"command": "echo 1 > n"}, id="x"),
        ToolCall(name="bash", arguments={"command": "cat n"}, id="y"),
        ToolCall(name="submit", id="z"),
        ToolCall(name="bash", arguments={"command": "echo never"}, id="w"),
    ]
    ending, session = await run(tmp_path, Message(role="assistant", tool_calls=tuple(calls)))
    observations = session.trajectory().turns[0].observations
    assert ending == Ending.SUBMITTED
    assert [message.tool_call_id for message in observations] == ["x", "y", "z"]
    assert observations[1].content == "1\n[exit code: 0]"


async def test_each_command_is_a_fresh_shell(tmp_path: Path) -> None:
    _, session = await run(tmp_path, bash("cd /tmp; X=1"), bash("pwd; echo [$X]"), SUBMIT)
    assert said(session, 1) == ["/testbed\n[]\n[exit code: 0]"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (call("basj", command="ls"), "The tools are: bash, submit"),
        (call("bash"), "'command' is missing"),
        (call("bash", command=["ls"]), "must be of type string, not list"),
        (call("bash", command="ls", timeout_s=True), "must be of type integer, not bool"),
        (
            call("bash", command="ls", cwd="/"),
            "argument 'cwd' is unknown (known: command, timeout_s)",
        ),
    ],
)
async def test_a_bad_call_is_explained(tmp_path: Path, message: Message, expected: str) -> None:
    ending, session = await run(tmp_path, message, SUBMIT)
    assert ending == Ending.SUBMITTED
    assert expected in said(session, 0)[0]


async def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    _, session = await run(tmp_path, bash("echo start; sleep 60", timeout_s=1), SUBMIT)
    assert said(session, 0) == ["start\n[timed out after 1 s and was ended]"]


async def test_long_output_is_shortened(tmp_path: Path) -> None:
    _, session = await run(tmp_path, bash("seq 100000"), SUBMIT)
    text = said(session, 0)[0]
    assert len(text) < 17_000
    assert text.startswith("1\n2\n")
    assert "99999\n100000\n[exit code: 0]" in text
    assert "characters left out" in text


async def test_turns_without_a_call_are_reminded_then_counted(tmp_path: Path) -> None:
    talk = Message(role="assistant", content="hm")
    ending, session = await run(tmp_path, talk, talk, talk, talk, num_format_errors=2)
    assert ending == Ending.FORMAT_LIMIT
    assert len(session.trajectory().turns) == 3
    assert "called no tool" in said(session, 0)[0]


async def test_a_good_call_resets_the_count(tmp_path: Path) -> None:
    talk, good = Message(role="assistant", content="hm"), bash("true")
    script = [talk, talk, good, talk, good, talk, good, SUBMIT]
    ending, _ = await run(tmp_path, *script, num_format_errors=2)
    assert ending == Ending.SUBMITTED


async def test_the_turn_limit_ends(tmp_path: Path) -> None:
    ending, session = await run(tmp_path, *[bash("true")] * 9, num_turns=3)
    assert ending == Ending.TURN_LIMIT
    assert len(session.trajectory().turns) == 3


async def test_the_time_limit_bounds_tools_and_ends(tmp_path: Path) -> None:
    ending, session = await run(tmp_path, bash("sleep 60"), SUBMIT, time_s=1.0)
    assert ending == Ending.TIME_LIMIT
    assert "timed out" in said(session, 0)[0]


class CountingModel:
    """A chat model of fixed usage: 100 tokens and a cent a call, cut off where it is told."""

    name = "counting"
    reads_text = False

    def __init__(self, finish_reason: Any = "stop") -> None:
        self.finish_reason = finish_reason
        self.seen: list[Sampling] = []

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        self.seen.append(sampling)
        return Completion(
            message=bash("echo ran"),
            finish_reason=self.finish_reason,
            num_prompt_tokens=100 * len(prompt.messages),
            num_completion_tokens=100,
            cost_usd=0.01,
        )

    async def close(self) -> None:
        pass


async def run_counting(
    folder: Path, model: CountingModel, **limits: Any
) -> tuple[Ending, ModelSession]:
    session = ModelSession(model, limits=SessionLimits(**limits), scaffold="bash")
    async with opened_repository(folder) as sandbox:
        return await get_scaffold("bash").run(VIEW, sandbox, session), session


async def test_the_token_limit_ends_and_lowers_max_tokens(tmp_path: Path) -> None:
    model = CountingModel()
    ending, session = await run_counting(tmp_path, model, num_tokens=250)
    assert ending == Ending.TOKEN_LIMIT
    assert [sampling.max_tokens for sampling in model.seen] == [250, 150, 50]
    assert session.num_completion_tokens == 300


async def test_the_cost_limit_ends(tmp_path: Path) -> None:
    ending, session = await run_counting(tmp_path, CountingModel(), cost_usd=0.015)
    assert ending == Ending.COST_LIMIT
    assert session.cost_usd == pytest.approx(0.02)


async def test_the_context_limit_ends(tmp_path: Path) -> None:
    ending, session = await run_counting(tmp_path, CountingModel(), context_tokens=500)
    assert ending == Ending.CONTEXT_OVERFLOW
    assert len(session.trajectory().turns) == 2


async def test_a_turn_that_was_cut_off_calls_nothing(tmp_path: Path) -> None:
    ending, session = await run_counting(tmp_path, CountingModel("length"), num_format_errors=2)
    turn = session.trajectory().turns[0]
    assert ending == Ending.FORMAT_LIMIT
    assert turn.message.tool_calls == ()
    assert [error.kind for error in turn.format_errors] == ["cut_off"]
    assert "cut off" in turn.observations[0].content


async def test_a_dead_sandbox_is_not_the_agents_doing(tmp_path: Path) -> None:
    session = ModelSession(ScriptedModel("scripted", [bash("true")]), scaffold="bash")
    async with opened_repository(tmp_path) as sandbox:
        await sandbox.close()
        with pytest.raises(AttributedError) as caught:
            await get_scaffold("bash").run(VIEW, sandbox, session)
    assert caught.value.cause == "sandbox_died"


def test_an_unknown_scaffold_names_the_nearest() -> None:
    with pytest.raises(JourneymanError, match="unknown scaffold bahs") as caught:
        get_scaffold("bahs")
    assert caught.value.hint == "did you mean bash?"
