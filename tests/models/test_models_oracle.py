"""The oracle: it finds its way with whatever tools an agent declares."""

import json

import pytest

from journeyman.errors import AttributedError
from journeyman.models import KnowingModel
from journeyman.models.hands import find_editor, find_ender, find_shell
from journeyman.models.oracle import instance_of
from journeyman.models.remedy import edit_blocks, hunks_of
from journeyman.types import Message, Prompt, Sampling, ToolSpec

PATCH = """\
diff --git a/a/b.py b/a/b.py
--- a/a/b.py
+++ b/a/b.py
@@ -1,3 +1,3 @@
 def f():
-\treturn "x"
+\treturn 'y'
 # end
"""


def tool(name: str, required: tuple[str, ...] = (), **properties: str) -> ToolSpec:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(required),
    }
    return ToolSpec(name=name, parameters=schema)


READ = tool("Read", ("file_path",), file_path="string", limit="integer")
EDIT = tool(
    "Edit",
    ("file_path", "old_string", "new_string"),
    file_path="string",
    old_string="string",
    new_string="string",
    replace_all="boolean",
)
BASH = tool("Bash", ("command",), command="string", timeout="number")
STDIN = tool("write_stdin", ("session_id",), session_id="string", chars="string")
# As str_replace_editor has it: a command that is none of a shell's.
EDITOR = tool(
    "str_replace_editor", command="string", path="string", old_str="string", new_str="string"
)


@pytest.mark.parametrize(
    ("tools", "name", "arguments"),
    [
        ([READ, EDIT, BASH], "Bash", {"command": "ls"}),
        ([STDIN, tool("exec_command", ("cmd",), cmd="string")], "exec_command", {"cmd": "ls"}),
        ([EDITOR, tool("bash", command="string")], "bash", {"command": "ls"}),
        ([tool("shell", ("command",), command="array")], "shell", {"command": ["bash", "-lc", "ls"]}),
        (
            [tool("run", ("command", "description", "is_background", "n"), command="string",
                  description="string", is_background="boolean", n="integer")],
            "run",
            {"command": "ls", "description": "apply the fix", "is_background": False, "n": 0},
        ),
    ],
)  # fmt: skip
def test_a_shell_is_found_by_its_schema(tools, name, arguments):
    call = find_shell(tools).call(command="ls")
    assert (call.name, call.arguments) == (name, arguments)


def test_an_editor_and_its_reader_are_found():
    editor = find_editor([BASH, READ, EDIT])
    assert editor.reader.call(path="/a").arguments == {"file_path": "/a"}
    assert find_editor([BASH, READ, EDITOR]) is None
    assert find_shell([READ, EDIT]) is None
    assert find_ender([BASH, tool("submit")]).call().name == "submit"


async def steps(model: KnowingModel, tools: list[ToolSpec], user: str = "go") -> list[Message]:
    messages = [Message(role="user", content=user)]
    while True:
        prompt = Prompt(messages=tuple(messages), tools=tuple(tools))
        answer = (await model.complete(prompt, Sampling())).message
        messages.append(answer)
        if not answer.tool_calls or len(messages) > 9:
            return messages[1:]


async def test_it_edits_checks_and_ends():
    model = KnowingModel("oracle", PATCH, prefers_editor=True, check="make test")
    said = await steps(model, [READ, EDIT, BASH])
    calls = [it.tool_calls[0] for it in said[:-1]]
    assert [call.name for call in calls] == ["Read", "Edit", "Bash"]
    assert calls[1].arguments["old_string"] == 'def f():\n\treturn "x"\n# end\n'
    assert said[-1].content == "The bug is fixed."


async def test_it_ends_as_the_agent_says():
    marker = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
    said = await steps(KnowingModel("oracle", PATCH), [BASH], f"End with `{marker}`")
    assert said[1].tool_calls[0].arguments["command"] == marker


async def test_without_a_way_to_apply_it_refuses():
    with pytest.raises(AttributedError, match="finds no shell among: Read"):
        await steps(KnowingModel("oracle", PATCH), [READ])


async def test_side_questions_are_answered():
    model = KnowingModel("oracle", PATCH)
    plain = Prompt(messages=(Message(role="user", content="Name this session."),))
    assert (await model.complete(plain, Sampling())).message.content == "Fix a bug"
    schema = {
        "type": "object",
        "properties": {"next": {"enum": ["user", "model"]}, "sure": {"type": "boolean"}},
        "required": ["next"],
    }
    answer = await model.complete(plain, Sampling(json_schema=schema))
    assert json.loads(answer.message.content) == {"next": "user"}
    assert instance_of({"anyOf": [{"type": "integer", "minimum": 3}]}) == 3


def test_a_patch_becomes_blocks():
    blocks = edit_blocks(PATCH)
    assert 'a/b.py\n```\n<<<<<<< SEARCH\ndef f():\n\treturn "x"\n# end\n=======\n' in blocks
    removed = PATCH.replace("+++ b/a/b.py", "+++ /dev/null")
    assert hunks_of(removed) is None
    assert hunks_of("no patch at all") == []
