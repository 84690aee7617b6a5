"""Single-turn problems of a small real project, made, tried and graded in sandboxes."""

import json

import pytest

from journeyman.models import ScriptedModel
from journeyman.tasks.functions import FunctionsConfig, make_function_tasks
from journeyman.tasks.mutate.diff import reverse_diff
from journeyman.tasks.validate import validate_tasks
from journeyman.types import Message, TestStatus
from journeyman.verify import grade

pytestmark = pytest.mark.sandbox


def says(text):
    return [Message(role="assistant", content=text)]


def code(text):
    return says(f"```python\n{text}\n```")


RIGHT = "def cheapest(prices):\n    return sorted(prices)[0] if prices else None"
GREEDY = "def cheapest(prices):\n    return max(prices) if prices else None"


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
async def test_functions_become_tasks_that_pass_the_gate(make_shop, runner):
    project, environment, root = make_shop(runner)
    config = FunctionsConfig(num_tasks=2, repeats=1)
    made = await make_function_tasks(project, environment, root, config=config)
    tasks = {task.answer: task for task in made.taskset.tasks}
    assert tasks.keys() == {"shop/prices.py::total", "shop/prices.py::cheapest"}
    task = tasks["shop/prices.py::cheapest"]
    assert "Return the smallest price, or None." in task.problem_statement
    assert "min(prices)" not in task.problem_statement
    assert "def total(prices, discount=0): ..." in task.problem_statement
    assert len(task.FAIL_TO_PASS) >= 3
    results = await validate_tasks(made.taskset, repeats=1)
    assert all(result.is_valid for result in results), results


async def test_an_answer_that_reaches_out_is_not_safe(make_shop):
    project, environment, root = make_shop()
    config = FunctionsConfig(num_tasks=9, repeats=1)
    made = await make_function_tasks(project, environment, root, config=config)
    task = next(it for it in made.taskset.tasks if it.answer.endswith("cheapest"))
    sly = task.patch.replace("    return min(prices)", '    return eval("min(prices)")')
    assert sly != task.patch
    verdict = (await grade(task, made.taskset.environments, sly)).verdict
    assert all(verdict.tests[name] is TestStatus.PASSED for name in task.FAIL_TO_PASS)
    assert verdict.tests[task.PASS_TO_PASS[0]] is TestStatus.FAILED
    assert not verdict.is_resolved


async def test_tests_on_which_solutions_disagree_are_not_kept(make_shop):
    """Half of the model's solutions take the largest price: what it tells apart has no majority."""
    project, environment, root = make_shop()
    scripts = {
        "shop/prices.py:cheapest calls": says(
            json.dumps(
                {"calls": ["cheapest([7])", "cheapest([4, 9])", "cheapest([5, 5])", "len(3)"]}
            )
        ),
        "shop/prices.py:cheapest": code(GREEDY),
    }
    model = ScriptedModel("script", says("nothing"), scripts)
    config = FunctionsConfig(num_tasks=9, repeats=1, num_solutions=1)
    made = await make_function_tasks(project, environment, root, config=config, model=model)
    task = next(it for it in made.taskset.tasks if it.answer.endswith("cheapest"))
    assert "cheapest([7])" in task.test_patch
    assert "cheapest([5, 5])" in task.test_patch
    assert "cheapest([4, 9])" not in task.test_patch
    assert "cheapest([30, 10, 20])" not in task.test_patch, "one of two votes is no majority"
    assert made.funnel.model_use.num_calls > 0

    project, environment, root = make_shop()
    agreeing = ScriptedModel(
        "script", says("nothing"), scripts | {"shop/prices.py:cheapest": code(RIGHT)}
    )
    made = await make_function_tasks(project, environment, root, config=config, model=agreeing)
    task = next(it for it in made.taskset.tasks if it.answer.endswith("cheapest"))
    assert "cheapest([4, 9])" in task.test_patch
    assert task.patch == reverse_diff(task.bug_patch)
