"""Merges of weights, with numbers made by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.errors import JourneymanError
from journeyman.train.distill.merging import merge

BASE = {"w": torch.tensor([1.0, 1.0, 1.0, 1.0]), "n": torch.tensor([3])}
FIRST = {"w": torch.tensor([2.0, 1.1, 1.0, 0.0]), "n": torch.tensor([3])}
SECOND = {"w": torch.tensor([4.0, 0.0, 1.0, 1.0]), "n": torch.tensor([3])}
# Differences: [1, 0.1, 0, -1] and [3, -1, 0, 0].


def merged(**settings: object) -> list[float]:
    found: list[float] = merge(BASE, [FIRST, SECOND], **settings)["w"].tolist()  # type: ignore[arg-type]
    return found


def test_the_average_of_experts() -> None:
    assert merged() == pytest.approx([3.0, 0.55, 1.0, 0.5])


def test_task_arithmetic_adds_scaled_differences() -> None:
    assert merged(method="arithmetic", scale=0.5) == pytest.approx([3.0, 0.55, 1.0, 0.5])
    assert merged(method="arithmetic", scale=1.0) == pytest.approx([5.0, 0.1, 1.0, 0.0])


def test_ties_trims_elects_a_sign_and_averages_who_agrees() -> None:
    # Half is kept: [1, 0, 0, -1] and [3, -1, 0, 0]. No sign conflicts are left but in none.
    assert merged(method="ties", keep=0.5) == pytest.approx([3.0, 0.0, 1.0, 0.0])
    # All is kept: at the second place -1 outweighs 0.1, which is left out.
    assert merged(method="ties", keep=1.0) == pytest.approx([3.0, 0.0, 1.0, 0.0])


def test_dare_keeps_everything_at_one_and_its_expectation_below() -> None:
    assert merged(method="dare", keep=1.0) == pytest.approx(merged())
    base = {"w": torch.zeros(100_000)}
    expert = {"w": torch.ones(100_000)}
    found = merge(base, [expert], method="dare", keep=0.3, seed=1)["w"]
    assert float(found.mean()) == pytest.approx(1.0, abs=0.02)
    assert found.unique().tolist() == pytest.approx([0.0, 1 / 0.3])
    again = merge(base, [expert], method="dare", keep=0.3, seed=1)["w"]
    assert torch.equal(found, again)


def test_types_of_the_base_are_kept() -> None:
    half = {"w": torch.ones(2, dtype=torch.bfloat16)}
    assert merge(half, [half])["w"].dtype is torch.bfloat16
    assert merge(BASE, [FIRST])["n"].tolist() == [3]


def test_models_of_another_shape_are_refused() -> None:
    with pytest.raises(JourneymanError, match="expert 2 is not of the base's architecture: w"):
        merge(BASE, [FIRST, {**SECOND, "w": torch.ones(3)}])
    with pytest.raises(JourneymanError, match="no expert"):
        merge(BASE, [])
