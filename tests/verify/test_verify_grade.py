"""Grading by execution, in real sandboxes, of a project of one module."""

import asyncio
import subprocess
import sys

import pytest

from journeyman.errors import FAILURES, AttributedError
from journeyman.sandbox import open_sandbox
from journeyman.types import Environment, Origin, Task, TestStatus, VerifierSpec
from journeyman.verify.grade import grade
from journeyman.verify.prepare import prepare

HIDDEN = "my tests/test_one.py"
TEST = (
    "import unittest\nimport one\n\n\nclass One(unittest.TestCase):\n"
    "    def test_one(self):\n        self.assertEqual(one.one(), 1)\n\n\nunittest.main(verbosity=2)\n"
)
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
PATH_OF_HIDDEN = """\
diff --git a/{path} b/{path}
new file mode {mode}
--- /dev/null
+++ b/{path}
@@ -0,0 +1 @@
+{line}
"""


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "env1"
    for path, text in {"one.py": "def one():\n    return 1\n", HIDDEN: TEST}.items():
        (folder / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "repository" / path).write_text(text)
    environment = Environment(digest="env1", project="one", commit="1" * 40)
    (folder / "environment.json").write_text(environment.model_dump_json())
    return Task(
        instance_id="one__1",
        repo="one",
        base_commit="",
        problem_statement="one is wrong",
        patch=GOLD,
        FAIL_TO_PASS=("__main__.One.test_one",),
        environment="env1",
        bug_patch=BUG,
        hidden_paths=(HIDDEN,),
        verifier=VerifierSpec(
            command=f"PYTHONPATH=. python3 '{HIDDEN}'", log_parser="unittest", timeout_s=20
        ),
        origin=Origin(road="mutate"),
    )


def judged(task, tmp_path, patch, **options):
    return asyncio.run(grade(task, tmp_path, patch, **options)).verdict


@pytest.mark.sandbox
def test_the_gold_patch_resolves(task, tmp_path):
    assert judged(task, tmp_path, GOLD).is_resolved


@pytest.mark.sandbox
def test_an_empty_patch_does_not_resolve(task, tmp_path):
    verdict = judged(task, tmp_path, "")
    assert list(verdict.tests.values()) == [TestStatus.FAILED]
    assert not verdict.is_resolved


@pytest.mark.sandbox
def test_a_patch_that_does_not_apply_is_the_patchs_failure(task, tmp_path):
    verdict = judged(task, tmp_path, GOLD.replace("return 2", "return 3"))
    assert (verdict.patch_is_applied, verdict.failure.cause) == (False, "patch_invalid")
    assert list(verdict.tests.values()) == [TestStatus.MISSING]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("path", "mode", "line"),
    [(HIDDEN, "100644", "print('test_one (__main__.One.test_one) ... ok')"),
     ("my tests", "120000", "/tmp")],
)  # fmt: skip
def test_what_a_patch_puts_in_a_hidden_files_place_does_not_count(task, tmp_path, path, mode, line):
    forged = PATH_OF_HIDDEN.format(path=path, mode=mode, line=line)
    verdict = judged(task, tmp_path, forged)
    assert verdict.patch_is_applied
    assert list(verdict.tests.values()) == [TestStatus.FAILED]
    assert judged(task, tmp_path, forged + GOLD).is_resolved


@pytest.mark.sandbox
def test_an_endless_loop_is_the_verifiers_time_out(task, tmp_path):
    short = task.verifier.model_copy(update={"timeout_s": 1.0})
    endless = GOLD.replace("+    return 1", "+    while True: pass")
    verdict = judged(task.model_copy(update={"verifier": short}), tmp_path, endless)
    assert verdict.failure.cause == "verifier_timeout"
    assert not verdict.is_resolved


@pytest.mark.sandbox
def test_a_test_that_the_log_does_not_name_is_missing(task, tmp_path):
    asked = task.model_copy(update={"PASS_TO_PASS": ("__main__.One.test_two",)})
    verdict = judged(asked, tmp_path, GOLD)
    assert verdict.tests["__main__.One.test_two"] is TestStatus.MISSING
    assert not verdict.is_resolved


def put_git(tmp_path, script):
    """Let the environment's own toolchain, which is first on the path, bring this `git`."""
    program = tmp_path / "env1/toolchain/bin/git"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.sandbox
@pytest.mark.parametrize("whose", ["the patch", "the bug's patch"])
@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("kill -9 $$", "sandbox_died"),
        ("exec /nowhere/git", "sandbox_unavailable"),
        ("exit 126", "sandbox_unavailable"),
        ("exit 3", "sandbox_died"),
        ("echo 'fatal: Out of memory, malloc failed' >&2; exit 128", "sandbox_died"),
        ("echo 'error: one.py: No space left on device' >&2; exit 1", "disk_full"),
    ],
)
def test_git_that_cannot_work_is_never_the_patchs_failure(task, tmp_path, whose, script, cause):
    put_git(tmp_path, script)
    if whose == "the patch":
        task = task.model_copy(update={"bug_patch": ""})
    with pytest.raises(AttributedError, match=whose) as caught:
        judged(task, tmp_path, GOLD)
    assert caught.value.cause == cause
    assert FAILURES[caught.value.cause].who in ("sandbox", "infrastructure")
    assert not FAILURES[caught.value.cause].reward_is_valid


@pytest.mark.sandbox
def test_git_that_does_not_end_is_a_missed_deadline(task, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[prepare.__module__], "_PREPARE_S", 1.0)
    put_git(tmp_path, "exec sleep 1000")
    with pytest.raises(AttributedError) as caught:
        judged(task.model_copy(update={"bug_patch": ""}), tmp_path, GOLD)
    assert caught.value.cause == "deadline_passed"


@pytest.mark.sandbox
@pytest.mark.parametrize("garbage", [
    "no patch at all", GOLD[:-15], "diff --git a/x b/x\n", GOLD.replace("one.py", "x: Out of memory"),
    GOLD.replace("one.py", "No space left on device"),
])  # fmt: skip
def test_what_git_itself_refuses_is_the_patchs_failure(task, tmp_path, garbage):
    verdict = judged(task, tmp_path, garbage)
    assert (verdict.patch_is_applied, verdict.failure.cause) == (False, "patch_invalid")


@pytest.mark.sandbox
def test_a_bug_that_does_not_apply_is_the_tasks_failure(task, tmp_path):
    with pytest.raises(AttributedError, match="the bug's patch") as caught:
        judged(task.model_copy(update={"bug_patch": GOLD}), tmp_path, GOLD)
    assert caught.value.cause == "task_broken"


def ended_by(task, command):
    return task.model_copy(
        update={"verifier": task.verifier.model_copy(update={"command": command})}
    )


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("command", "cause", "detail"),
    [
        ("exit 1", "verifier_unreadable", "exit code 1: it printed nothing"),
        ("exit 125", "verifier_unreadable", "exit code 125: it printed nothing"),
        ("echo; exit 5", "verifier_unreadable", "exit code 5: it printed nothing"),
        ("exit 0", "verifier_unreadable", "exit code 0: it printed nothing"),
        ("echo fine", "verifier_unreadable", "exit code 0: fine"),
        ("exit 127", "verifier_crashed", "exit code 127: it printed nothing"),
        ("no-such-runner -v", "verifier_crashed", "not found"),
        ("/testbed -v", "verifier_crashed", "exit code 126"),
        ("kill -9 $BASHPID", "verifier_crashed", "exit code 137: it printed nothing"),
    ],
)
def test_a_verifier_that_says_nothing_is_a_failure(task, tmp_path, command, cause, detail):
    verdict = judged(ended_by(task, command), tmp_path, GOLD)
    assert verdict.failure.cause == cause
    assert detail in verdict.failure.detail
    assert not verdict.is_resolved
    assert not FAILURES[cause].reward_is_valid


@pytest.mark.sandbox
def test_a_patch_that_breaks_what_every_test_imports_has_failed_them(task, tmp_path):
    verdict = judged(task, tmp_path, GOLD.replace("+    return 1", "+    return ]"))
    assert verdict.failure is None
    assert list(verdict.tests.values()) == [TestStatus.MISSING]
    assert not verdict.is_resolved


class Counted:
    """A real sandbox that notes which commands it is given."""

    def __init__(self, sandbox, commands):
        self._sandbox = sandbox
        self._commands = commands

    def __getattr__(self, name):
        if name in ("execute", "read", "write"):
            self._commands.append(name)
        return getattr(self._sandbox, name)


@pytest.mark.sandbox
def test_a_grading_is_two_commands_prepare_and_run(task, tmp_path):
    commands = []

    async def counting(*words, **options):
        return Counted(await open_sandbox(*words, **options), commands)

    full = task.model_copy(update={"test_patch": PATH_OF_HIDDEN.format(
        path="tests two/new.py", mode="100755", line="print(1)"
    )})  # fmt: skip
    assert judged(full, tmp_path, GOLD, opener=counting).is_resolved
    assert commands == ["execute", "execute"]
    commands.clear()
    assert judged(full, tmp_path, "nonsense", opener=counting).failure.cause == "patch_invalid"
    assert commands == ["execute"]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"bug_patch": GOLD}, "the bug's patch: error: patch failed: one.py"),
        ({"hidden_paths": ("nowhere.py",)}, "the hidden files: mv: cannot stat 'nowhere.py'"),
        ({"test_patch": BUG}, "the tests' patch: error"),
    ],
)
def test_each_step_is_blamed_for_its_own_failure(task, tmp_path, change, what):
    with pytest.raises(AttributedError, match=what) as caught:
        judged(task.model_copy(update=change), tmp_path, "")
    assert caught.value.cause == "task_broken"


@pytest.mark.sandbox
@pytest.mark.parametrize(("name", "old", "new"), [
    ("text.txt", b"a\n\n", b"b\n\n"),
    ("image.bin", bytes(range(256)), bytes(range(255, -1, -1))),
])  # fmt: skip
def test_a_patch_whose_end_was_stripped_is_applied(task, tmp_path, name, old, new):
    tree = tmp_path / "env1/repository"
    (tree / name).write_bytes(old)
    (tmp_path / name).write_bytes(new)
    words = ["git", "diff", "--no-index", "--binary", f"env1/repository/{name}", name]
    diff = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True).stdout
    patch = GOLD + diff.replace(f"a/env1/repository/{name}", f"a/{name}")
    assert judged(task, tmp_path, patch).is_resolved
    assert judged(task, tmp_path, patch.strip()).is_resolved
    assert judged(task, tmp_path, GOLD.strip()).is_resolved


def edit_of_test(added):
    return (
        "diff --git a/test_two.py b/test_two.py\n--- a/test_two.py\n+++ b/test_two.py\n"
        f"@@ -1,2 +1,3 @@\n import one\n+{added}\n print('two')\n"
    )


@pytest.mark.sandbox
@pytest.mark.parametrize("theirs", [
    "",
    edit_of_test("raise SystemExit"),
    edit_of_test("assert one.one() == 1"),
    PATH_OF_HIDDEN.format(path="deep/new.py", mode="100644", line="print('mine')"),
    PATH_OF_HIDDEN.format(path="deep/new.py", mode="120000", line="/etc/passwd"),
    PATH_OF_HIDDEN.format(path="deep", mode="100644", line="a file"),
    PATH_OF_HIDDEN.format(path="deep", mode="120000", line="/tmp"),
    PATH_OF_HIDDEN.format(path="deep/new.py/inner", mode="100644", line="a folder"),
])  # fmt: skip
def test_what_a_patch_does_to_the_tests_own_files_does_not_count(task, tmp_path, theirs):
    (tmp_path / "env1/repository/test_two.py").write_text("import one\nprint('two')\n")
    tests = edit_of_test("assert one.one() == 1, one.one()")
    tests += PATH_OF_HIDDEN.format(path="deep/new.py", mode="100644", line="print('three')")
    command = "cat deep/new.py && PYTHONPATH=. python3 test_two.py"
    task = ended_by(task, command).model_copy(update={"test_patch": tests})
    for fix, log in ((GOLD, "print('three')\ntwo\n"), ("", "AssertionError: 2\n")):
        graded = asyncio.run(grade(task, tmp_path, theirs + fix))
        assert graded.verdict.patch_is_applied
        assert graded.log.decode().endswith(log)
