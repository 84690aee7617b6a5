import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.tasks.taskset import load_taskset
from journeyman.tasks.validate import validate_tasks

pytestmark = [pytest.mark.sandbox, pytest.mark.network]
JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
CODE = "def total(prices):\n    return sum(prices) + 1\n"
TEST = "from shop import total\n\n\ndef test_none():\n    assert total([]) == 1\n"
FIX = """\
diff --git a/shop.py b/shop.py
--- a/shop.py
+++ b/shop.py
@@ -1,2 +1,4 @@
 def total(prices):
-    return sum(prices) + 1
+    if not prices:
+        return 1
+    return sum(prices)
"""
TEST_PATCH = """\
diff --git a/tests/test_shop.py b/tests/test_shop.py
--- a/tests/test_shop.py
+++ b/tests/test_shop.py
@@ -3,3 +3,7 @@

 def test_none():
     assert total([]) == 1
+
+
+def test_sum():
+    assert total([1, 2]) == 3
"""


def run(*words):
    return subprocess.run(
        [JOURNEYMAN, "tasks", *map(str, words)], capture_output=True, text=True, timeout=300
    )


def test_instances_of_others_are_given_environments_and_run(tmp_path):
    root = tmp_path / "clones" / "someone__shop"
    (root / "tests").mkdir(parents=True)
    (root / "shop.py").write_text(CODE)
    (root / "tests/test_shop.py").write_text(TEST)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\n[tool.setuptools]\npy-modules = ["shop"]\n'
        '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["."]\n'
    )
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    record = {
        "instance_id": "someone__shop-1", "repo": "someone/shop", "base_commit": head.stdout.strip(),
        "patch": FIX, "test_patch": TEST_PATCH, "hints_text": "", "version": "1",
        "problem_statement": "`total` adds one cent too many to every sum of prices that I give it.",
        "FAIL_TO_PASS": '["tests/test_shop.py::test_sum"]',
        "PASS_TO_PASS": '["tests/test_shop.py::test_none"]',
    }  # fmt: skip
    far = {**record, "instance_id": "far__far-1", "repo": "far/far"}
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(far)}\n")
    folder = tmp_path / "made"
    done = run("import", tmp_path / "in.jsonl", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "tasks build" in done.stdout
    done = run("build", folder, "--repositories", tmp_path / "clones", "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert (report["num_built"], report["num_ready"]) == (1, 1)
    assert "no clone of far/far" in report["failed"]["far__far-1"]
    taskset = load_taskset(folder, needs_environments=False)
    task = taskset.tasks[0]
    assert task.environment_setup_commit == head.stdout.strip() != task.base_commit
    only = taskset.model_copy(update={"tasks": (task,)})
    (result,) = asyncio.run(validate_tasks(only, repeats=1))
    assert result.is_valid, result


def test_what_cannot_be_built_is_one_line_and_a_hint(tmp_path):
    done = run("build", "bundled", "--agent")
    assert (done.returncode, done.stderr.count("\n")) == (2, 3)
    assert "--model" in done.stderr
