"""Divergences of distillation, with numbers made by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.train.distill.divergence import (
    forward_kl,
    jensen_shannon,
    reverse_kl,
    sampled_advantages,
    top_reverse_kl,
)
from journeyman.train.distill.retention import retention

STUDENT = torch.tensor([[0.5, 0.25, 0.25]]).log()
TEACHER = torch.tensor([[0.25, 0.25, 0.5]]).log()
KL = 0.5 * math.log(2) + 0.25 * math.log(0.5)


def test_both_directions_by_hand() -> None:
    assert float(reverse_kl(STUDENT, TEACHER)) == pytest.approx(KL)
    lopsided = torch.tensor([[0.5, 0.4, 0.1]]).log()
    backward = 0.5 * math.log(0.5 / 0.25) + 0.4 * math.log(0.4 / 0.25) + 0.1 * math.log(0.1 / 0.5)
    forward = 0.25 * math.log(0.25 / 0.5) + 0.25 * math.log(0.25 / 0.4) + 0.5 * math.log(0.5 / 0.1)
    assert float(reverse_kl(lopsided, TEACHER)) == pytest.approx(backward)
    assert float(forward_kl(lopsided, TEACHER)) == pytest.approx(forward)


def test_scores_may_be_shifted_and_equal_models_are_not_apart() -> None:
    assert float(reverse_kl(STUDENT + 3, TEACHER - 2)) == pytest.approx(KL)
    assert float(reverse_kl(STUDENT, STUDENT)) == pytest.approx(0.0, abs=1e-6)


def test_the_gradient_is_that_of_the_whole_distribution() -> None:
    student = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(4, 6, dtype=torch.float64)
    loss = reverse_kl(student, teacher).sum()
    (found,) = torch.autograd.grad(loss, student)
    # d KL / d score_v = p_v (log p_v - log q_v - KL)
    p, q = student.softmax(-1), teacher.softmax(-1)
    gap = p.log() - q.log()
    expected = p * (gap - (p * gap).sum(-1, keepdim=True))
    torch.testing.assert_close(found, expected.detach(), atol=1e-6, rtol=1e-5)


def test_jensen_shannon_lies_between_and_is_symmetric_at_one_half() -> None:
    half = float(jensen_shannon(STUDENT, TEACHER, beta=0.5))
    mixed = torch.tensor([0.375, 0.25, 0.375])
    of = lambda p: float((p * (p / mixed).log()).sum())  # noqa: E731
    expected = 0.5 * of(STUDENT.exp()[0]) + 0.5 * of(TEACHER.exp()[0])
    assert half == pytest.approx(expected, rel=1e-5)
    assert float(jensen_shannon(TEACHER, STUDENT, beta=0.5)) == pytest.approx(half, rel=1e-5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        jensen_shannon(STUDENT, TEACHER, beta=1.0)


def test_the_top_with_all_tokens_is_the_whole_and_with_fewer_no_more() -> None:
    student, teacher = torch.randn(5, 8), torch.randn(5, 8)
    logs = teacher.log_softmax(-1)
    whole = reverse_kl(student, teacher)
    for k in (8, 4, 1):
        top = logs.topk(k, dim=-1)
        part = top_reverse_kl(student, top.indices, top.values)
        assert bool((part <= whole + 1e-4).all())
    top = logs.topk(7, dim=-1)  # one token is left, so its bucket is that token
    torch.testing.assert_close(
        top_reverse_kl(student, top.indices, top.values), whole, atol=1e-4, rtol=1e-4
    )


def test_the_drawn_token_says_how_much_likelier_the_teacher_finds_it() -> None:
    teacher, student = torch.tensor([-1.0, -3.0]), torch.tensor([-2.0, -2.0])
    assert sampled_advantages(teacher, student).tolist() == [1.0, -1.0]
    mixed = sampled_advantages(teacher, student, torch.tensor([2.0, 2.0]), outcome_weight=0.5)
    assert mixed.tolist() == [2.0, 0.0]


def test_the_mean_of_drawn_tokens_is_the_reverse_divergence() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(STUDENT.exp()[0], 200_000, replacement=True, generator=generator)
    found = -sampled_advantages(TEACHER[0][drawn], STUDENT[0][drawn]).mean()
    assert float(found) == pytest.approx(KL, abs=0.01)


def test_retention_is_what_was_kept_of_a_gain() -> None:
    assert retention(0.2, 0.7, 0.65) == pytest.approx(0.9)
    assert retention(0.5, 0.5, 0.9) is None
    assert retention(0.5, 0.4, 0.9) is None
