"""Every way in which a task can be broken is met by the check that is there for it."""

import asyncio
import hashlib
import shlex

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.gate import CHECKS
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.mutate import unified_diff
from journeyman.tasks.taskset import Taskset
from journeyman.tasks.validate import validate_tasks
from journeyman.tasks.workspace import find_base_commit
from journeyman.types import VerifierSpec

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def made(make_shop) -> Taskset:
    project, environment, root = make_shop()
    config = MakeConfig(num_tasks=1, kinds=("comparison_change",), exclude=("*/stock.py",))
    return asyncio.run(make_tasks(project, environment, root, config=config)).taskset


async def failed_checks(made: Taskset, repeats: int = 1, **changes: object) -> dict[str, str]:
    """Change the one task and return the checks that fail, with what they say."""
    task = made.tasks[0].model_copy(update=changes)
    if "hidden_paths" in changes or "bug_patch" in changes:
        commit = await find_base_commit(task, made.environments)
        task = task.model_copy(update={"base_commit": commit})
    (result,) = await validate_tasks(
        made.model_copy(update={"tasks": (task,)}), repeats=repeats, concurrency=1
    )
    assert result.failure is None
    failed = {check.name: check.detail for check in result.checks if not check.is_ok}
    assert result.is_valid == (not failed)
    assert all(failed.values()), "a failed check says why"
    return failed


def shell_verifier(task, condition: str) -> VerifierSpec:
    """Return a verifier that runs no test: it prints what a test run would, as a condition says."""
    lines = [f'echo "$status {test}"' for test in task.FAIL_TO_PASS]
    lines += [f'echo "PASSED {test}"' for test in task.PASS_TO_PASS]
    test = f"if {condition}; then status=PASSED; else status=FAILED; fi"
    return VerifierSpec(command="\n".join([test, *lines]))


def source_of(made: Taskset) -> bytes:
    return (made.environments / "shop1/repository/shop/prices.py").read_bytes()


async def test_a_sound_task_passes_every_check(made):
    said = []
    (result,) = await validate_tasks(made, repeats=3, on_progress=said.append)
    assert result.is_valid
    assert tuple(check.name for check in result.checks) == CHECKS
    assert result.flaky_tests == ()
    assert said == ["1 of 1 tasks, 1 valid"]


async def test_a_test_that_passes_on_the_buggy_state(made):
    task = made.tasks[0]
    passing = task.PASS_TO_PASS[0]
    failed = await failed_checks(made, FAIL_TO_PASS=(*task.FAIL_TO_PASS, passing))
    assert f"{passing} does not fail (passed)" in failed["fails_on_buggy"]
    assert "passes_on_fixed" not in failed


async def test_a_test_that_does_not_pass_on_the_fixed_state(made):
    task = made.tasks[0]
    failed = await failed_checks(made, PASS_TO_PASS=(*task.PASS_TO_PASS, "tests/x.py::test_gone"))
    assert failed["passes_on_fixed"] == "tests/x.py::test_gone does not pass (missing)"


async def test_a_flaky_test(made):
    task = made.tasks[0]
    flaky = "tests/test_coin.py::test_coin"
    # Half of the runs pass, so that ten that agree are one case in five hundred.
    coin = "import os\ndef test_coin(): assert os.urandom(1)[0] % 2\n"
    command = f"printf %s {shlex.quote(coin)} > tests/test_coin.py\n{task.verifier.command} "
    whole = task.verifier.model_copy(update={"command": command + "tests/test_coin.py"})
    failed = await failed_checks(
        made, repeats=10, verifier=whole, FAIL_TO_PASS=(*task.FAIL_TO_PASS, flaky)
    )
    assert f"{flaky} differs between runs" in failed["is_stable"]


async def test_a_task_that_the_empty_patch_solves(made):
    passing = made.tasks[0].PASS_TO_PASS[:1]
    failed = await failed_checks(made, FAIL_TO_PASS=passing, PASS_TO_PASS=())
    assert failed["empty_patch_fails"] == "the empty patch solves it"


async def test_a_verifier_that_any_change_satisfies(made):
    task = made.tasks[0]
    fixed = f"{hashlib.sha256(source_of(made)).hexdigest()}  -"
    is_fixed = f'[ "$(sha256sum < shop/prices.py)" = "{fixed}" ]'
    is_touched = "grep -q '# This changes nothing' shop/prices.py"
    failed = await failed_checks(made, verifier=shell_verifier(task, f"{is_fixed} || {is_touched}"))
    assert failed["noop_patch_fails"] == "a patch that does nothing solves it"


async def test_a_verifier_that_only_looks_for_the_text_of_the_fix(made):
    task = made.tasks[0]
    (line,) = [line[1:] for line in task.patch.split("\n") if line[:1] == "+" and line[1:2] != "+"]
    failed = await failed_checks(
        made, verifier=shell_verifier(task, f"grep -qxF '{line}' shop/prices.py")
    )
    assert set(failed) == {"verifier_runs_tests"}
    assert "passes without" in failed["verifier_runs_tests"]


async def test_a_verifier_that_says_nothing(made):
    failed = await failed_checks(made, verifier=VerifierSpec(command="exit 0"))
    assert {"fails_on_buggy", "passes_on_fixed", "verifier_runs_tests"} <= failed.keys()


async def test_a_gold_patch_that_is_not_the_reverse(made):
    task = made.tasks[0]
    fixed = source_of(made)
    buggy_line, fixed_line = (
        next(x[1:] for x in task.patch.split("\n") if x[:1] == sign and x[1:2] != sign)
        for sign in "-+"
    )
    buggy = fixed.replace(fixed_line.encode(), buggy_line.encode())
    other = unified_diff("shop/prices.py", buggy, fixed + b"# fixed\n")
    failed = await failed_checks(made, patch=other)
    assert failed["gold_reverses_bug"]
    assert failed["trees_are_identical"] == "shop/prices.py differs"
    assert "passes_on_fixed" not in failed, "it does solve the task"


async def test_a_gold_patch_that_does_not_apply(made):
    task = made.tasks[0]
    failed = await failed_checks(made, patch=task.patch.replace("\n ", "\n nonsense "))
    assert set(failed) == {"can_be_tried"}


async def test_a_bug_that_does_not_apply(made):
    task = made.tasks[0].model_copy(update={"bug_patch": made.tasks[0].patch})
    (result,) = await validate_tasks(made.model_copy(update={"tasks": (task,)}), repeats=1)
    assert not result.is_valid
    assert [check.name for check in result.checks] == ["can_be_tried"]


async def test_tests_that_the_agent_would_see(made):
    failed = await failed_checks(made, hidden_paths=())
    assert "no file is hidden" in failed["tests_are_hidden"]


async def test_a_wrong_base_commit(made):
    assert set(await failed_checks(made, base_commit="0" * 40)) == {"can_be_tried"}


async def test_a_copy_of_the_fix_that_lies_elsewhere(make_shop):
    project, environment, root = make_shop()
    config = MakeConfig(num_tasks=1, kinds=("comparison_change",), exclude=("*/stock.py",))
    made = (await make_tasks(project, environment, root, config=config)).taskset
    copy = root / "environments/shop1/toolchain/lib/prices.py"
    copy.write_bytes(source_of(made))
    failed = await failed_checks(made)
    assert failed == {"tests_are_hidden": "shop/prices.py is also at toolchain/lib/prices.py"}


async def test_a_statement_that_gives_the_fix_away(made):
    task = made.tasks[0]
    failed = await failed_checks(made, problem_statement=f"Do this:\n{task.patch}")
    assert failed == {"statement_leaks_nothing": "a diff"}
    failed = await failed_checks(made, problem_statement=" \n")
    assert failed == {"statement_leaks_nothing": "the statement is empty"}


async def test_no_repeats_are_refused(made):
    with pytest.raises(JourneymanError, match="repeats is 0"):
        await validate_tasks(made, repeats=0)
