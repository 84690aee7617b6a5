import asyncio

import pytest
from pydantic import ValidationError

from journeyman.errors import JourneymanError
from journeyman.tasks.funnel import REASONS
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.mutate import KINDS, reverse_diff
from journeyman.tasks.order import in_order
from journeyman.tasks.taskset import load_taskset
from journeyman.tasks.validate import validate_tasks

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
async def test_made_tasks_pass_the_whole_gate(make_shop, runner):
    project, environment, root = make_shop(runner)
    said = []
    made = await make_tasks(
        project, environment, root, config=MakeConfig(num_tasks=4), on_progress=said.append
    )
    assert load_taskset(root) == made.taskset
    assert len(made.taskset.tasks) == 4
    assert said
    for task in made.taskset.tasks:
        assert task.instance_id.startswith("shop__shop-")
        assert task.patch == reverse_diff(task.bug_patch)
        assert set(task.hidden_paths) <= {"tests/test_prices.py", "tests/test_stock.py"}
        assert all(path in task.verifier.command for path in task.hidden_paths) or (
            runner == "unittest"
        )
        assert not any("Odd" in test for test in (*task.FAIL_TO_PASS, *task.PASS_TO_PASS))
        assert task.origin.strategy in KINDS
    results = await validate_tasks(made.taskset, repeats=2)
    assert [result.instance_id for result in results] == [t.instance_id for t in made.taskset.tasks]
    assert all(result.is_valid for result in results), results
    assert all(result.duration_s > 0 for result in results)


async def test_the_funnel_accounts_for_every_candidate(make_shop):
    project, environment, root = make_shop()
    config = MakeConfig(num_tasks=500, max_candidates=14, seed=3)
    made = await make_tasks(project, environment, root, config=config)
    funnel = made.funnel
    assert funnel.num_candidates == 14
    assert funnel.num_candidates == funnel.num_validated + sum(funnel.dropped.values())
    assert funnel.num_validated == len(made.taskset.tasks) == sum(funnel.kinds.values())
    assert funnel.num_screened == 14 - funnel.dropped.get("not_covered", 0)
    assert funnel.dropped["not_covered"], "never_tested() gets bugs too"
    assert all("return a + b" not in task.patch for task in made.taskset.tasks)
    assert {reason.partition(":")[0] for reason in funnel.dropped} <= REASONS.keys()
    assert funnel.num_tests == 10
    assert funnel.num_unstable_tests == 2
    assert funnel.cpu_s > 0
    assert len(funnel.kinds) > 3


async def test_a_seed_gives_the_same_tasks_whatever_the_timing(make_shop):
    lines = []
    for concurrency in (1, 4):
        # Without flaky tests: whether one run shows them as such is chance, not timing.
        project, environment, root = make_shop(tests__test_odd="")
        config = MakeConfig(num_tasks=3, seed=7, concurrency=concurrency, repeats=1)
        await make_tasks(project, environment, root, config=config)
        lines.append((root / "tasks.jsonl").read_bytes())
    assert lines[0] == lines[1]


async def test_only_the_kinds_that_were_asked_for(make_shop):
    project, environment, root = make_shop()
    config = MakeConfig(num_tasks=3, kinds=("comparison_change",), exclude=("*/stock.py",))
    made = await make_tasks(project, environment, root, config=config)
    assert made.taskset.tasks
    for task in made.taskset.tasks:
        assert task.origin.strategy == "comparison_change"
        assert task.origin.location.startswith("shop/prices.py:")


async def test_wrong_input_is_named_before_anything_runs(make_shop):
    project, environment, root = make_shop()
    with pytest.raises(JourneymanError, match="unknown mutation kind negated_conditions") as caught:
        await make_tasks(
            project, environment, root, config=MakeConfig(kinds=("negated_conditions",))
        )
    assert caught.value.hint == "did you mean negated_condition?"
    (root / "taskset.toml").touch()
    with pytest.raises(JourneymanError, match="holds a taskset already"):
        await make_tasks(project, environment, root, config=MakeConfig())
    for wrong in ({"num_tasks": 0}, {"repeats": 0}, {"max_failing_share": 2}, {"nope": 1}):
        with pytest.raises(ValidationError):
            MakeConfig.model_validate(wrong)


async def test_a_project_without_sources_gives_no_tasks(make_shop):
    project, environment, root = make_shop()
    made = await make_tasks(project, environment, root, config=MakeConfig(exclude=("*",)))
    assert made.taskset.tasks == ()
    assert made.funnel.num_candidates == 0
    assert load_taskset(root).tasks == ()


async def test_results_come_in_order_and_what_is_left_is_ended():
    ended = []

    async def work(number):
        try:
            await asyncio.sleep(0.05 if number % 2 else 0.001)
        except asyncio.CancelledError:
            ended.append(number)
            raise
        return number

    results = in_order(work, iter(range(100)), concurrency=4)
    assert [await anext(results) for _ in range(10)] == list(range(10))
    await results.aclose()
    assert ended
    assert max(ended) < 10 + 3 * 4

    async def fails(number):
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        await anext(in_order(fails, range(5), concurrency=2))


async def test_a_bug_that_never_ends_is_dropped_by_its_processor_time(make_shop):
    countdown = """\
def countdown(start):
    steps = []
    while start > 0:
        start -= 1
        steps.append(start)
        del steps[:-9]
    return steps
"""
    test = (
        "from shop.count import countdown\n\n\ndef test_it():\n    assert len(countdown(5)) == 5\n"
    )
    project, environment, root = make_shop(shop__count=countdown, tests__test_count=test)
    config = MakeConfig(
        num_tasks=99, kinds=("augmented_assignment_change",), exclude=("*/prices.py", "*/stock.py")
    )
    made = await make_tasks(project, environment, root, config=config)
    assert made.funnel.dropped["timeout"] == made.funnel.num_screened > 0


async def test_what_is_left_out_is_said_and_used_by_no_task(make_shop):
    slow = "from shop.prices import cheapest\n\n\ndef test_slow():\n    "
    slow += "assert [cheapest([n]) for n in range(5000)] == list(range(5000))\n"
    project, environment, root = make_shop(tests__test_slow=slow)
    said = []
    config = MakeConfig(num_tasks=3, max_test_calls=4000, exclude=("*/stock.py",))
    made = await make_tasks(project, environment, root, config=config, on_progress=said.append)
    assert made.funnel.costly_tests == ("tests/test_slow.py::test_slow",)
    assert made.funnel.costly_means == "4000 calls or 20 s"
    assert "1 tests of over 4000 calls or 20 s are left out" in said
    for task in made.taskset.tasks:
        assert "test_slow" not in task.verifier.command
        assert not any("test_slow" in test for test in (*task.FAIL_TO_PASS, *task.PASS_TO_PASS))
