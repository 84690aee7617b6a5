"""Tasks as folders of Harbor (Terminal-Bench 2): an instruction, an image, a solution, tests.

    <task>/task.toml, instruction.md
    <task>/environment/Dockerfile, repository/      what the agent sees: buggy, nothing hidden in it
    <task>/solution/solve.sh, fix.patch
    <task>/tests/test.sh, grade.py, task.json, test.patch, hidden/

Harbor copies `tests/` into the container when the agent has finished, and reads the reward that
`test.sh` writes. `task.json` is the whole task, so that the way back loses nothing.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.tasks.tree import apply_patches, read_file, write_file
from journeyman.types import Task

__all__ = ["read_harbor", "write_harbor"]

_INSIDE = Path(__file__).parent / "inside"
_READABLE = ("pytest", "unittest")

_TEST = """\
#!/bin/bash
# Brings the hidden tests back, runs them, and writes the reward: 1 if all that has to pass does.
tests=$(cd "$(dirname "$0")" && pwd)
logs=${{JOURNEYMAN_LOGS:-/logs/verifier}}
mkdir -p "$logs"
echo 0 > "$logs/reward.txt"
cd {workspace} || exit 0
if [ -d "$tests/hidden" ]; then cp -a "$tests/hidden/." .; fi
if [ -s "$tests/test.patch" ]; then
    GIT_CEILING_DIRECTORIES=/ git apply --whitespace=nowarn "$tests/test.patch" || exit 0
fi
(
{command}
) > "$logs/log.txt" 2>&1 < /dev/null
python=$(command -v python3 || command -v python)
"$python" "$tests/grade.py" "$tests/task.json" "$logs/log.txt" "$logs/reward.txt"
"""

_SOLVE = """\
#!/bin/bash
set -e
solution=$(cd "$(dirname "$0")" && pwd)
cd {workspace}
GIT_CEILING_DIRECTORIES=/ git apply --whitespace=nowarn "$solution/fix.patch"
"""

_WORKSPACE = "/testbed"


def write_harbor(tasks: Sequence[Task], environments: Path, folder: Path) -> None:
    """Write a folder for each task. Raises `JourneymanError` where a log cannot be read inside."""
    for task in tasks:
        if task.verifier.log_parser not in _READABLE:
            raise JourneymanError(
                f"{task.instance_id}: Harbor folders are written for pytest and unittest,"
                f" not {task.verifier.log_parser}",
                "use --format swebench",
            )
    for task in tasks:
        _write_task(task, environments / task.environment, folder / task.instance_id)


def read_harbor(folder: Path) -> list[Task]:
    """Read the tasks of a folder of such folders, or of one of them, by name.

    Raises `JourneymanError` for a folder that holds none of Journeyman's own.
    """
    places = [folder] if (folder / "task.toml").is_file() else sorted(folder.glob("*/"))
    tasks = [_read_task(place) for place in places if (place / "task.toml").is_file()]
    if not tasks:
        raise JourneymanError(f"no Harbor task in {folder}", "give the folder of the tasks")
    return tasks


def _write_task(task: Task, environment: Path, folder: Path) -> None:
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "choose another --out")
    for name in ("environment", "solution", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "instruction.md").write_text(task.problem_statement, encoding="utf-8")
    (folder / "task.toml").write_text(tomli_w.dumps(_settings(task)), encoding="utf-8")
    _write_environment(task, environment, folder / "environment")
    _script(folder / "solution/solve.sh", _SOLVE.format(workspace=_WORKSPACE))
    (folder / "solution/fix.patch").write_text(task.patch, encoding="utf-8", newline="\n")
    tests = folder / "tests"
    _script(tests / "test.sh", _TEST.format(workspace=_WORKSPACE, command=task.verifier.command))
    (tests / "test.patch").write_text(task.test_patch, encoding="utf-8", newline="\n")
    record = json.dumps(task.model_dump(mode="json"), ensure_ascii=False, indent=1)
    (tests / "task.json").write_text(f"{record}\n", encoding="utf-8")
    shutil.copyfile(_INSIDE / "grade.py", tests / "grade.py")
    for path in task.hidden_paths:
        file = read_file(environment / "repository", path)
        if file is not None:
            (tests / "hidden" / path).parent.mkdir(parents=True, exist_ok=True)
            write_file(tests / "hidden" / path, file)


def _write_environment(task: Task, environment: Path, folder: Path) -> None:
    """Lay the buggy tree out beside the environment's own Dockerfile."""
    dockerfile = environment / "Dockerfile"
    if not dockerfile.is_file():
        raise JourneymanError(
            f"{task.instance_id}: its environment {task.environment} has no Dockerfile",
            "journeyman tasks build makes it again",
        )
    shutil.copyfile(dockerfile, folder / "Dockerfile")
    tree = folder / "repository"
    shutil.copytree(environment / "repository", tree, symlinks=True)
    changed = apply_patches(environment / "repository", [task.bug_patch])
    for path, file in (changed | dict.fromkeys(task.hidden_paths)).items():
        (tree / path).unlink(missing_ok=True)
        if file is not None:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            write_file(tree / path, file)


def _settings(task: Task) -> dict[str, object]:
    return {
        "version": "1.0",
        "metadata": {
            "author_name": "Journeyman",
            "difficulty": "medium",
            "category": "software-engineering",
            "tags": [task.language, task.origin.road, task.origin.strategy],
            "instance_id": task.instance_id,
            "repo": task.repo,
        },
        "verifier": {"timeout_sec": task.verifier.timeout_s + 60.0},
        "agent": {"timeout_sec": 3600.0},
        "environment": {
            "build_timeout_sec": 1800.0,
            "cpus": 2,
            "memory_mb": 4096,
            "storage_mb": 10240,
        },
    }


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
    path.chmod(0o755)


def _read_task(place: Path) -> Task:
    try:
        settings = tomllib.loads((place / "task.toml").read_text(encoding="utf-8"))
        statement = (place / "instruction.md").read_text(encoding="utf-8")
        held = (place / "tests/task.json").read_text(encoding="utf-8")
        task = Task.model_validate_json(held)
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise JourneymanError(
            f"{place} has no {name}: it says nothing of a fix and of tests by name",
            "only folders that Journeyman wrote can be read back as tasks",
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        reason = str(error).split("\n", 1)[0]
        raise JourneymanError(f"{place} cannot be read: {reason}", "write it again") from None
    named = settings.get("metadata", {}).get("instance_id", task.instance_id)
    return task.model_copy(update={"problem_statement": statement, "instance_id": str(named)})
