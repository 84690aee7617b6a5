import json

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.baseline import measure_baseline
from journeyman.tasks.narrowing import Narrowing
from journeyman.tasks.reach import MAX_CALLS, Reach

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
async def test_stable_tests_and_what_they_reach(make_shop, runner):
    _, environment, root = make_shop(runner)
    folder = root / "environments" / environment.digest
    baseline = await measure_baseline(environment, folder, num_runs=5, concurrency=2)
    names = {test.replace("::", ".").rpartition(".")[2] for test in baseline.stable}
    assert len(baseline.stable) == 10
    assert names.isdisjoint({"test_flaky", "test_fails", "test_skipped"})
    assert baseline.num_unstable == 2
    assert set(baseline.stable.values()) == {"tests/test_prices.py", "tests/test_stock.py"}
    assert baseline.costly == {}

    def reaching(path, line, limit=9):
        reach = Reach(baseline, max_files=limit, max_calls=MAX_CALLS)
        selection = reach.select(path, range(line, line + 1))
        return selection and selection.targets

    assert reaching("shop/prices.py", 6) == ("tests/test_prices.py", "tests/test_stock.py")
    assert reaching("shop/prices.py", 6, limit=1) == ("tests/test_prices.py",)
    assert reaching("shop/prices.py", 18) == ("tests/test_prices.py",)
    assert reaching("shop/stock.py", 16) == ("tests/test_stock.py",)
    assert reaching("shop/stock.py", 29) is None, "no test runs this line"
    assert reaching("shop/stock.py", 6) == ("tests/test_stock.py",), "an import concerns its users"


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
async def test_a_test_that_calls_too_much_is_left_out(make_shop, runner):
    slow = """\
import unittest

from shop.prices import cheapest


class SlowCase(unittest.TestCase):
    def test_slow(self):
        self.assertTrue(all(cheapest([number]) == number for number in range(3000)))

    def test_quick(self):
        self.assertEqual(cheapest([1]), 1)
"""
    _, environment, root = make_shop(runner, tests__test_slow=slow)
    folder = root / "environments" / environment.digest
    baseline = await measure_baseline(environment, folder, max_test_calls=2000)
    (test,) = baseline.costly
    assert test.endswith("test_slow")
    assert baseline.costly[test] == "tests/test_slow.py"
    assert test not in baseline.stable
    assert baseline.probe.calls[test] == 2000, "counting ends there"
    quick = next(test for test in baseline.stable if test.endswith("test_quick"))
    assert 0 < baseline.probe.calls[quick] < 2000
    reach = Reach(baseline, max_files=9, max_calls=MAX_CALLS)
    selection = reach.select("shop/prices.py", range(18, 19))
    assert quick in selection.tests
    assert "tests/test_slow.py" not in selection.targets, "its file is not run as a whole"
    assert quick in selection.targets or runner == "unittest"


MANY = """\
import sys

import pytest


@pytest.mark.parametrize("number", range(210))
def test_number(number):
    assert number >= 0
"""


def write_build_run(folder, tests):
    """Write what the build of an environment writes down of its last run."""
    kept = {"duration_s": 1.0, "tests": tests}
    (folder / "baseline.json").write_text(json.dumps(kept))


async def test_a_long_suite_is_probed_in_parts_and_trusts_no_neighbours(make_shop):
    first = MANY + "\n\ndef test_needs_other():\n    assert 'test_second' in str(sys.modules)\n"
    probe = "def test_unprofiled():\n    assert sys.getprofile() is None\n"
    second = f"{MANY}\n\n{probe}"
    _, environment, root = make_shop(tests__test_first=first, tests__test_second=second)
    folder = root / "environments" / environment.digest
    files = {"first": "test_needs_other", "second": "test_unprofiled"}
    names = {
        f"tests/test_{file}.py::{name}": "passed"
        for file, own in files.items()
        for name in (own, *(f"test_number[{number}]" for number in range(210)))
    }
    old = "tests/test_stock.py::StockCase::"
    names |= {old + test: "passed" for test in ("test_take", "test_worth")}
    write_build_run(folder, names)
    baseline = await measure_baseline(environment, folder, concurrency=2)
    assert "tests/test_first.py::test_needs_other" not in baseline.stable
    assert "tests/test_second.py::test_unprofiled" in baseline.stable, "the probe failed it"
    assert old + "test_take" in baseline.stable
    assert old + "test_count" not in baseline.stable, "the build did not see it pass"
    assert {"tests/test_second.py::test_number[9]", "tests/test_first.py::test_number[9]"} <= (
        baseline.stable.keys()
    )
    assert len(baseline.probe.tests) == len(set(baseline.probe.tests))
    taking = baseline.probe.tests_reaching("shop/stock.py", range(17, 19))
    assert old + "test_take" in taking


async def test_a_suite_in_which_nothing_passes_is_an_error(make_shop):
    fails = "def test_a():\n    assert False\n"
    _, environment, root = make_shop(
        tests__test_prices=fails, tests__test_stock=fails, tests__test_odd=fails
    )
    with pytest.raises(JourneymanError, match="no test of shop passes"):
        await measure_baseline(environment, root / "environments" / environment.digest)


def test_commands_are_narrowed(tmp_path):
    (tmp_path / "tests").mkdir()
    files = ["tests/test_a.py", "tests/test_b.py"]
    for file in files:
        (tmp_path / file).touch()
    whole = "python -m pytest -v -o addopts="
    for command in (whole, f"{whole} tests", f"{whole} tests ."):
        narrowing = Narrowing(command, "pytest", tmp_path)
        assert narrowing.command(["tests/test_a.py::test_x"]).endswith(" tests/test_a.py::test_x")
        assert narrowing.command(files) == f"{whole} --tb=line tests/test_a.py tests/test_b.py"
    deselecting = Narrowing("python -m pytest --ignore tests", "pytest", tmp_path)
    assert deselecting.command(["a b.py"]) == "python -m pytest --ignore tests --tb=line 'a b.py'"
    assert deselecting.file_of("tests/test_a.py::Case::test[x::y]") == "tests/test_a.py"


@pytest.mark.parametrize(
    ("options", "test", "narrowed"),
    [
        ("-s tests -t .", "tests.test_a.Case.test_x", "python -m unittest -v tests.test_a"),
        ("-s tests", "test_a.Case.test_x", None),
    ],
)
def test_unittest_names_and_commands(tmp_path, options, test, narrowed):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    whole = f"python -m unittest discover -v {options}"
    narrowing = Narrowing(whole, "unittest", tmp_path)
    assert narrowing.file_of(test) == "tests/test_a.py"
    assert narrowing.can_run(["tests/test_a.py"]) == (narrowed is not None)
    assert narrowing.target_of(test) == test
    if narrowed:
        assert narrowing.command([test]) == f"python -m unittest -v {test}"
    assert narrowing.file_of("unittest.loader._FailedTest.tests.test_b") == ""
    assert narrowing.command(["tests/test_a.py"]) == (narrowed or whole)
