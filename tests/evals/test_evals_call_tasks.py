"""Tasks whose answer is a tool call: made, tried and graded in sandboxes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.evals.calls.tasks import CallTasksConfig, make_call_tasks
from journeyman.flow import RolloutConfig, run_rollouts
from journeyman.flow.plan import planned
from journeyman.flow.task_template import check_template, template_name
from journeyman.models.remedy import TURN_FILE, recorded_calls
from journeyman.runs import RunFolder
from journeyman.tasks import Taskset, load_taskset
from journeyman.tasks.functions.hidden_tests import new_file_diff
from journeyman.tasks.validate import validate_tasks
from journeyman.types import TestStatus
from journeyman.verify import grade


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOURNEYMAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Taskset:
    folder = tmp_path_factory.mktemp("calls")
    config = CallTasksConfig(num=2, templates=("hermes", "qwen3_coder"), seed=3)
    return asyncio.run(make_call_tasks(config, folder))


@pytest.mark.sandbox
async def test_each_template_has_its_tasks_and_all_pass_the_gate(made: Taskset) -> None:
    assert load_taskset(made.folder) == made
    assert [task.template for task in made.tasks] == ["hermes"] * 2 + ["qwen3_coder"] * 2
    assert all(recorded_calls(task.patch) for task in made.tasks)
    results = await validate_tasks(made, repeats=1)
    assert all(result.is_valid for result in results), results


@pytest.mark.sandbox
async def test_the_oracle_solves_all_and_noop_none(made: Taskset, tmp_path: Path) -> None:
    config = RolloutConfig(
        taskset=made.folder, models=("oracle", "noop"), scaffold="calls", template="task"
    )
    with RunFolder.create(tmp_path, "rollout", "calls", config=config, argv=("test",)) as run:
        async with planned(config) as plan:
            rollouts = await run_rollouts(config, run, plan=plan)
    solved = {"oracle": 0, "noop": 0}
    for it in rollouts:
        assert it.failure is None
        solved[it.model] += bool(it.verdict and it.verdict.is_resolved)
    assert solved == {"oracle": 4, "noop": 0}


@pytest.mark.sandbox
async def test_a_call_has_to_be_well_formed_and_right(made: Taskset) -> None:
    task = next(it for it in made.tasks if recorded_calls(it.patch)[0].arguments)
    (gold,) = recorded_calls(task.patch)
    formed, right = task.FAIL_TO_PASS
    well, other = {"name": gold.name, "arguments": gold.arguments}, {"name": "x", "arguments": {}}
    few = {"name": gold.name, "arguments": dict(list(gold.arguments.items())[1:])}
    for calls, errors, expected in (
        ([well], [], (True, True)),
        ([well], ["wrong_type"], (False, True)),
        ([well, well], [], (True, False)),
        ([other], [], (True, False)),
        ([few], [], (True, False)),
        ([], [], (False, False)),
    ):
        text = json.dumps({"calls": calls, "errors": errors}) + "\n"
        patch = new_file_diff(TURN_FILE, text)
        verdict = (await grade(task, made.environments, patch)).verdict
        passed = tuple(verdict.tests[name] is TestStatus.PASSED for name in (formed, right))
        assert passed == expected, (calls, errors)
        assert verdict.is_resolved == all(expected)


@pytest.mark.sandbox
async def test_questions_of_a_file(tmp_path: Path) -> None:
    parameters = {"type": "dict", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = {
        "id": "simple_0",
        "question": [[{"role": "user", "content": "Square seven."}]],
        "function": [{"name": "m.square", "description": "Square.", "parameters": parameters}],
    }
    (tmp_path / "q.json").write_text(json.dumps(asked) + "\n")
    truth = {"id": "simple_0", "ground_truth": [{"m.square": {"n": [7, "seven"]}}]}
    (tmp_path / "a.json").write_text(json.dumps(truth) + "\n")
    config = CallTasksConfig(
        templates=("hermes",), questions=tmp_path / "q.json", answers=tmp_path / "a.json"
    )
    taskset = await make_call_tasks(config, tmp_path / "made")
    (task,) = taskset.tasks
    (call,) = recorded_calls(task.patch) or ()
    assert (call.name, call.arguments) == ("m_square", {"n": 7})
    for value, is_good in ((7, True), ("Seven", True), (8, False)):
        calls = [{"name": "m_square", "arguments": {"n": value}}]
        patch = new_file_diff(TURN_FILE, json.dumps({"calls": calls, "errors": []}) + "\n")
        graded = await grade(task, taskset.environments, patch)
        assert graded.verdict.is_resolved is is_good


@pytest.mark.sandbox
def test_a_run_speaks_the_template_of_its_task(made: Taskset) -> None:
    hermes, _, coder, _ = made.tasks
    assert template_name("task", hermes) == "hermes"
    assert template_name("glm46", coder) == "glm46"
    check_template("task", made.tasks)
    silent = hermes.model_copy(update={"template": ""})
    with pytest.raises(JourneymanError, match="names no template"):
        check_template("task", [coder, silent])
    wrong = hermes.model_copy(update={"template": "hermess"})
    with pytest.raises(JourneymanError, match="hermess"):
        check_template("task", [wrong])
