import json
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.taskset import Taskset, load_taskset, save_taskset
from journeyman.types import Origin, Task, VerifierSpec


def make_task(number: int) -> Task:
    return Task(
        instance_id=f"demo__demo-{number:04d}",
        repo="demo",
        base_commit="0" * 40,
        problem_statement="Ünicode \u2028 and\nlines",
        patch="diff",
        FAIL_TO_PASS=("tests/test_a.py::test_b",),
        environment="abc",
        verifier=VerifierSpec(command="python -m pytest"),
        origin=Origin(road="mutate", strategy="comparison_change"),
    )


@pytest.fixture
def taskset(tmp_path: Path) -> Taskset:
    folder = tmp_path / "demo"
    (folder / "environments" / "abc").mkdir(parents=True)
    (folder / "environments" / "abc" / "environment.json").write_text("{}")
    made = Taskset(name="demo", folder=folder, tasks=(make_task(1), make_task(2)), project="demo")
    save_taskset(made)
    return made


def test_what_is_saved_is_loaded(taskset: Taskset):
    assert load_taskset(taskset.folder) == taskset


def test_equal_tasksets_are_equal_bytes(taskset: Taskset):
    before = {path: path.read_bytes() for path in taskset.folder.iterdir() if path.is_file()}
    save_taskset(taskset)
    assert before == {p: p.read_bytes() for p in taskset.folder.iterdir() if p.is_file()}
    assert sorted(path.name for path in before) == ["tasks.jsonl", "taskset.toml"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda lines: [lines[0], '{"instance_id": 1'], "tasks.jsonl:2: not a task"),
        (lambda lines: [lines[0], '{"instance_id": "x"}'], "tasks.jsonl:2: not a task"),
        (
            lambda lines: [lines[0], "", lines[0]],
            "tasks.jsonl:3: demo__demo-0001 is already on line 1",
        ),
        (
            lambda lines: [json.dumps({**json.loads(lines[0]), "environment": "zzz"})],
            "tasks.jsonl:1: demo__demo-0001 needs the environment zzz",
        ),
    ],
)
def test_a_bad_line_is_named(taskset: Taskset, change, complaint):
    path = taskset.folder / "tasks.jsonl"
    path.write_text("\n".join(change(path.read_text().rstrip("\n").split("\n"))))
    with pytest.raises(JourneymanError) as caught:
        load_taskset(taskset.folder)
    assert complaint in caught.value.message
    assert caught.value.hint


def test_missing_folder_and_missing_files_are_errors(tmp_path: Path, taskset: Taskset):
    with pytest.raises(JourneymanError, match="no taskset at"):
        load_taskset(tmp_path / "nowhere")
    with pytest.raises(JourneymanError, match=r"has no taskset\.toml"):
        load_taskset(tmp_path)
    (taskset.folder / "tasks.jsonl").unlink()
    with pytest.raises(JourneymanError, match=r"tasks\.jsonl is missing"):
        load_taskset(taskset.folder)


def test_two_tasks_of_one_name_are_not_saved(taskset: Taskset):
    twice = taskset.model_copy(update={"tasks": (make_task(1), make_task(1))})
    with pytest.raises(JourneymanError, match="two tasks are called"):
        save_taskset(twice)
    assert load_taskset(taskset.folder) == taskset
