"""One turn without tools: where its code goes, in real sandboxes."""

import subprocess

import pytest

from journeyman.models import ScriptedModel
from journeyman.sandbox import SandboxSpec, opened
from journeyman.scaffolds import ModelSession, get_scaffold
from journeyman.scaffolds.answer_blocks import blocks_of, is_inside
from journeyman.scaffolds.answer_place import UnplaceableError, with_definition
from journeyman.types import Ending, Message, TaskView

FILE = "import os\n\n\n@staticmethod\ndef f(x):\n    ...\n\n\nclass A:\n    def g(self):\n        ...\n"


async def answered(folder, text, answer=""):
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # noqa: ASYNC221
    (folder / "a.py").write_text(FILE)
    view = TaskView(
        instance_id="one", repo="o/n", base_commit="", problem_statement="Write f.", answer=answer
    )
    session = ModelSession(ScriptedModel("scripted", [Message(role="assistant", content=text)]))
    async with opened(SandboxSpec(workspace_layers=(folder,))) as sandbox:
        ending = await get_scaffold("answer").run(view, sandbox, session)
        done = await sandbox.execute("cat a.py; cat b/c.html 2>/dev/null; true", timeout_s=20)
    said = session.trajectory().turns[0].observations[0].content
    return ending, done.stdout.decode(), said


@pytest.mark.sandbox
async def test_a_definition_takes_its_place_with_what_it_needs(tmp_path):
    text = (
        "Think.\n```python\nimport re\n\ndef f(x):\n    return re.escape(x)\n\nprint(f('a'))\n```"
    )
    ending, file, said = await answered(tmp_path, text, "a.py::f")
    assert ending is Ending.SUBMITTED
    assert said == "Placed: f in a.py."
    assert "import re\n" in file
    assert "@staticmethod\ndef f(x):\n    return re.escape(x)\n" in file
    assert "print" not in file
    assert "class A:" in file


@pytest.mark.sandbox
async def test_files_a_diff_and_what_is_none_of_them(tmp_path):
    _, files, said = await answered(tmp_path / "1", "```html b/c.html\n<p>\n```\n```\nx\n```")
    assert files.endswith("<p>\n")
    assert said == "Written: b/c.html."
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n-import os\n+import sys\n \n \n"
    _, files, said = await answered(tmp_path / "2", f"```diff\n{diff}```", "a.py::f")
    assert files.startswith("import sys\n")
    for text, why in (
        ("I submit.", "holds no block"),
        ("```python\ndef h(): pass\n```", "does not define f"),
        ("```python\ndef f(:\n```", "no Python"),
        ("```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```", "could not be placed"),
    ):
        folder = tmp_path / str(len(text))
        _, files, said = await answered(folder, text, "a.py::f")
        assert why in said
        assert files == FILE


@pytest.mark.sandbox
async def test_a_whole_file(tmp_path):
    _, files, said = await answered(tmp_path, "```py\nx\n```\nand\n```py\ny = 1\n```", "a.py")
    assert files == "y = 1\n"
    assert said == "Written: a.py."


@pytest.mark.parametrize(
    ("info", "language", "path"),
    [
        ("html index.html", "html", "index.html"),
        ("tsx:src/App.tsx", "tsx:src/app.tsx", "src/App.tsx"),
        ('js title="./src/a.js"', "js", "src/a.js"),
        ("python", "python", ""),
        ("", "", ""),
    ],
)
def test_a_fence_may_name_its_file(info, language, path):
    (block,) = blocks_of(f"~~~{info}\ncode\n~~~")
    assert (block.language, block.path, block.code) == (language, path, "code\n")


def test_paths_stay_inside():
    assert is_inside("a/b.txt")
    assert not any(map(is_inside, ("/a", "../a", "a/../../b", ".git/config")))


def test_methods_and_what_cannot_be_placed():
    assert "class A:\n    def g(self):\n        return 1\n" in with_definition(
        FILE, "def g(self):\n    return 1", "A.g"
    )
    with pytest.raises(UnplaceableError, match="the file does not define k"):
        with_definition(FILE, "def k(): pass", "k")
