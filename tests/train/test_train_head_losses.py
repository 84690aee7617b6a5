"""Cross-entropy whose gradient is made in the same pass: the plain one's values and gradients."""

import pytest

torch = pytest.importorskip("torch")

from journeyman.train import head_losses
from journeyman.train.head_losses import weighted_losses

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of three positions, so that ten make four of them and the last is not full."""
    monkeypatch.setattr(head_losses, "_SCORES", 27)
    monkeypatch.setattr(head_losses, "_FEWEST", 1)


def given(dtype=torch.float64, num=10):
    draw = torch.Generator().manual_seed(2)
    hidden = torch.randn(num, 6, generator=draw, dtype=dtype, requires_grad=True)
    head = torch.randn(9, 6, generator=draw, dtype=dtype, requires_grad=True)
    targets = torch.randint(9, (num,), generator=draw)
    return hidden, head, targets, torch.randn(num, generator=draw, dtype=dtype)


def plain(hidden, head, targets):
    scores = torch.nn.functional.linear(hidden, head)
    return torch.nn.functional.cross_entropy(scores, targets, reduction="none")


def test_values_and_gradients_are_those_of_the_whole_at_once():
    hidden, head, targets, weights = given()
    total, losses = weighted_losses(hidden, head, targets, weights)
    expected = plain(hidden, head, targets)
    torch.testing.assert_close(losses, expected.detach())
    torch.testing.assert_close(total, (expected * weights).sum())
    ours = torch.autograd.grad(3 * total, (hidden, head))
    theirs = torch.autograd.grad(3 * (expected * weights).sum(), (hidden, head))
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert not losses.requires_grad


def test_without_weights_all_count_one():
    hidden, head, targets, _ = given()
    total, losses = weighted_losses(hidden, head, targets)
    torch.testing.assert_close(total, losses.sum())


def test_its_gradient_is_that_of_finite_differences():
    hidden, head, targets, weights = given(num=5)

    def total(*leaves):
        return weighted_losses(*leaves, targets, weights)[0]

    assert torch.autograd.gradcheck(total, (hidden, head))


def test_what_is_frozen_or_not_asked_for_gets_no_gradient():
    hidden, head, targets, weights = given()
    total, _ = weighted_losses(hidden, head.detach(), targets, weights)
    total.backward()
    assert head.grad is None
    again, head, targets, weights = given()
    (plain(again, head, targets) * weights).sum().backward()
    torch.testing.assert_close(hidden.grad, again.grad)
    with torch.no_grad():
        total, losses = weighted_losses(hidden, head, targets, weights)
    assert not total.requires_grad
    torch.testing.assert_close(losses, plain(hidden, head, targets).detach())


def test_no_positions_have_no_loss_and_gradients_of_nothing():
    hidden, head, targets, weights = given(num=0)
    total, losses = weighted_losses(hidden, head, targets, weights)
    total.backward()
    assert float(total.detach()) == 0
    assert len(losses) == 0
    assert not head.grad.any()


def test_under_autocast_products_are_halved_and_sums_are_not():
    hidden, head, targets, weights = given(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, losses = weighted_losses(hidden, head, targets, weights)
    assert losses.dtype == torch.float32
    total.backward()
    assert hidden.grad.dtype == head.grad.dtype == torch.float32
    expected, whole, *rest = given(torch.float32)
    (plain(expected, whole, rest[0]) * rest[1]).sum().backward()
    torch.testing.assert_close(hidden.grad, expected.grad, rtol=0.05, atol=0.05)
    torch.testing.assert_close(head.grad, whole.grad, rtol=0.05, atol=0.05)
    assert not torch.equal(head.grad, whole.grad)


def test_a_head_in_bfloat16_has_its_gradient_in_bfloat16():
    hidden, head, targets, weights = given(torch.bfloat16)
    total, losses = weighted_losses(hidden, head, targets, weights)
    total.backward()
    assert losses.dtype == total.dtype == torch.float32
    assert hidden.grad.dtype == head.grad.dtype == torch.bfloat16
