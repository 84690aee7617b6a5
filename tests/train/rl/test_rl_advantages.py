"""Baselines and scales of a group, with numbers made by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.train.rl.advantages import group_advantages, pass_rate

REWARDS = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.5])
ALL = torch.ones(5, dtype=torch.bool)


def test_grpo_is_the_distance_from_the_mean_in_deviations() -> None:
    # mean 0.5, deviation sqrt((4 * 0.25 + 0) / 5) = sqrt(0.2)
    found = group_advantages(REWARDS, ALL)
    size = 0.5 / 0.2**0.5
    torch.testing.assert_close(found, torch.tensor([size, -size, -size, size, 0.0]))


def test_dr_grpo_does_not_divide() -> None:
    found = group_advantages(REWARDS, ALL, scale="none")
    torch.testing.assert_close(found, torch.tensor([0.5, -0.5, -0.5, 0.5, 0.0]))


def test_leave_one_out_is_the_mean_of_the_others() -> None:
    found = group_advantages(REWARDS, ALL, baseline="leave_one_out", scale="none")
    # others of the first: (0 + 0 + 1 + 0.5) / 4 = 0.375
    torch.testing.assert_close(found[0], torch.tensor(1 - 0.375))
    mean = group_advantages(REWARDS, ALL, scale="none")
    torch.testing.assert_close(found, mean * 5 / 4)


def test_max_rl_divides_by_the_mean() -> None:
    found = group_advantages(torch.tensor([1.0, 0.0, 0.0, 0.0]), ALL[:4], scale="mean")
    torch.testing.assert_close(found, torch.tensor([3.0, -1.0, -1.0, -1.0]))


def test_a_rollout_that_the_machine_failed_is_no_zero() -> None:
    rewards = torch.tensor([1.0, 0.0, -7.0])
    valid = torch.tensor([True, True, False])
    found = group_advantages(rewards, valid, scale="none")
    torch.testing.assert_close(found, torch.tensor([0.5, -0.5, 0.0]))


@pytest.mark.parametrize("rewards", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.3]])
@pytest.mark.parametrize("baseline", ["mean", "leave_one_out"])
def test_a_group_without_spread_teaches_nothing(rewards: list[float], baseline: str) -> None:
    valid = torch.ones(len(rewards), dtype=torch.bool)
    found = group_advantages(torch.tensor(rewards), valid, baseline=baseline)  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.zeros(len(rewards)))


def test_no_valid_rollout_gives_zeros_and_no_rate() -> None:
    none = torch.zeros(2, dtype=torch.bool)
    assert group_advantages(torch.tensor([1.0, 0.0]), none).tolist() == [0.0, 0.0]
    assert pass_rate(torch.tensor([1.0, 0.0]), none) is None


def test_the_pass_rate_counts_valid_rollouts_alone() -> None:
    outcomes = torch.tensor([1.0, 0.0, 1.0, 1.0])
    assert pass_rate(outcomes, torch.tensor([True, True, False, True])) == pytest.approx(2 / 3)
