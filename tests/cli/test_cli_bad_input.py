"""What a user gets wrong: one line of error, one of hint, exit code 2, and nothing half-written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))


def run(folder, *words, **options):
    return subprocess.run(
        [JOURNEYMAN, *words], cwd=folder, capture_output=True, text=True, timeout=300, **options
    )


def run_shell(folder, *words):
    *prefix, script = words
    return subprocess.run(
        [*prefix, "/bin/sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300
    )


def refusal(done):
    """Return the error line of a command that was refused; progress lines may come before it."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.rstrip("\n").split("\n")
    assert lines[-3].startswith("error: ")
    assert lines[-2] == ""
    assert lines[-1].startswith("hint: ")
    assert sum(line.startswith("error: ") for line in lines) == 1
    assert "Traceback" not in done.stderr
    return lines[-3]


def git(folder, *words):
    identity = ["-c", "user.name=T", "-c", "user.email=t@localhost"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def taskset(tmp_path_factory):
    """A taskset of the project that ships with the package, made by the command itself."""
    folder = tmp_path_factory.mktemp("taskset")
    done = run(folder, "tasks", "mutate", "bundled", "--out", "small", "--num-tasks", "2")
    assert done.returncode == 0, done.stderr
    return folder / "small"


def test_a_path_that_is_not_a_repository(tmp_path):
    (tmp_path / "plain").mkdir()
    error = refusal(run(tmp_path, "tasks", "mutate", "./plain", "--out", "made"))
    assert "is not a Git repository" in error
    assert sorted(os.listdir(tmp_path)) == ["plain"]


def test_a_path_that_does_not_exist(tmp_path):
    assert "does not exist" in refusal(run(tmp_path, "quickstart", "--repo", "./nowhere"))
    assert os.listdir(tmp_path) == []


@pytest.mark.sandbox
def test_a_project_with_no_tests(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "setup.py").write_text("from setuptools import setup\nsetup(name='untested')\n")
    (project / "untested.py").write_text("def double(x):\n    return 2 * x\n")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "All")
    error = refusal(run(tmp_path, "tasks", "mutate", str(project), "--out", "made"))
    assert "no tests found" in error
    assert sorted(os.listdir(tmp_path)) == ["project"]


def test_an_existing_taskset_is_not_overwritten(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "precious").write_text("x")
    error = refusal(run(tmp_path, "tasks", "mutate", "bundled", "--out", "made"))
    assert "exists already" in error
    error = refusal(run(tmp_path, "tasks", "mutate", "bundled", "--out", "made", "--clean"))
    assert "is not a taskset" in error
    assert (tmp_path / "made" / "precious").read_text() == "x"


@pytest.mark.sandbox
def test_a_taskset_with_a_broken_line(tmp_path, taskset):
    broken = tmp_path / "broken"
    shutil.copytree(taskset, broken, symlinks=True)
    with (broken / "tasks.jsonl").open("a") as stream:
        stream.write('{"instance_id": "half\n')
    error = refusal(run(tmp_path, "rollout", "broken", "--model", "oracle"))
    assert "tasks.jsonl:3: not a task" in error
    assert sorted(os.listdir(tmp_path)) == ["broken"]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--model", "orcale"), "unknown model orcale"),
        (("--model", "gguf:missing.gguf"), "missing.gguf"),
        (("--scaffold", "bsh"), "unknown scaffold bsh"),
        (("--task", "no-such-task"), "no-such-task"),
        (("--limits.num-turns", "0"), "--limits.num-turns: Input should be greater than or equal"),
        (("--limits.num-turnz", "5"), "--limits.num-turnz"),
        (("--config", "missing.toml"), "no config file at missing.toml"),
        (("--resume",), "to resume"),
        (("--resume", "--clean"), "exclude each other"),
        (("--name", "../up"), "cannot name a run"),
    ],
)
def test_a_wrong_option_leaves_no_run(tmp_path, taskset, words, complaint):
    assert complaint in refusal(run(tmp_path, "rollout", str(taskset), *words))
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.sandbox
def test_a_wrong_key_in_a_config_file_is_named(tmp_path, taskset):
    (tmp_path / "run.toml").write_text("[limits]\nnum_turn = 3\n")
    done = run(tmp_path, "rollout", str(taskset), "--config", "run.toml")
    assert "run.toml: unknown key limits.num_turn" in refusal(done)
    assert "did you mean limits.num_turns?" in done.stderr


@pytest.mark.sandbox
@pytest.mark.parametrize("options", ["ro", "size=64k"])
def test_a_run_folder_that_cannot_be_written(tmp_path, taskset, options):
    """On a read-only and on a full file system; mounted in a namespace, since root may write all."""
    (tmp_path / "runs").mkdir()
    fill = "head -c 200k /dev/zero > runs/filler 2> /dev/null; " if "size" in options else ""
    script = (
        f"mount -t tmpfs -o {options} tmpfs runs && {fill}"
        f"{JOURNEYMAN} rollout {taskset} --model noop; code=$?; "
        "ls -A runs | grep -v filler > left; exit $code"
    )
    done = run_shell(tmp_path, "unshare", "--user", "--map-root-user", "--mount", script)
    assert "runs" in refusal(done)
    assert (tmp_path / "left").read_text() == ""


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no predictions"),
        ('{"instance_id": "x"}\n', "predictions.jsonl:1: no model_name_or_path"),
        ("not json\n", "predictions.jsonl:1: not valid JSON"),
        (
            json.dumps({"instance_id": "x", "model_name_or_path": "m", "model_patch": ""}) + "\n",
            "has no task x",
        ),
    ],
)
def test_broken_predictions(tmp_path, taskset, text, complaint):
    (tmp_path / "predictions.jsonl").write_text(text)
    assert complaint in refusal(run(tmp_path, "grade", str(taskset), "predictions.jsonl"))
    assert not list(tmp_path.glob("runs/*"))


def test_nothing_to_view(tmp_path):
    assert "no run at" in refusal(run(tmp_path, "view"))
