import pytest

from journeyman.tasks.probe import TestFailure
from journeyman.tasks.statement import find_leaks, write_statement
from journeyman.types import Origin, Task, VerifierSpec

TESTS = """\
import pytest
from shop import total


def test_total_of_two():
    prices = [1, 2]
    unrelated = 7
    assert total(prices) == 3


@pytest.mark.parametrize("price", [-1, -2])
def test_negative(price):
    with pytest.raises(ValueError):
        total([price])


def test_helper():
    kept = total
    for one in range(3):
        assert kept([one]) == one
"""


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_shop.py").write_text(TESTS)
    return tmp_path


def failure(name, line, exception="AssertionError", message="", **parameters):
    return TestFailure(
        test=f"tests/test_shop.py::{name}",
        path="tests/test_shop.py",
        line=line,
        exception=exception,
        message=message,
        parameters=parameters,
    )


def test_a_wrong_result_is_shown_with_what_it_needs(repository):
    found = failure("test_total_of_two", 8, message="assert 2 == 3\n\n  Full diff:\n  cut")
    full, short, bare = write_statement(repository, "shop", "total", [found])
    assert full.startswith("`total` gives a wrong result\n")
    assert "prices = [1, 2]\nassert total(prices) == 3" in full
    assert "AssertionError: assert 2 == 3\n```" in full
    assert "`total(prices)` should be equal to `3`" in full
    assert "unrelated" not in full
    assert "Full diff" not in full
    assert "assert 2 == 3" not in short
    assert "```" not in bare
    assert all("test_" not in text for text in (full, short, bare))


def test_an_exception_and_parameters_are_shown(repository):
    found = failure("test_negative[-1]", 13, "KeyError", "at 0x7f0012345678", price="-1")
    full = write_statement(repository, "shop", "total", [found])[0]
    assert full.startswith("`total` raises an unexpected `KeyError`\n")
    assert "price = -1\nwith pytest.raises(ValueError):\n    total([price])" in full
    assert "at 0x…" in full


def test_what_is_private_or_not_called_is_not_named(repository):
    found = failure("test_total_of_two", 8)
    for function in ("_add", "other"):
        assert write_statement(repository, "shop", function, [found])[0].startswith("`shop` ")


def test_many_failures_are_told_by_the_shortest_few(repository):
    found = [failure("test_helper", 20), failure("test_total_of_two", 8)]
    found += [failure("test_negative[-1]", 13, "Failed", "DID NOT RAISE", price="-1")]
    full = write_statement(repository, "shop", "total", found)[0]
    assert full.count("```python") == 3
    assert "DID NOT RAISE" in full
    assert full == write_statement(repository, "shop", "total", found[::-1])[0], "order is no input"


def test_without_a_readable_failure_it_still_says_something(repository):
    for failures in ([], [failure("test_gone", 99)]):
        (text,) = write_statement(repository, "shop", "total", failures)
        assert "shop" in text
    assert "NotImplementedError" not in text


PATCH = """\
--- a/shop.py
+++ b/shop.py
@@ -1,2 +1,2 @@
 def total(prices):
-    return sum(prices[1:])
+    return sum(prices)
"""


def task(statement):
    return Task(
        instance_id="shop__shop-1",
        repo="shop",
        base_commit="0" * 40,
        problem_statement=statement,
        patch=PATCH,
        FAIL_TO_PASS=("tests/test_shop.py::test_total_of_two[1]", "tests.test_b.Case.test_c"),
        hidden_paths=("tests/test_shop.py",),
        verifier=VerifierSpec(command="pytest"),
        origin=Origin(road="mutate", strategy="slice_change"),
    )


@pytest.mark.parametrize(
    ("statement", "leak"),
    [
        ("It should `return  sum( prices )`.", "a line of the fix"),
        ("I see return sum(prices[1:]) there", "a line of the fix"),
        ("It is a slice_change.", "the kind of the bug"),
        ("Do this:\n@@ -1 +1 @@\n", "a diff"),
        ("See test_shop.py", "the name of a hidden file"),
        ("test_total_of_two fails", "the name of a hidden test: test_total_of_two"),
        ("test_c fails", "the name of a hidden test: test_c"),
    ],
)
def test_leaks_are_found(statement, leak):
    assert find_leaks(task("The sum of prices is wrong.")) == []
    assert find_leaks(task(statement))[0].startswith(leak)
