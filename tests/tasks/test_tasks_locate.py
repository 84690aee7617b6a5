"""Which function a fault is in: said for one-line repairs, with the numbers that the agent will find."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.scaffolds.line import Place, find_place
from journeyman.tasks import load_taskset, save_taskset
from journeyman.tasks.locate import innermost_function, locate
from journeyman.tasks.mutate import Mutation, iterate_mutations, reverse_diff
from journeyman.tasks.taskset import Taskset
from journeyman.types import Origin, Task, TaskView, VerifierSpec

SOURCE = """\
LIMIT = 3


def outer(items):
    def inner(item):
        return item < LIMIT

    return [it for it in items if inner(it)]


def longer(items):
    total = 0
    for item in items:
        if item > LIMIT:
            total += item
    return total
"""


def task_of(number: int, mutation: Mutation, language: str = "python") -> Task:
    return Task(
        instance_id=f"a__b-{number}",
        repo="a/b",
        base_commit="",
        problem_statement="It is wrong.",
        patch=reverse_diff(mutation.patch),
        FAIL_TO_PASS=("t.py::test",),
        PASS_TO_PASS=(),
        language=language,
        environment="e",
        bug_patch=mutation.patch,
        verifier=VerifierSpec(command="true", log_parser="pytest"),
        origin=Origin(road="mutate", strategy=mutation.kind),
    )


@pytest.fixture
def taskset(tmp_path: Path) -> Taskset:
    repository = tmp_path / "set/environments/e/repository"
    repository.mkdir(parents=True)
    (repository / "m.py").write_text(SOURCE)
    (repository.parent / "environment.json").write_text("{}")
    bugs = list(iterate_mutations(repository, kinds=("comparison_change", "removed_loop_body")))
    tasks = [task_of(number, bug) for number, bug in enumerate(bugs)]
    tasks.append(task_of(len(tasks), bugs[0], "go"))
    found = Taskset(name="set", folder=tmp_path / "set", tasks=tuple(tasks), created_at="")
    save_taskset(found)
    return found


def test_the_smallest_function_around_a_line_counts() -> None:
    assert innermost_function(SOURCE, 6) == (5, 6)
    assert innermost_function(SOURCE, 8) == (4, 8)
    assert innermost_function(SOURCE, 1) is None


def test_tasks_of_one_line_say_where_their_function_is(taskset: Taskset) -> None:
    found = locate(taskset)
    assert found.dropped["not Python"] == 1
    assert found.dropped["not one line"] >= 1
    places = {find_place(TaskView.model_validate(_seen(task))) for task in found.kept}
    assert places == {Place("m.py", 5, 6), Place("m.py", 11, 16)}
    assert all(task.problem_statement == "It is wrong." for task in found.kept)


def _seen(task: Task) -> dict[str, object]:
    return {name: getattr(task, name) for name in TaskView.model_fields if name != "workspace"}


def test_the_verb_joins_tasksets_into_a_new_one(taskset: Taskset, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tasks", "locate", str(taskset.folder), "--out", str(tmp_path / "located")])
    assert ended.value.code == 0
    located = load_taskset(tmp_path / "located")
    assert [it.instance_id for it in located.tasks] == [
        it.instance_id for it in locate(taskset).kept
    ]
    assert (located.environments / "e/repository/m.py").read_text() == SOURCE


def test_only_short_functions_get_a_bug_where_that_is_asked_for(taskset: Taskset) -> None:
    repository = taskset.environments / "e/repository"
    every = {it.function for it in iterate_mutations(repository)}
    short = {it.function for it in iterate_mutations(repository, max_function_lines=2)}
    assert {"outer.inner", "longer"} <= every
    assert short == {"outer.inner"}
