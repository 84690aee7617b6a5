import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.baseline import measure_baseline
from journeyman.tasks.narrowing import Narrowing

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
    assert len(baseline.stable_in(["tests/test_stock.py"])) == 5

    def reaching(path, line, limit=9):
        return baseline.files_reaching(path, range(line, line + 1), limit)

    assert reaching("shop/prices.py", 6) == ("tests/test_prices.py", "tests/test_stock.py")
    assert reaching("shop/prices.py", 6, limit=1) == ("tests/test_prices.py",)
    assert reaching("shop/prices.py", 18) == ("tests/test_prices.py",)
    assert reaching("shop/stock.py", 16) == ("tests/test_stock.py",)
    assert reaching("shop/stock.py", 29) == (), "no test runs this line"
    assert len(reaching("shop/stock.py", 6)) == 2, "an import may concern any test"


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
    assert narrowing.file_of("unittest.loader._FailedTest.tests.test_b") == ""
    assert narrowing.command(["tests/test_a.py"]) == (narrowed or whole)
