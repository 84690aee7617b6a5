import math
from itertools import combinations

import pytest

from journeyman.evals import bootstrap_mean, pass_at_k, wilson


def test_wilson_agrees_with_figures_worked_by_hand():
    # 8 of 10: (0.8 + 0.19208 ± 1.96·sqrt(0.016 + 0.009604)) / 1.38416
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.490157, abs=1e-6)
    assert high == pytest.approx(0.943319, abs=1e-6)


@pytest.mark.parametrize("n", [1, 7, 500])
def test_wilson_touches_the_ends_only_where_the_rate_does(n):
    assert wilson(0, n)[0] == 0.0
    assert wilson(n, n)[1] == 1.0
    assert wilson(0, n)[1] == pytest.approx(1.96**2 / (n + 1.96**2))


def test_wilson_knows_nothing_without_trials():
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 0, 2), (6, 5, 2), (4, 4, 4)])
def test_pass_at_k_is_the_share_of_draws_with_a_pass(n, c, k):
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_k_stays_exact_where_binomials_overflow_floats():
    exact = 1 - math.comb(99_000, 50) / math.comb(100_000, 50)
    assert pass_at_k(100_000, 1_000, 50) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, 1, 0), (4, 1, 5)])
def test_pass_at_k_refuses_the_impossible(n, c, k):
    with pytest.raises(ValueError, match=r"of|needs"):
        pass_at_k(n, c, k)


def test_bootstrap_is_repeatable_and_holds_the_mean():
    values = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    low, high = bootstrap_mean(values)
    assert (low, high) == bootstrap_mean(values)
    assert 0.25 <= low < sum(values) / len(values) < high <= 1.0


def test_bootstrap_of_one_value_is_that_value():
    assert bootstrap_mean([3.5]) == (3.5, 3.5)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([])
