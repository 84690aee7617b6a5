"""Scaffold `terminal`: what is read out of answers, and what a real tmux does with it."""

import asyncio
import json
import shutil

import pytest

from journeyman.guard import Subject, make_guard
from journeyman.models import KnowingModel, ScriptedModel
from journeyman.sandbox import SandboxSpec, opened
from journeyman.scaffolds import ModelSession, SessionLimits, get_scaffold
from journeyman.scaffolds.terminal.answers import Keystrokes, read_json, read_xml
from journeyman.scaffolds.terminal.screen import Terminal
from journeyman.types import Ending, Message, TaskView

VIEW = TaskView(
    instance_id="one", repo="acme/labels", base_commit="", problem_statement="It is broken."
)
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def answer(*keys: str, is_done: bool = False, duration: float = 0.3) -> Message:
    commands = [{"keystrokes": it, "duration": duration} for it in keys]
    said = {"analysis": "", "plan": "", "commands": commands, "task_complete": is_done}
    return Message(role="assistant", content=json.dumps(said))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("I am done.", "no JSON object"),
        ('{"analysis": "", "plan": "", "commands": [', "not valid"),
        ('{"analysis": "", "plan": ""}', "`commands` is missing"),
        ('{"analysis": "", "plan": "", "commands": "ls"}', "not a list"),
        ('{"analysis": "", "plan": "", "commands": [{"keys": "ls"}]}', "command 1 has no text"),
        ('{"analysis": "", "plan": "", "commands": ["ls"]}', "command 1 has no text"),
    ],
)
def test_what_is_no_answer_in_json_is_told(text, error):
    found = read_json(text)
    assert error in found.error
    assert not found.commands


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("I am done.", "no <response>"),
        ("<response><analysis></analysis></response>", "<commands> is missing"),
        ("<response><commands><keystrokes>ls</commands></response>", "never closed"),
        ("<response><commands><keystrokes wait='1'>l</keystrokes></commands></response>", "attrib"),
    ],
)
def test_what_is_no_answer_in_xml_is_told(text, error):
    assert error in read_xml(text).error


def test_blemishes_are_warnings():
    text = (
        'Well: {"commands": [{"keystrokes": "cd a", "duration": 999}, {"keystrokes": "ls\\n"}]} So.'
    )
    found = read_json(text)
    assert found.commands == (Keystrokes("cd a", 60.0), Keystrokes("ls\n"))
    assert len(found.warnings) == 6
    found = read_xml(
        '<response><commands><keystrokes duration="x">a &amp;&amp; b\n</keystrokes>'
        "</commands><task_complete>true</task_complete>"
    )
    assert found.commands == (Keystrokes("a && b\n"),)
    assert found.is_complete
    assert len(found.warnings) == 4


@needs_tmux
@pytest.mark.sandbox
async def test_keys_are_typed_and_pressed(tmp_path):
    async with opened(SandboxSpec(workspace_layers=(tmp_path,))) as sandbox:
        terminal = await Terminal.start(sandbox)
        await terminal.type("echo \"it's\" $((6*7)) '✓' > out.txt; cat\n")
        await asyncio.sleep(0.5)
        await terminal.type("C-c")
        await asyncio.sleep(1)  # a shell that does not read yet is sent no long lines
        await terminal.type("echo C-c Up >> out.txt; " + "x=1; " * 3000 + "echo end >> out.txt\n")
        for _ in range(100):
            await asyncio.sleep(0.1)
            text = (await sandbox.execute("cat out.txt", timeout_s=5)).stdout.decode()
            if text.endswith("end\n"):
                break
        assert text == "it's 42 ✓\nC-c Up\nend\n"


def make_session(model, **limits):
    return ModelSession(
        model,
        limits=SessionLimits(**limits),
        guard=make_guard("rules", Subject("acme/labels")),
    )


@needs_tmux
@pytest.mark.sandbox
async def test_done_must_be_said_twice_and_refusals_are_shown(tmp_path):
    script = [
        Message(role="assistant", content="Let me see."),
        answer("echo one\n"),
        answer("git clone https://github.com/acme/labels\n", "echo never\n"),
        answer("exit\n", is_done=True),
        answer("echo two\n"),
        answer(is_done=True),
        answer(is_done=True),
    ]
    session = make_session(ScriptedModel("script", script))
    async with opened(SandboxSpec(workspace_layers=(tmp_path,))) as sandbox:
        ending = await get_scaffold("terminal").run(VIEW, sandbox, session)
    assert ending is Ending.SUBMITTED
    turns = session.trajectory().turns
    told = [turn.observations[0].content for turn in turns[:-1]]
    assert "could not be read" in told[0]
    assert "one" in told[1]
    assert "Not allowed" in told[2]
    assert "never" not in told[2].partition("The terminal")[2] + told[3]
    assert "say `task_complete` once more" in told[3]
    assert "this is a new one" in told[3] + told[4]
    assert [bool(turn.guard_decisions) for turn in turns] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]


@needs_tmux
@pytest.mark.sandbox
@pytest.mark.parametrize("scaffold", ["terminal", "terminal-xml"])
async def test_the_oracle_drives_both_variants(tmp_path, scaffold):
    patch = '--- /dev/null\n+++ b/made.txt\n@@ -0,0 +1 @@\n+it\'s <made> & "kept"\n'
    async with opened(SandboxSpec(workspace_layers=(tmp_path,))) as sandbox:
        session = make_session(KnowingModel("oracle", patch))
        ending = await get_scaffold(scaffold).run(VIEW, sandbox, session)
        made = await sandbox.read("/testbed/made.txt")
    assert ending is Ending.SUBMITTED
    assert made == b'it\'s <made> & "kept"\n'


@needs_tmux
@pytest.mark.sandbox
async def test_answers_that_cannot_be_read_end_it(tmp_path):
    script = [Message(role="assistant", content="Let me see.")] * 5
    session = make_session(ScriptedModel("script", script), num_format_errors=3)
    async with opened(SandboxSpec(workspace_layers=(tmp_path,))) as sandbox:
        assert await get_scaffold("terminal").run(VIEW, sandbox, session) is Ending.FORMAT_LIMIT
    assert len(session.trajectory().turns) == 3
