"""Which tests a verifier runs follows from what they reach and what they cost, nothing else."""

from pathlib import Path

from journeyman.tasks.baseline import Baseline
from journeyman.tasks.narrowing import Narrowing
from journeyman.tasks.probe import Probe
from journeyman.tasks.reach import CALLS_AROUND_TEST, Reach


def make_baseline(calls, reached, *, costly=()):
    """Return a baseline of tests with these calls; `reached` maps lines of `a.py` to tests."""
    tests = ("", *calls)
    place = {test: number for number, test in enumerate(tests)}
    stable = {test: test.partition("::")[0] for test in sorted(calls) if test not in costly}
    return Baseline(
        narrowing=Narrowing("python -m pytest", "pytest", Path("/nonexistent")),
        stable=stable,
        costly={test: test.partition("::")[0] for test in costly},
        num_unstable=0,
        duration_s=1.0,
        probe=Probe(
            tests=tests,
            reached={
                "a.py": {line: tuple(place[test] for test in of) for line, of in reached.items()}
            },
            calls=calls,
            durations=dict.fromkeys(calls, 0.5),
        ),
    )


def select(baseline, line, *, max_calls=10**6, max_files=8):
    return Reach(baseline, max_files=max_files, max_calls=max_calls).select("a.py", [line])


def test_a_cheap_file_is_run_as_a_whole():
    baseline = make_baseline({"t.py::a": 10, "t.py::b": 10, "u.py::c": 10}, {1: ["t.py::a"]})
    selection = select(baseline, 1)
    assert selection.targets == ("t.py",)
    assert selection.tests == ("t.py::a", "t.py::b")
    assert selection.duration_s == 1.0


def test_of_a_dear_file_the_functions_that_reach_the_lines_and_the_cheapest_others():
    calls = {"t.py::a[1]": 10, "t.py::a[2]": 10, "t.py::dear": 900_000, "t.py::cheap": 10}
    baseline = make_baseline(calls, {1: ["t.py::a[2]"]})
    selection = select(baseline, 1, max_calls=800_000)
    assert selection.targets == ("t.py::a", "t.py::cheap")
    assert selection.tests == ("t.py::a[1]", "t.py::a[2]", "t.py::cheap")
    alone = select(baseline, 1, max_calls=2 * CALLS_AROUND_TEST + 20)
    assert alone.targets == ("t.py::a",), "nothing else fits"


def test_the_only_test_that_reaches_the_lines_is_run_whatever_it_costs():
    baseline = make_baseline({"t.py::a": 5000, "t.py::b": 0}, {1: ["t.py::a"]})
    assert select(baseline, 1, max_calls=1).targets == ("t.py::a",)


def test_functions_stand_in_the_order_in_which_the_suite_runs_them():
    calls = {f"t.py::{name}": 10 for name in ("z", "m", "a")} | {"t.py::dear": 10**7}
    selection = select(make_baseline(calls, {1: ["t.py::a", "t.py::z"]}), 1)
    assert selection.targets == ("t.py::z", "t.py::m", "t.py::a")


def test_a_file_with_a_test_that_is_left_out_is_not_run_as_a_whole():
    calls = {"t.py::a": 10, "t.py::left": 10, "t.py::b": 10}
    baseline = make_baseline(calls, {1: ["t.py::a"], 2: ["t.py::left"]}, costly=["t.py::left"])
    assert select(baseline, 1).targets == ("t.py::a", "t.py::b")
    assert select(baseline, 2) is None
    reach = Reach(baseline, max_files=8, max_calls=10**6)
    assert reach.is_reached_by_costly("a.py", [2])
    assert not reach.is_reached_by_costly("a.py", [1, 3])


def test_files_that_reach_the_lines_most_come_first_and_benchmarks_last():
    calls = {"bench.py::a": 1, "bench.py::b": 1, "t.py::a": 1, "u.py::a": 1, "u.py::b": 1}
    baseline = make_baseline(calls, {1: list(calls), 2: ["bench.py::a"]})
    assert select(baseline, 1).targets == ("t.py", "u.py")
    assert select(baseline, 1, max_files=1).targets == ("u.py",)
    assert select(baseline, 2).targets == ("bench.py",)


def test_lines_that_run_at_import_concern_the_tests_that_run_the_file():
    calls = {"t.py::a": 1, "u.py::b": 1, "v.py::c": 1}
    baseline = make_baseline(calls, {1: [""], 2: ["t.py::a"], 3: ["u.py::b"]})
    assert select(baseline, 1).targets == ("t.py", "u.py")
    alone = make_baseline(calls, {1: [""]})
    assert select(alone, 1).targets == ("t.py", "u.py", "v.py"), "nobody knows, so all may"
    assert select(baseline, 9) is None
