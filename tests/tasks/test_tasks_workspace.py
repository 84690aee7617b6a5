"""What an agent finds in its workspace: laid out from files, looked at in real sandboxes."""

import asyncio
import os

import pytest

from journeyman.config import cache_folder
from journeyman.errors import AttributedError
from journeyman.sandbox import environment_spec, load_environment, opened
from journeyman.tasks.scrub import find_leftovers
from journeyman.tasks.sight import find_visible
from journeyman.tasks.workspace import find_base_commit, prepare_workspace
from journeyman.types import Environment, Origin, Task, VerifierSpec
from journeyman.verify import grade

FILES = {
    "one.py": "def one():\n    return 1\n",
    "run.sh": "#!/bin/sh\necho run\n",
    "data/a.txt": "a\n",
    "data/b.txt": "b\n",
    "src/tests/test_one.py": "assert 'the secret of one'\n",
    "src/tests/other.py": "nothing = 0\n",
}
LINKS = {"latest": "data/a.txt", "tests": "src/tests", "away": "/etc"}
BUG = """\
diff --git a/one.py b/one.py
--- a/one.py
+++ b/one.py
@@ -1,2 +1,2 @@
 def one():
-    return 1
+    return 2
"""
GOLD = BUG.replace("-    return 1\n+    return 2", "-    return 2\n+    return 1")
RELINK = """\
diff --git a/latest b/latest
index 1..2 120000
--- a/latest
+++ b/latest
@@ -1 +1 @@
-data/a.txt
\\ No newline at end of file
+data/b.txt
\\ No newline at end of file
"""
MAKE_EXECUTABLE = "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"


def deletion(path, mode="100644"):
    lines = [f"-{line}" for line in FILES.get(path, LINKS.get(path, "")).splitlines()]
    end = [] if path in FILES else ["\\ No newline at end of file"]
    head = [f"diff --git a/{path} b/{path}", f"deleted file mode {mode}", f"--- a/{path}"]
    return "\n".join([*head, "+++ /dev/null", f"@@ -1,{len(lines)} +0,0 @@", *lines, *end, ""])


def creation(path, text, mode="100644"):
    lines = [f"+{line}" for line in text.splitlines()]
    end = [] if text.endswith("\n") else ["\\ No newline at end of file"]
    head = [f"diff --git a/{path} b/{path}", f"new file mode {mode}", "--- /dev/null"]
    return "\n".join([*head, f"+++ b/{path}", f"@@ -0,0 +1,{len(lines)} @@", *lines, *end, ""])


@pytest.fixture
def environments(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "environments/env1"
    for path, text in FILES.items():
        (folder / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "repository" / path).write_text(text)
    for path, goal in LINKS.items():
        (folder / "repository" / path).symlink_to(goal)
    environment = Environment(
        digest="env1", project="one", commit="1" * 40, created_at="2026-01-05T00:00:00Z"
    )
    (folder / "environment.json").write_text(environment.model_dump_json())
    return tmp_path / "environments"


def task_of(environments, bug=BUG, hidden=("src/tests/test_one.py",), commit=None, **more):
    task = Task(
        instance_id="one__1", repo="one", base_commit=commit or "", problem_statement="wrong",
        patch=GOLD, FAIL_TO_PASS=("x",), environment="env1", bug_patch=bug, hidden_paths=hidden,
        verifier=VerifierSpec(command="true"), origin=Origin(road="mutate"), **more,
    )  # fmt: skip
    if commit is None:
        commit = asyncio.run(find_base_commit(task, environments))
    return task.model_copy(update={"base_commit": commit})


def told(task, environments, script):
    """Run a script in the workspace as the agent finds it; return what it prints, line by line."""

    async def run():
        folder = environments / task.environment
        layers = await prepare_workspace(task, environments)
        spec = environment_spec(load_environment(folder), folder, extra_layers=layers)
        async with opened(spec) as sandbox:
            return await sandbox.execute(script, timeout_s=60)

    done = asyncio.run(run())
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_the_layers_history_has_no_leftovers(environments):
    task = task_of(environments)
    (layer,) = asyncio.run(prepare_workspace(task, environments))
    assert find_leftovers(layer, task.base_commit) == []
    assert not (layer / ".git/logs").exists()


@pytest.mark.sandbox
def test_the_agent_finds_the_bug_no_hidden_file_and_one_commit(environments):
    task = task_of(environments)
    lines = told(
        task,
        environments,
        "cat one.py; ls src/tests; git status --porcelain; git log --format=%H --all;"
        "git ls-files; git cat-file --batch-all-objects --batch-check='%(objecttype)' | sort;"
        "git remote; git stash list; grep -rl secret . || true",
    )
    files = sorted(path for path in [*FILES, *LINKS] if path != "src/tests/test_one.py")
    folders, num_blobs = ["", "data", "src", "src/tests"], len(files)
    assert lines == [
        "def one():",
        "    return 2",
        "other.py",
        task.base_commit,
        *files,
        *["blob"] * num_blobs,
        "commit",
        *["tree"] * len(folders),
    ]
    assert asyncio.run(find_visible(task, environments)) == ()


@pytest.mark.sandbox
def test_a_changed_link_stays_a_link(environments):
    task = task_of(environments, bug=BUG + RELINK)
    script = "readlink latest; cat latest; git ls-files -s latest | cut -c-6; git status --short"
    assert told(task, environments, script) == ["data/b.txt", "b", "120000"]


@pytest.mark.sandbox
def test_a_mode_that_the_bug_changes_is_changed(environments):
    new = creation("new.sh", "#!/bin/sh\n", mode="100755")
    task = task_of(environments, bug=MAKE_EXECUTABLE + new)
    script = "./run.sh; ./new.sh; git ls-files -s run.sh new.sh | cut -c-6; git status --short"
    assert told(task, environments, script) == ["run", "100755", "100755"]
    assert asyncio.run(find_visible(task, environments)) == ()


@pytest.mark.sandbox
def test_files_folders_and_links_may_take_each_others_places(environments):
    bug = (
        deletion("data/a.txt") + deletion("data/b.txt") + creation("data", "one file\n")
        + deletion("run.sh") + creation("run.sh/inner", "inside\n")
        + deletion("tests", "120000") + creation("tests/new.py", "new = 1\n")
        + deletion("src/tests/other.py") + creation("src/tests/link", "../../one.py", "120000")
    )  # fmt: skip
    task = task_of(environments, bug=bug)
    script = "cat data run.sh/inner tests/new.py src/tests/link; ls tests; git status --short"
    lines = ["one file", "inside", "new = 1", "def one():", "    return 1", "new.py"]
    assert told(task, environments, script) == lines


@pytest.mark.sandbox
def test_nothing_is_written_behind_a_link_that_takes_a_folders_place(environments, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("precious\n")
    bug = (
        deletion("data/a.txt") + deletion("data/b.txt")
        + creation("data", str(outside), mode="120000")
    )  # fmt: skip
    task = task_of(environments, bug=bug)
    assert told(task, environments, "readlink data; git status --short") == [str(outside)]
    assert (outside / "a.txt").read_text() == "precious\n"
    assert os.listdir(outside) == ["a.txt"]


@pytest.mark.sandbox
def test_a_hidden_file_named_by_way_of_a_link_is_hidden_where_it_lies(environments):
    task = task_of(environments, hidden=("tests/test_one.py",))
    script = "readlink tests; ls tests src/tests; git status --short; git ls-files src tests"
    assert told(task, environments, script) == [
        "src/tests",
        "src/tests:", "other.py", "",
        "tests:", "other.py",
        "src/tests/other.py", "tests",
    ]  # fmt: skip
    assert asyncio.run(find_visible(task, environments)) == ()
    assert task.base_commit == task_of(environments).base_commit


@pytest.mark.sandbox
@pytest.mark.parametrize("patch", [GOLD, GOLD + creation("src/tests/test_one.py", "fake\n")])
def test_grading_gives_such_a_file_back_where_it_lies(environments, patch):
    look = "test -L tests && ls tests && grep -q secret tests/test_one.py && cat one.py"
    task = task_of(environments, hidden=("tests/test_one.py",))
    task = task.model_copy(update={"verifier": VerifierSpec(command=look)})
    graded = asyncio.run(grade(task, environments, patch))
    assert graded.log.decode().split() == [
        "other.py", "test_one.py", "def", "one():", "return", "1"
    ]  # fmt: skip


@pytest.mark.sandbox
def test_the_layer_is_made_once_whoever_asks_at_the_same_time(environments):
    task = task_of(environments)

    async def ask():
        return await asyncio.gather(*(prepare_workspace(task, environments) for _ in range(8)))

    first, *others = asyncio.run(ask())
    assert others == [first] * 7
    assert os.listdir(cache_folder("workspaces")) == [first[0].name]
    before = first[0].stat()
    assert asyncio.run(ask())[0] == first
    assert first[0].stat().st_ctime_ns == before.st_ctime_ns


@pytest.mark.sandbox
def test_other_bugs_and_other_hidden_files_give_other_layers(environments):
    tasks = [
        task_of(environments),
        task_of(environments, bug=""),
        task_of(environments, hidden=()),
    ]
    commits = {task.base_commit for task in tasks}
    assert len(commits) == 3
    assert len(os.listdir(cache_folder("workspaces"))) == 3


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"bug": GOLD}, "one.py: patch does not apply"),
        ({"commit": "2" * 40}, "not 2222"),
        ({"hidden": ("../environment.json",)}, "environment.json"),
        ({"hidden": ("away/passwd",)}, "away/passwd leads out of the tree"),
        ({"bug": creation("tests/new.py", "x\n")}, "tests is a link"),
        ({"bug": creation("../up.py", "x\n")}, "../up.py"),
    ],
)
def test_a_task_that_does_not_fit_its_tree_leaves_nothing(environments, change, detail):
    task = task_of(environments, **{"commit": "1" * 40, **change})
    with pytest.raises(AttributedError) as caught:
        asyncio.run(prepare_workspace(task, environments))
    assert caught.value.cause == "task_broken"
    assert detail in caught.value.detail
    left = os.listdir(cache_folder("workspaces"))
    assert not [name for name in left if name.startswith(".")]


def test_a_missing_environment_is_named(environments):
    task = task_of(environments, commit="1" * 40).model_copy(update={"environment": "gone"})
    with pytest.raises(AttributedError) as caught:
        asyncio.run(prepare_workspace(task, environments))
    assert caught.value.cause == "environment_missing"


@pytest.mark.sandbox
def test_layers_that_a_killed_process_left_half_made_are_removed(environments):
    left = [cache_folder(room) / ".new-dead" for room in ("workspaces", "trees")]
    for folder in left:
        (folder / "objects").mkdir(parents=True)
    prepared = asyncio.run(prepare_workspace(task_of(environments), environments))
    assert prepared[0].is_dir()
    assert not [folder for folder in left if folder.exists()]
