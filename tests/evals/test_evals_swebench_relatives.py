"""SWE-bench Pro in its images, and logs of other languages through the `swebench` package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.evals.swebench import package, pro
from journeyman.evals.swebench.commands import is_foreign, targets_of
from journeyman.evals.swebench.instance import Instance, read_instances
from journeyman.evals.swebench.official import grade_officially, image_of
from journeyman.interpreter import find_uv
from journeyman.sandbox.engine import find_engine

GOLD = (
    "diff --git a/code.txt b/code.txt\n--- a/code.txt\n+++ b/code.txt\n@@ -1 +1 @@\n-bad\n+good\n"
)
ROW = {
    "instance_id": "instance_owner__name-1",
    "repo": "owner/name",
    "base_commit": "0" * 40,
    "problem_statement": "It is bad.",
    "requirements": "- It must be good.",
    "interface": "Nothing new.",
    "patch": GOLD,
    "test_patch": "",
    "fail_to_pass": "['tests/a.py | is good']",
    "pass_to_pass": "['tests/a.py | is there']",
    "repo_language": "js",
    "before_repo_set_cmd": "git reset --hard x\necho brought > brought.txt",
    "selected_test_files_to_run": "['tests/a.py', 'tests/b.py']",
    "dockerhub_tag": "journeyman-test",
}
RUN = """\
echo "selected $1"
test -f brought.txt && echo "is brought"
grep -q good code.txt && echo "PASS is good" || echo "FAIL is good"
echo "PASS is there"
"""
PARSER = """\
import json, sys
tests = []
for line in open(sys.argv[1]):
    word, _, name = line.strip().partition(" ")
    if word in ("PASS", "FAIL"):
        tests.append({"name": f"tests/a.py | {name}", "status": f"{word}ED"})
json.dump({"tests": tests}, open(sys.argv[3], "w"))
"""


def _instance(folder: Path, **more: object) -> Instance:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps({**ROW, **more}) + "\n")
    return read_instances(path)[0]


def test_rows_of_pro_keep_their_selection_image_and_requirements(tmp_path: Path) -> None:
    instance = _instance(tmp_path)
    assert image_of(instance) == "jefzda/sweap-images:journeyman-test"
    assert instance.selected_tests == ("tests/a.py", "tests/b.py")
    assert targets_of(instance) == ["tests/a.py", "tests/b.py"]
    assert "## Requirements\n\n- It must be good." in instance.problem_statement
    assert "## Interface" in instance.problem_statement
    script = pro.script_of(instance)
    assert "run_script.sh tests/a.py,tests/b.py" in script
    assert "git reset --hard x" not in script


def test_pro_without_its_scripts_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(JourneymanError) as caught:
        pro.scripts_of(_instance(tmp_path), tmp_path)
    assert "--scripts" in caught.value.hint


@pytest.fixture
def pro_image(tmp_path: Path) -> Iterator[str]:
    """An image of the published shape and name, made here: the repository in /app."""
    base = os.environ.get("JOURNEYMAN_TEST_BASE", "journeyman-test-base")
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    if subprocess.run(
        ["docker", "image", "inspect", base], capture_output=True, check=False
    ).returncode:
        pytest.skip("no engine, or no base image")
    (tmp_path / "image").mkdir()
    (tmp_path / "image/Dockerfile").write_text(
        f"FROM {base}\nWORKDIR /app\nRUN git init -q && echo bad > code.txt && git add . && "
        "git -c user.name=a -c user.email=a@b commit -qm base\n"
    )
    image = image_of(_instance(tmp_path))
    build = ["docker", "build", "--quiet", "--tag", image, str(tmp_path / "image")]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the image cannot be built here: {done.stderr.strip()[-200:]}")
    yield image
    subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True, check=False)


@pytest.mark.docker
async def test_pro_is_graded_by_its_own_scripts_in_its_own_image(
    tmp_path: Path, pro_image: str
) -> None:
    engine = find_engine("docker")
    words = ("run", "--rm", "--entrypoint", "git", pro_image, "rev-parse", "HEAD")
    instance = _instance(tmp_path, base_commit=await engine.ask(*words))
    scripts = tmp_path / "run_scripts"
    (scripts / instance.instance_id).mkdir(parents=True)
    (scripts / instance.instance_id / "run_script.sh").write_text(RUN)
    (scripts / instance.instance_id / "parser.py").write_text(PARSER)
    wrong = GOLD.replace("+good", "+worse")
    for patch, is_resolved in ((GOLD, True), ("", False), (wrong, False)):
        graded = await grade_officially(instance, patch, engine, scripts=scripts)
        assert graded.verdict.is_resolved is is_resolved, graded.log
        assert graded.verdict.tests["tests/a.py | is there"] == "passed"
        assert "selected tests/a.py,tests/b.py" in graded.log
        assert "is brought" in graded.log
    refused = await grade_officially(instance, "no diff", engine, scripts=scripts)
    assert refused.verdict.failure is not None
    assert refused.verdict.failure.cause == "patch_invalid"
    (scripts / instance.instance_id / "parser.py").write_text("raise SystemExit(1)\n")
    lost = await grade_officially(instance, GOLD, engine, scripts=scripts)
    assert lost.verdict.failure is not None
    assert lost.verdict.failure.cause == "verifier_unreadable"


@pytest.mark.docker
def test_an_image_that_is_missing_costs_its_own_instances_only(
    tmp_path: Path, pro_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["docker", "run", "--rm", "--entrypoint", "git", pro_image, "rev-parse", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    rows = [
        {**ROW, "base_commit": commit, "instance_id": name, "dockerhub_tag": tag}
        for name, tag in (("here", "journeyman-test"), ("gone", "journeyman-none"))
    ]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(it)}\n" for it in rows))
    given = [{"instance_id": it, "model_patch": GOLD} for it in ("gone", "here")]
    (tmp_path / "p.json").write_text(json.dumps(given))
    for name in ("here", "gone"):
        (tmp_path / "run_scripts" / name).mkdir(parents=True)
        (tmp_path / "run_scripts" / name / "run_script.sh").write_text(RUN)
        (tmp_path / "run_scripts" / name / "parser.py").write_text(PARSER)
    files = [str(tmp_path / it) for it in ("rows.jsonl", "p.json", "run_scripts")]
    with pytest.raises(SystemExit) as ended:
        main(["eval", "official", *files[:2], "--scripts", files[2]])
    assert not ended.value.code
    said = capsys.readouterr()
    assert "1 of 1 resolved; 1 could not be graded" in said.out
    assert "the engine has no image" in said.err


def test_parsers_of_python_are_ours_and_others_are_the_packages() -> None:
    def named(parser: str) -> bool:
        fields = {key: value for key, value in ROW.items() if key in Instance.model_fields}
        given = {**fields, "FAIL_TO_PASS": ("a",), "log_parser": parser}
        return is_foreign(Instance.model_validate(given))

    assert not any(
        map(named, ("", "pytest", "parse_log_pytest_v2", "parse_log_flask", "parse_log_scikit"))
    )
    assert all(
        map(named, ("parse_log_gotest", "parse_log_cargo", "parse_log_maven", "parse_plotly_js"))
    )


@pytest.fixture(scope="module")
def has_package() -> None:
    folder = cache_folder("swebench", package.VERSION)
    if (folder / "swebench/harness/grading.py").is_file():
        return
    uv = find_uv()
    if uv is None:
        pytest.skip("uv is not installed")
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    command += ["--python", sys.executable, f"swebench=={package.VERSION}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the package cannot be had")


GO = (
    ">>>>> Start Test Output\n--- PASS: TestKept (0.00s)\n--- {} TestMended (0.01s)\n"
    ">>>>> End Test Output\n"
)


@pytest.mark.network
@pytest.mark.usefixtures("has_package")
def test_logs_of_other_languages_are_judged_by_the_package(tmp_path: Path) -> None:
    row = {"fail_to_pass": ["TestMended"], "pass_to_pass": ["TestKept"], "dockerhub_tag": ""}
    instance = _instance(tmp_path, **row, log_parser="parse_log_gotest")
    good = package.judge_with_package(instance, GO.format("PASS:"))
    assert good.is_resolved
    bad = package.judge_with_package(instance, GO.format("FAIL:"))
    assert bad.is_readable
    assert not bad.is_resolved
    assert bad.not_mended == ("TestMended",)
    assert bad.statuses == {"TestMended": "failed", "TestKept": "passed"}
    assert not package.judge_with_package(instance, "nothing").is_readable
    unknown = instance.model_copy(update={"log_parser": "parse_log_cobol"})
    with pytest.raises(JourneymanError, match="neither we nor the swebench package"):
        package.judge_with_package(unknown, GO)
