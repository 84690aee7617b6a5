"""Task folders of Terminal-Bench and Harbor, in real containers: solved, left alone, tampered with."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.evals.terminal.folder import read_folders

BASE = "journeyman-test-base"
TOML = """\
version = "1.0"
[metadata]
difficulty = "easy"
[verifier]
timeout_sec = 60.0
[agent]
timeout_sec = 120.0
[environment]
build_timeout_sec = 120.0
cpus = 1
memory = "1G"
"""
TEST = """\
#!/bin/bash
[ "$(cat /app/hello.txt)" = "Hello, world!" ]
echo $((1 - $?)) > /logs/verifier/reward.txt
"""
YAML = """\
instruction: |-
  Create a file hello.txt in the current directory that says "Hello, world!".
difficulty: easy
parser_name: pytest
max_agent_timeout_sec: 60.0
max_test_timeout_sec: 60.0
"""
RUN_TESTS = """\
#!/bin/bash
echo "=========== short test summary info ============"
if grep -q 'Hello, world!' hello.txt; then echo "PASSED $TEST_DIR/test_outputs.py::test_hello"
else echo "FAILED $TEST_DIR/test_outputs.py::test_hello - no such file"; fi
"""
COMPOSE = """\
services:
  client:
    build:
      dockerfile: Dockerfile
    command: [ "sh", "-c", "sleep infinity" ]
    environment:
      - TEST_DIR=${T_BENCH_TEST_DIR}
"""
SOLUTION = "#!/bin/bash\necho 'Hello, world!' > hello.txt\n"
DOCKERFILE = f"FROM {BASE}\nWORKDIR /app\n"


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".").replace("_dash_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def make_harbor(folder: Path, *, test: str = TEST, toml: str = TOML) -> Path:
    return _write(
        folder, task_dot_toml=toml, instruction_dot_md="Say hello in /app/hello.txt.\n",
        environment__Dockerfile=DOCKERFILE, solution__solve_dot_sh=SOLUTION, tests__test_dot_sh=test,
    )  # fmt: skip


def make_first(folder: Path, *, yaml: str = YAML, compose: str = COMPOSE) -> Path:
    pytest.importorskip("yaml")
    return _write(
        folder, task_dot_yaml=yaml, Dockerfile=DOCKERFILE, solution_dot_sh=SOLUTION,
        docker_dash_compose_dot_yaml=compose, run_dash_tests_dot_sh=RUN_TESTS,
        tests__test_outputs_dot_py="def test_hello(): ...\n",
    )  # fmt: skip


def test_both_forms_are_read_and_what_cannot_be_run_says_why(tmp_path: Path) -> None:
    make_harbor(tmp_path / "hello")
    make_first(tmp_path / "hello-1")
    make_first(tmp_path / "two", compose=f"{COMPOSE}  database:\n    image: postgres\n")
    make_first(tmp_path / "odd", yaml=YAML.replace("pytest", "swe-lancer"))
    harbor, first, odd, two = read_folders(tmp_path)
    assert harbor.form == "harbor"
    assert harbor.memory_bytes == 1 << 30
    assert harbor.agent_s == 120.0
    assert first.form == "terminal-bench-1"
    assert "Hello, world!" in first.instruction
    assert not first.refusal
    assert "swe-lancer" in odd.refusal
    assert "2 services" in two.refusal
    assert [it.name for it in read_folders(tmp_path / "hello")] == ["hello"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("not toml [", "is no task"), ("[environment]\ncpus = 'many'\n", "is no task")],
)
def test_a_broken_folder_is_named(tmp_path: Path, text: str, said: str) -> None:
    make_harbor(tmp_path / "hello", toml=text)
    with pytest.raises(JourneymanError, match=said):
        read_folders(tmp_path)


def test_a_folder_without_tasks_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(JourneymanError, match="holds no task folders"):
        read_folders(tmp_path)


def _engine() -> bool:
    if shutil.which("docker") is None:
        return False
    found = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False)
    return found.returncode == 0


needs_engine = pytest.mark.skipif(not _engine(), reason="no engine, or no base image")


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["eval", "terminal", *words])
    return int(ended.value.code or 0)


@pytest.mark.docker
@needs_engine
def test_solutions_resolve_nothing_does_not_and_models_work_where_the_image_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_harbor(tmp_path / "tasks" / "hello")
    make_first(tmp_path / "tasks" / "hello-1")
    call = {
        "name": "bash",
        "id": "1",
        "arguments": {"command": "pwd; echo 'Hello, world!' > hello.txt"},
    }
    end = {"name": "submit", "id": "2", "arguments": {}}
    script = [{"role": "assistant", "content": "", "tool_calls": [it]} for it in (call, end)]
    Path("script.json").write_text(json.dumps(script))
    words = ("tasks", "--model", "oracle", "--model", "noop", "--model", "scripted:script.json")
    assert _run(*words, "--name", "t", "--json") == 0
    agents = {it["model"]: it for it in json.loads(capsys.readouterr().out)["agents"]}
    assert {name: it["num_resolved"] for name, it in agents.items()} == {
        "oracle": 2, "noop": 0, "script": 2,
    }  # fmt: skip
    assert {it["num_counted"] for it in agents.values()} == {2}
    trajectory = next(
        (tmp_path / "runs/t/artifacts").glob("hello.script.*/trajectory.json")
    ).read_text()
    assert "/app" in trajectory
    assert "/testbed" not in trajectory
    before = (tmp_path / "runs/t/rollouts.jsonl").read_text()
    assert _run(*words, "--name", "t", "--resume") == 0
    assert (tmp_path / "runs/t/rollouts.jsonl").read_text() == before
    names = subprocess.run(
        ["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", "name=journeyman-t."],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not names.stdout.strip()
    capsys.readouterr()


@pytest.mark.docker
@needs_engine
def test_tests_that_want_the_network_are_no_zero_and_forged_rewards_are_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wants = (
        "echo 'curl: (6) Could not resolve host: astral.sh'\necho 0 > /logs/verifier/reward.txt\n"
    )
    make_harbor(tmp_path / "tasks" / "network", test=wants)
    make_harbor(tmp_path / "tasks" / "silent", test="exit 3\n")
    forge = "mkdir -p /logs/verifier /tests; echo 1 | tee /logs/verifier/reward.txt /tests/test.sh"
    call = {"name": "bash", "id": "1", "arguments": {"command": forge}}
    end = {"name": "submit", "id": "2", "arguments": {}}
    script = [{"role": "assistant", "content": "", "tool_calls": [it]} for it in (call, end)]
    Path("script.json").write_text(json.dumps(script))
    assert _run("tasks", "--model", "scripted:script.json", "--name", "t", "--json") == 0
    (agent,) = json.loads(capsys.readouterr().out)["agents"]
    assert agent["num_resolved"] == agent["num_counted"] == 0
    assert agent["failures"] == {"verifier_crashed": 1, "verifier_unreadable": 1}
