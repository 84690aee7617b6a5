"""The editor scaffold in real sandboxes: every command, every refusal, exact files."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from journeyman.models import ScriptedModel, bind, open_model
from journeyman.sandbox import Sandbox, SandboxSpec, opened
from journeyman.scaffolds import ModelSession, capture_patch, get_scaffold, list_scaffolds
from journeyman.types import (
    Ending,
    Message,
    Origin,
    Task,
    TaskView,
    ToolCall,
    Trajectory,
    VerifierSpec,
)

pytestmark = pytest.mark.sandbox

VIEW = TaskView(
    instance_id="one", repo="owner/name", base_commit="", problem_statement="It is broken."
)
FILE = "/testbed/a.py"
SOURCE = "def f(x):\n    return x + 1\n\n\ndef g(x):\n    return x + 1\n"


def call(name: str, **arguments: Any) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(name=name, arguments=arguments, id="c"),))


def edit(command: str, path: str = FILE, **arguments: Any) -> Message:
    return call("str_replace_editor", command=command, path=path, **arguments)


def bash(command: str) -> Message:
    return call("bash", command=command)


SUBMIT = call("submit")


@asynccontextmanager
async def opened_repository(folder: Path) -> AsyncIterator[Sandbox]:
    if not (folder / "a.py").exists():
        (folder / "a.py").write_text(SOURCE)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "base", "--allow-empty"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)  # noqa: ASYNC221
    async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
        yield sandbox


async def answers(folder: Path, *script: Message) -> tuple[list[str], bytes]:
    """What each call was answered, and what `a.py` holds in the end."""
    session = ModelSession(ScriptedModel("scripted", (*script, SUBMIT)), scaffold="editor")
    async with opened_repository(folder) as sandbox:
        assert await get_scaffold("editor").run(VIEW, sandbox, session) == Ending.SUBMITTED
        data = await sandbox.read(FILE)
    turns = session.trajectory().turns
    Trajectory.model_validate_json(session.trajectory().model_dump_json())
    return [turn.observations[0].content for turn in turns[:-1]], data


async def test_a_file_is_viewed_with_line_numbers(tmp_path: Path) -> None:
    (whole, part, rest), _ = await answers(
        tmp_path,
        edit("view"),
        edit("view", view_range=[2, 2]),
        edit("view", view_range=[5, -1]),
    )
    assert whole.startswith(f"{FILE}:\n     1\tdef f(x):\n     2\t    return x + 1\n     3\t\n")
    assert part == f"{FILE}:\n     2\t    return x + 1"
    assert rest == f"{FILE}:\n     5\tdef g(x):\n     6\t    return x + 1"


async def test_a_directory_is_listed_two_levels_deep(tmp_path: Path) -> None:
    (listed, empty), _ = await answers(
        tmp_path,
        edit("view", "/testbed"),
        edit("view", "/tmp"),
    )
    assert listed.splitlines()[1:] == ["a.py"]
    assert empty.endswith("[nothing]")
    (_, listed), _ = await answers(
        tmp_path,
        bash("mkdir -p d/e/f .h; touch d/x d/e/y d/e/f/z .h/i"),
        edit("view", "/testbed/"),
    )
    assert listed.splitlines()[1:] == ["a.py", "d/", "d/e/", "d/x"]


async def test_a_long_file_is_cut_at_a_line_and_says_how_to_go_on(tmp_path: Path) -> None:
    (_, long, wide), _ = await answers(
        tmp_path,
        bash("seq 5000 > n; head -c 9000 /dev/zero | tr '\\0' x > w"),
        edit("view", "/testbed/n"),
        edit("view", "/testbed/w"),
    )
    assert len(long) < 16_500
    shown, note = long.rsplit("\n", 1)
    number = int(shown.rsplit("\t", 1)[1])
    assert note == f"[… cut here; the file has 5000 lines: view_range [{number + 1}, -1]]"
    assert wide.endswith("x [… 8000 more characters]")


async def test_a_passage_is_replaced_and_shown(tmp_path: Path) -> None:
    (said,), data = await answers(
        tmp_path, edit("str_replace", old_str="def g(x):\n    return x + 1", new_str="g = f")
    )
    assert data == b"def f(x):\n    return x + 1\n\n\ng = f\n"
    assert said.startswith(f"Changed {FILE}. It now reads:\n     1\tdef f(x):")
    assert said.endswith("     5\tg = f")


async def test_lines_are_inserted_anywhere(tmp_path: Path) -> None:
    _, data = await answers(
        tmp_path,
        edit("insert", insert_line=0, new_str="import os"),
        edit("insert", insert_line=7, new_str="# end\n"),
        edit("str_replace", old_str="# end\n", new_str="# end"),
        edit("insert", insert_line=8, new_str="# more"),
    )
    assert data.decode() == f"import os\n{SOURCE}# end\n# more\n"


async def test_edits_are_undone_one_by_one(tmp_path: Path) -> None:
    (_, _, first, second, third, made, gone, ls), data = await answers(
        tmp_path,
        edit("insert", insert_line=0, new_str="# 1"),
        edit("insert", insert_line=0, new_str="# 2"),
        edit("undo_edit", "/testbed/./a.py"),
        edit("undo_edit"),
        edit("undo_edit"),
        edit("create", "/testbed/new/b.py", file_text="x = 1\n"),
        edit("undo_edit", "/testbed/new/b.py"),
        bash("ls new"),
    )
    assert data.decode() == SOURCE
    assert first == second == f"Undid the last edit of {FILE}."
    assert "no edit of /testbed/a.py to undo" in third
    assert made == "Created /testbed/new/b.py with 1 lines."
    assert gone == "Removed /testbed/new/b.py again."
    assert ls == "[exit code: 0, no output]"


async def test_an_undo_never_loses_what_something_else_wrote(tmp_path: Path) -> None:
    (_, _, said), data = await answers(
        tmp_path,
        edit("insert", insert_line=0, new_str="# 1"),
        bash("echo '# by bash' >> a.py"),
        edit("undo_edit"),
    )
    assert "changed by something else" in said
    assert data.decode() == f"# 1\n{SOURCE}# by bash\n"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (edit("view", "a.py"), "'a.py' is not absolute; did you mean /testbed/a.py?"),
        (edit("view", "/testbed/none"), "/testbed/none does not exist"),
        (edit("view", view_range=[3]), "must be two line numbers"),
        (edit("view", view_range=[0, 2]), "there are lines 1 to 6"),
        (edit("view", view_range=[5, 2]), "there are lines 1 to 6"),
        (edit("view", view_range=[7, -1]), "there are lines 1 to 6"),
        (edit("view", "/testbed", view_range=[1, 2]), "is a directory"),
        (edit("create", file_text="x"), "exists already"),
        (edit("create", "/testbed/b"), "`create` needs the argument `file_text`"),
        (edit("create", "/etc/hosts2", file_text="x"), "Read-only file system"),
        (edit("create", "/testbed/a.py/b", file_text="x"), "Error: "),
        (edit("str_replace", new_str="x"), "needs the argument `old_str`"),
        (edit("str_replace", old_str="", new_str="x"), "`old_str` is empty"),
        (edit("str_replace", old_str="f", new_str="f"), "are the same"),
        (edit("str_replace", old_str="x + 1", new_str="x"), "occurs 2 times in /testbed/a.py, at"),
        (edit("str_replace", "/testbed", old_str="x"), "is a directory; only `view` works on it"),
        (edit("str_replace", "/dev/null", old_str="x"), "is a character special file, not a file"),
        (edit("insert", insert_line=7, new_str="x"), "has 6 lines: give 0 to 6"),
        (edit("insert", insert_line=-1, new_str="x"), "has 6 lines: give 0 to 6"),
        (edit("insert", insert_line=1), "`insert` needs the argument `new_str`"),
        (edit("delete"), "must be one of: view, create"),
        (edit("view", "/testbed/\x00"), "null character"),
        (bash("echo \x00"), "null character"),
    ],
)
async def test_what_cannot_be_done_is_explained(
    tmp_path: Path, message: Message, expected: str
) -> None:
    (said,), data = await answers(tmp_path, message)
    assert expected in said
    assert "\n" not in said or len(said) < 600
    assert data.decode() == SOURCE


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (
            "def f(x):\n  return x + 1",
            "other white space stands here:\n     1\tdef f(x):\n     2\t",
        ),
        ("def ff(x):", "The nearest line is:\n     1\tdef f(x):"),
        ("     1\tdef f(x):", "Leave out the line numbers"),
        ("class Something:", "No line of the file is like it."),
    ],
)
async def test_a_passage_that_is_not_there_gets_a_hint(
    tmp_path: Path, old: str, expected: str
) -> None:
    (said,), _ = await answers(tmp_path, edit("str_replace", old_str=old, new_str=""))
    assert said.startswith(f"Error: `old_str` does not occur in {FILE}. ")
    assert expected in said


async def test_bytes_that_are_no_text_and_line_ends_survive(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"caf\xe9 = 1\r\nb = 2\r\n\x0cc\r\n")
    (view, _, _), data = await answers(
        tmp_path,
        edit("view"),
        edit("str_replace", old_str="b = 2\n", new_str="b = 3\nbb = 4\n"),
        edit("insert", insert_line=1, new_str="new"),
    )
    assert "caf\ufffd = 1" in view
    assert data == b"caf\xe9 = 1\r\nnew\r\nb = 3\r\nbb = 4\r\n\x0cc\r\n"


async def test_large_and_binary_files_are_left_to_bash(tmp_path: Path) -> None:
    (_, large, binary, pipe), _ = await answers(
        tmp_path,
        bash("truncate -s 5M big; printf 'a\\0b' > bin; mkfifo pipe"),
        edit("view", "/testbed/big"),
        edit("view", "/testbed/bin"),
        edit("str_replace", "/testbed/pipe", old_str="x"),
    )
    assert "5,242,880 bytes, too many" in large
    assert "is a binary file" in binary
    assert "is a fifo" in pipe


async def test_half_a_character_reaches_neither_file_nor_record(tmp_path: Path) -> None:
    (said, shown), data = await answers(
        tmp_path, edit("insert", insert_line=0, new_str="# \ud83d"), edit("view", "/x\ud83d")
    )
    assert said.startswith("Changed")
    assert data.decode().startswith("# \ufffd\n")
    assert "does not exist" in shown


async def test_conversations_do_not_share_an_editor(tmp_path: Path) -> None:
    scaffold = get_scaffold("editor")
    seen = []
    for script in ([edit("insert", insert_line=0, new_str="# 1")], [edit("undo_edit")]):
        session = ModelSession(ScriptedModel("s", [*script, SUBMIT]), scaffold="editor")
        async with opened_repository(tmp_path) as sandbox:
            await scaffold.run(VIEW, sandbox, session)
        seen.append(session.trajectory().turns[0].observations[0].content)
    assert "no edit" in seen[1]


@pytest.mark.parametrize("name", ["bash", "editor"])
async def test_oracle_and_noop_work_with_every_scaffold(tmp_path: Path, name: str) -> None:
    patch = (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
        "@@ -1,2 +1,2 @@\n-def f(x):\n+def f(y):\n     return x + 1\n"
    )
    task = Task(
        **VIEW.model_dump(exclude={"workspace"}),
        patch=patch,
        FAIL_TO_PASS=("t.py::test",),
        verifier=VerifierSpec(command="true"),
        origin=Origin(road="mutate"),
    )
    patches = {}
    for spec in ("oracle", "noop"):
        session = ModelSession(bind(await open_model(spec), task), scaffold=name)
        async with opened_repository(tmp_path) as sandbox:
            assert await get_scaffold(name).run(VIEW, sandbox, session) == Ending.SUBMITTED
            patches[spec] = await capture_patch(sandbox)
    assert "-def f(x):\n+def f(y):" in patches["oracle"]
    assert patches["noop"] == ""
    assert name in list_scaffolds()
