"""Scaffold `line` in real sandboxes: what is shown, what is changed, and what is no answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from journeyman.errors import AttributedError
from journeyman.models import ScriptedModel
from journeyman.sandbox import SandboxSpec, opened
from journeyman.scaffolds import ModelSession, get_scaffold
from journeyman.scaffolds.line import (
    Place,
    find_place,
    read_lines,
    read_words,
    shortest_change,
    show_lines,
    tell_place,
)
from journeyman.types import Ending, Message, TaskView, Trajectory

LINES = (
    "import os",
    "",
    "class A:",
    "    def f(self, x):",
    "        if x < 3:",
    "            return x",
    "",
)
SOURCE = "\r\n".join(LINES).encode()
PLACE = Place("pkg/a_b.py", 4, 6)


def view(hints: str) -> TaskView:
    return TaskView(
        instance_id="one", repo="owner/name", base_commit="", problem_statement="", hints_text=hints
    )


async def repaired(
    folder: Path, answer: str, scaffold: str = "line"
) -> tuple[Ending, bytes, Trajectory]:
    (folder / "pkg").mkdir()
    (folder / PLACE.path).write_bytes(SOURCE)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)  # noqa: ASYNC221
    script = (Message(role="assistant", content=answer),)
    session = ModelSession(ScriptedModel("scripted", script), scaffold=scaffold)
    async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
        ending = await get_scaffold(scaffold).run(view(tell_place(PLACE)), sandbox, session)
        return ending, await sandbox.read(f"/testbed/{PLACE.path}"), session.trajectory()


@pytest.mark.sandbox
async def test_one_answer_changes_its_line_and_nothing_else(tmp_path: Path) -> None:
    ending, data, trajectory = await repaired(tmp_path, "2 if x <= 3:")
    assert ending is Ending.SUBMITTED
    assert data == SOURCE.replace(b"x < 3", b"x <= 3")
    shown = trajectory.turns[0].prompt_messages[0].content
    assert shown == "1 def f(self, x):\n2     if x < 3:\n3         return x"


@pytest.mark.sandbox
async def test_words_of_a_line_are_changed(tmp_path: Path) -> None:
    ending, data, _ = await repaired(tmp_path, "2\n<\n<=", "words")
    assert ending is Ending.SUBMITTED
    assert data == SOURCE.replace(b"x < 3", b"x <= 3")


@pytest.mark.parametrize(
    "answer", ["", "2", "2\n\n<", "x\n<\n>", "4\n<\n>", "2\nx\ny\nz", "1\nf\ng"]
)
def test_words_that_are_not_there_once_are_no_answer(answer: str) -> None:
    assert read_words(answer, ["    def f(f):", "        if x < 3:", "            return x"]) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if a < 1:", "if a <= 1:"),
        ("return x", "return not x"),
        ("return not x", "return x"),
        ("a = a[1:]", "a = a[2:]"),
        ("f(1, 1, 1)", "f(1, 1)"),
        ("x += 1", "x = 1"),
    ],
)
def test_the_shortest_change_makes_the_line(old: str, new: str) -> None:
    change = shortest_change(old, new)
    assert change is not None
    assert read_words("1\n" + "\n".join(change), [f"  {old}\n"]) == {1: new}


@pytest.mark.sandbox
@pytest.mark.parametrize("answer", ["", "9 return x", "if x <= 3:", "2 a\n2 b", "2 a\nthat is it"])
async def test_what_is_no_numbered_line_changes_nothing(tmp_path: Path, answer: str) -> None:
    ending, data, _ = await repaired(tmp_path, answer)
    assert ending is Ending.FORMAT_LIMIT
    assert data == SOURCE


def test_a_place_is_read_back_from_hints_of_any_length() -> None:
    told = f"A word first. {tell_place(PLACE)} And one more."
    assert find_place(view(told)) == PLACE
    with pytest.raises(AttributedError, match="task_broken"):
        find_place(view("The fault is somewhere."))


def test_several_lines_may_be_answered_and_blank_ones_are_shown() -> None:
    assert read_lines(" 1 a\n3  b \n", ["x"] * 3) == {1: "a", 3: "b"}
    assert show_lines(["  a\n", "\n", "    b\n"]) == "1 a\n2\n3   b"
