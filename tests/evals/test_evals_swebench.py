"""SWE-bench instances: read in every form, prepared from a clone, graded here and officially."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journeyman.errors import JourneymanError
from journeyman.evals.rows import read_rows
from journeyman.evals.swebench.commands import parser_of, specify, targets_of
from journeyman.evals.swebench.instance import Instance, read_instances
from journeyman.evals.swebench.official import grade_officially, image_of, script_of
from journeyman.evals.swebench.prepare import find_repository, prepare
from journeyman.sandbox.engine import find_engine
from journeyman.verify import grade

CODE = "def double(number):\n    return number\n"
FIXED = "def double(number):\n    return 2 * number\n"
TEST = "from mathy import double\n\n\ndef test_nought():\n    assert double(0) == 0\n"
TEST_PATCH = """\
diff --git a/tests/test_mathy.py b/tests/test_mathy.py
--- a/tests/test_mathy.py
+++ b/tests/test_mathy.py
@@ -3,3 +3,7 @@

 def test_nought():
     assert double(0) == 0
+
+
+def test_two():
+    assert double(2) == 4
"""
GOLD = """\
diff --git a/mathy.py b/mathy.py
--- a/mathy.py
+++ b/mathy.py
@@ -1,2 +1,2 @@
 def double(number):
-    return number
+    return 2 * number
"""
WRONG = GOLD.replace("2 * number", "3 * number")


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    folder = tmp_path / "clones" / "owner__mathy"
    (folder / "tests").mkdir(parents=True)
    (folder / "mathy.py").write_text(CODE)
    (folder / "tests" / "test_mathy.py").write_text(TEST)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "mathy"\nversion = "1.0"\n\n[tool.setuptools]\npy-modules = ["mathy"]\n'
    )
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "start")
    return tmp_path / "clones"


def _row(clones: Path, **more: Any) -> dict[str, Any]:
    return {
        "instance_id": "owner__mathy-1",
        "repo": "owner/mathy",
        "base_commit": _git(clones / "owner__mathy", "rev-parse", "HEAD"),
        "problem_statement": "Two twice is not four.",
        "patch": GOLD,
        "test_patch": TEST_PATCH,
        "FAIL_TO_PASS": json.dumps(["tests/test_mathy.py::test_two"]),
        "PASS_TO_PASS": json.dumps(["tests/test_mathy.py::test_nought"]),
        **more,
    }


def _written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ({}, "FAIL_TO_PASS", ("tests/test_mathy.py::test_two",)),
        ({"FAIL_TO_PASS": ["a"]}, "FAIL_TO_PASS", ("a",)),
        ({"FAIL_TO_PASS": "['a', 'b']"}, "FAIL_TO_PASS", ("a", "b")),
        ({"test_cmds": ["pytest -rA", "x"]}, "test_command", "pytest -rA\nx"),
        ({"docker_image": "repo/image"}, "image", "repo/image"),
        (
            {
                "install_config": json.dumps(
                    {"test_cmd": "pytest -q", "log_parser": "parse_log_pytest"}
                )
            },
            "test_command",
            "pytest -q",
        ),
        ({"eval_script": "echo"}, "eval_script", "echo"),
    ],
)
def test_every_published_form_is_read(
    clones: Path, tmp_path: Path, more: dict[str, Any], field: str, value: Any
) -> None:
    (instance,) = read_instances(_written(tmp_path, _row(clones, **more)))
    assert getattr(instance, field) == value


def test_pro_spells_the_tests_in_small_letters(clones: Path, tmp_path: Path) -> None:
    row = _row(clones)
    row["fail_to_pass"] = row.pop("FAIL_TO_PASS")
    row["pass_to_pass"] = row.pop("PASS_TO_PASS")
    (instance,) = read_instances(_written(tmp_path, row))
    assert instance.FAIL_TO_PASS == ("tests/test_mathy.py::test_two",)


def test_broken_rows_and_twins_are_named(clones: Path, tmp_path: Path) -> None:
    row = _row(clones)
    with pytest.raises(JourneymanError, match="twice"):
        read_instances(_written(tmp_path, row, row))
    del row["base_commit"]
    with pytest.raises(JourneymanError, match=r"row 1 is no SWE-bench instance: base_commit"):
        read_instances(_written(tmp_path, row))
    cut = tmp_path / "cut.json"
    cut.write_text('[{"instance_id": "a"')
    with pytest.raises(JourneymanError, match="perhaps cut off"):
        list(read_rows(cut))
    with pytest.raises(JourneymanError, match="no file at"):
        list(read_rows(tmp_path / "none.jsonl"))


def _instance(**fields: Any) -> Instance:
    plain = {"instance_id": "a__b-1", "repo": "a/b", "base_commit": "1234567"}
    rest = {"problem_statement": "", "patch": "", "FAIL_TO_PASS": ()}
    return Instance.model_validate({**plain, **rest, **fields})


def test_commands_parsers_and_images_follow_the_repository() -> None:
    patch = TEST_PATCH.replace("tests/test_mathy.py", "tests/admin_views/tests.py")
    django = _instance(repo="django/django", test_patch=patch)
    assert targets_of(django) == ["admin_views.tests"]
    assert "runtests.py" in specify(django).command
    assert parser_of(django) == "swebench-django"
    assert parser_of(_instance(log_parser="parse_log_sphinx")) == "swebench-pytest-v2"
    assert parser_of(_instance(log_parser="parse_log_flask")) == "swebench-pytest"
    assert image_of(_instance()) == "swebench/sweb.eval.x86_64.a_1776_b-1:latest"
    with pytest.raises(JourneymanError, match="neither test_command nor eval_script"):
        specify(_instance(language="go"))


def test_a_missing_clone_is_said_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(JourneymanError) as caught:
        find_repository(tmp_path, "a/b")
    assert caught.value.hint.startswith("git clone https://github.com/a/b")


@pytest.mark.sandbox
@pytest.mark.network
async def test_gold_resolves_and_nothing_else_does(clones: Path, tmp_path: Path) -> None:
    instances = read_instances(_written(tmp_path, _row(clones)))
    prepared = await prepare(instances, clones, tmp_path / "taskset", name="mathy")
    (task,) = prepared.taskset.tasks
    environments = prepared.taskset.environments
    for patch, is_resolved in ((GOLD, True), ("", False), (WRONG, False)):
        verdict = (await grade(task, environments, patch)).verdict
        assert verdict.is_resolved is is_resolved
        assert verdict.tests["tests/test_mathy.py::test_nought"] == "passed"


OFFICIAL = _instance(instance_id="owner__mathy-9")
SCRIPT = f"""\
cd /testbed
git apply -v - <<'EOF_1'
{TEST_PATCH}EOF_1
: '>>>>> Start Test Output'
bash -c 'grep -q "return 2 " mathy.py && echo PASSED tests/test_mathy.py::test_two'
bash -c 'grep -q "def double" mathy.py && echo PASSED tests/test_mathy.py::test_nought'
: '>>>>> End Test Output'
"""


@pytest.fixture
def official_image(clones: Path) -> Iterator[str]:
    """An image of the published shape and name, made here: the repository in /testbed."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no docker engine answers")
    base = os.environ.get("JOURNEYMAN_TEST_BASE", "journeyman-test-base")
    (clones / "Dockerfile").write_text(f"FROM {base}\nCOPY owner__mathy /testbed\n")
    image = image_of(OFFICIAL)
    build = ["docker", "build", "--quiet", "--tag", image, str(clones)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the image cannot be built here: {done.stderr.strip()[-200:]}")
    yield image
    subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True, check=False)


@pytest.mark.docker
async def test_official_images_run_their_own_script(
    clones: Path, tmp_path: Path, official_image: str
) -> None:
    engine = find_engine("docker")
    row = _row(clones, instance_id=OFFICIAL.instance_id, eval_script=SCRIPT)
    (instance,) = read_instances(_written(tmp_path, row))
    assert image_of(instance) == official_image
    for patch, is_resolved in ((GOLD, True), ("", False), (WRONG, False)):
        graded = await grade_officially(instance, patch, engine)
        assert graded.verdict.is_resolved is is_resolved, graded.log
    refused = await grade_officially(instance, "no diff", engine)
    assert refused.verdict.failure is not None
    assert refused.verdict.failure.cause == "patch_invalid"
    absent = instance.model_copy(update={"instance_id": "owner__mathy-none"})
    with pytest.raises(JourneymanError, match="the engine has no image"):
        await grade_officially(absent, GOLD, engine)


def test_a_script_is_made_where_the_row_has_none(clones: Path, tmp_path: Path) -> None:
    (instance,) = read_instances(_written(tmp_path, _row(clones)))
    script = script_of(instance)
    assert script.index("git apply") < script.index("Start Test Output") < script.index("pytest")
    assert "Test Exit Code" in script
