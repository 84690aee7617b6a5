"""Paired tests, power and distributions against numbers that are known."""

from __future__ import annotations

from itertools import product

import pytest

from journeyman.evals.comparison import compare_rates, mcnemar, num_tasks_needed, permutation
from journeyman.evals.distribution import bands_of_turns, spread


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 1, 0.0390625), (3, 3, 1.0)],
)
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int, p_value: float) -> None:
    assert mcnemar(first, second) == pytest.approx(p_value)
    assert mcnemar(second, first) == pytest.approx(p_value)


def test_permutation_counts_every_sign_of_few_differences() -> None:
    values = [0.5, -0.25, 1.0]
    totals = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True)))
        for signs in product((1, -1), repeat=3)
    ]
    expected = sum(total >= abs(sum(values)) - 1e-9 for total in totals) / 8
    assert permutation(values) == pytest.approx(expected)
    assert permutation([0.0, 0.0]) == 1.0


def test_permutation_draws_where_there_are_many_and_repeats_itself() -> None:
    values = [1.0] * 20 + [-1.0] * 10
    assert permutation(values) == permutation(values)
    assert 0.05 < permutation(values) < 0.15  # the exact binomial value is 0.0987


def test_only_tasks_that_both_tried_are_compared() -> None:
    found = compare_rates({"a": 1.0, "b": 1.0, "c": 0.0}, {"b": 0.0, "c": 0.0, "d": 1.0})
    assert (found.num_tasks, found.only_first, found.only_second) == (2, 1, 0)
    assert found.difference == 0.5
    assert not found.is_settled
    assert compare_rates({"a": 1.0}, {"b": 1.0}).num_tasks == 0


def test_equal_outcomes_are_no_certainty() -> None:
    found = compare_rates(dict.fromkeys("abcde", 0.0), dict.fromkeys("abcde", 0.0))
    low, high = found.interval
    assert low == -high
    assert 0.3 < high < 0.5
    assert found.tasks_needed is None


def test_several_rollouts_of_a_task_are_compared_by_permutation() -> None:
    found = compare_rates({"a": 0.5, "b": 1.0}, {"a": 0.25, "b": 0.5})
    assert found.test == "permutation"


def test_tasks_needed_follow_the_usual_formula() -> None:
    differences = [1.0] * 6 + [-1.0] * 2 + [0.0] * 12
    needed = num_tasks_needed(differences)
    assert needed is not None
    assert needed == pytest.approx((1.96 + 0.8416) ** 2 * 0.36 / 0.04, rel=0.02)
    assert num_tasks_needed([0.0, 0.0]) is None
    assert num_tasks_needed([1.0, -1.0]) is None


def test_a_spread_and_bands_of_turns() -> None:
    found = spread([1, 2, 3, 4, 10])
    assert (found.num, found.mean, found.median, found.most) == (5, 4.0, 3.0, 10.0)
    assert spread([]).num == 0
    bands = bands_of_turns([(1, False), (4, True), (60, True), (60, False), (400, False)])
    assert [(band.first, band.last, band.num_rollouts, band.num_resolved) for band in bands] == [
        (0, 1, 1, 0),
        (2, 5, 1, 1),
        (51, 75, 2, 1),
        (301, 400, 1, 0),
    ]
