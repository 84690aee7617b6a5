"""Every algorithm of the policy loss, with numbers and gradients made by hand.

Two sequences in two groups: the first has two drawn tokens, the second one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.train.rl.policy_loss import DrawnTokens, policy_loss
from journeyman.train.rl.settings import Mismatch, PolicyLoss

OLD = [math.log(0.5), math.log(0.25), math.log(0.5)]
RATIOS = [1.5, 1.0, 0.5]
ADVANTAGES = [1.0, 1.0, -1.0]


def tokens(ratios: list[float] = RATIOS, **changed: Any) -> DrawnTokens:
    old = torch.tensor(OLD, dtype=torch.float64)
    new = (old + torch.tensor(ratios, dtype=torch.float64).log()).requires_grad_()
    fields: dict[str, Any] = {
        "logprobs_N": new,
        "old_logprobs_N": old,
        "sampler_logprobs_N": old,
        "advantages_N": torch.tensor(ADVANTAGES, dtype=torch.float64),
        "sequence_N": torch.tensor([0, 0, 1]),
        "share_S": torch.ones(2, dtype=torch.float64),
        "group_S": torch.tensor([0, 1]),
    }
    return DrawnTokens(**{**fields, **changed})


def value(given: DrawnTokens, **settings: Any) -> float:
    return float(policy_loss(given, PolicyLoss(**settings))[0].detach())


def gradient(given: DrawnTokens, **settings: Any) -> list[float]:
    policy_loss(given, PolicyLoss(**settings))[0].backward()
    assert given.logprobs_N.grad is not None
    found: list[float] = given.logprobs_N.grad.tolist()
    return found


def test_grpo_clips_each_token_and_averages_sequences() -> None:
    # First: -min(1.5, 1.2) = -1.2 and -1: mean -1.1. Second: -min(-0.5, -0.8) = 0.8.
    assert value(tokens(), algorithm="grpo") == pytest.approx((-1.1 + 0.8) / 2)
    # Clipped tokens have no gradient; the second is -ratio * A / 2 tokens / 2 sequences.
    assert gradient(tokens(), algorithm="grpo") == pytest.approx([0.0, -0.25, 0.0])


def test_dapo_clips_higher_and_averages_tokens() -> None:
    assert value(tokens(), algorithm="dapo") == pytest.approx((-1.28 - 1.0 + 0.8) / 3)


def test_dr_grpo_divides_sums_by_a_constant() -> None:
    found = value(tokens(), algorithm="dr_grpo", constant=10.0)
    assert found == pytest.approx((-1.2 - 1.0 + 0.8) / (10 * 2))


def test_gspo_takes_the_ratio_of_the_whole_sequence() -> None:
    first = math.sqrt(1.5)
    wide = {"clip_low": 0.9, "clip_high": 0.9}
    assert value(tokens(), algorithm="gspo", **wide) == pytest.approx((-first + 0.5) / 2)
    # d/dlogp of -s A, averaged over 2 tokens and 2 sequences.
    found = gradient(tokens(), algorithm="gspo", **wide)
    assert found == pytest.approx([-first / 4, -first / 4, 0.5 / 2])


def test_gspo_clips_whole_sequences_by_its_own_small_range() -> None:
    # 1.22 > 1.0004 with A > 0, and 0.5 < 0.9997 with A < 0: both are held.
    found, figures = policy_loss(tokens(), PolicyLoss())
    assert float(found.detach()) == pytest.approx((-1.0004 + 0.9997) / 2)
    assert figures["clipped"] == 1.0
    assert gradient(tokens()) == [0.0, 0.0, 0.0]


def test_gspo_does_not_hold_back_what_leads_home() -> None:
    # The sequence fell and should rise: the pessimistic bound keeps its gradient.
    found = gradient(tokens([0.5, 0.5, 2.0]))
    assert found == pytest.approx([-0.5 / 4, -0.5 / 4, 2.0 / 2])


def test_cispo_keeps_a_gradient_at_clipped_tokens() -> None:
    found = gradient(tokens(), algorithm="cispo")
    # The weight is clipped to 1.28 and has no gradient itself: -weight * A / 3 tokens.
    assert found == pytest.approx([-1.28 / 3, -1.0 / 3, 0.5 / 3])
    expected = -(1.28 * (OLD[0] + math.log(1.5)) + OLD[1] - 0.5 * (OLD[2] + math.log(0.5))) / 3
    assert value(tokens(), algorithm="cispo") == pytest.approx(expected)


def test_groups_can_weigh_the_same() -> None:
    three = tokens(
        sequence_N=torch.tensor([0, 1, 2]),
        share_S=torch.ones(3, dtype=torch.float64),
        group_S=torch.tensor([0, 0, 7]),
    )
    found = value(three, algorithm="grpo", aggregation="group")
    assert found == pytest.approx(((-1.2 - 1.0) / 2 + 0.8) / 2)


def test_a_rollout_that_became_two_sequences_weighs_as_one() -> None:
    # The first rollout is sequences 0 and 1, of one token each; the second is sequence 2.
    split = tokens(
        sequence_N=torch.tensor([0, 1, 2]),
        share_S=torch.tensor([0.5, 0.5, 1.0], dtype=torch.float64),
        group_S=torch.tensor([0, 0, 1]),
    )
    assert value(split, algorithm="grpo") == pytest.approx(value(tokens(), algorithm="grpo"))


def test_the_reference_adds_its_divergence() -> None:
    apart = tokens([1.0, 1.0, 1.0], reference_logprobs_N=torch.tensor(OLD, dtype=torch.float64) - 1)
    k3 = math.exp(-1) - 1 + 1
    found = value(apart, algorithm="dapo", kl_weight=0.5)
    assert found == pytest.approx(-1 / 3 + 0.5 * k3)
    with pytest.raises(ValueError, match="log-probabilities"):
        policy_loss(tokens(), PolicyLoss(kl_weight=0.5))


def test_the_sampler_that_disagrees_is_corrected() -> None:
    # Of the first token it said half of what the trainer says: weight 2. Cap at 1.5.
    sampler = torch.tensor([OLD[0] - math.log(2), OLD[1], OLD[2]], dtype=torch.float64)
    given = tokens([1.0, 1.0, 1.0], sampler_logprobs_N=sampler)
    mended = Mismatch(truncate_at=1.5)
    found = value(given, algorithm="dapo", mismatch=mended)
    assert found == pytest.approx((-1.5 - 1 + 1) / 3)
    dropped = Mismatch(truncate_at=None, token_high=1.9)
    assert value(given, algorithm="dapo", mismatch=dropped) == pytest.approx((0 - 1 + 1) / 3)
    whole = Mismatch(truncate_at=None, sequence_high=1.3)  # sqrt(2) is beyond
    assert value(given, algorithm="dapo", mismatch=whole) == pytest.approx(1 / 3)


def test_one_impossible_token_drops_its_sequence() -> None:
    sampler = torch.tensor([OLD[0] + 12.0, OLD[1], OLD[2]], dtype=torch.float64)
    loss, figures = policy_loss(
        tokens([1.0, 1.0, 1.0], sampler_logprobs_N=sampler),
        PolicyLoss(algorithm="dapo", mismatch=Mismatch(veto=1e-4)),
    )
    assert float(loss.detach()) == pytest.approx(1 / 3)
    assert figures["mismatch_dropped"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("algorithm", ["grpo", "dr_grpo", "dapo", "gspo"])
def test_gradients_agree_with_finite_differences(algorithm: str) -> None:
    given = tokens([1.1, 0.95, 1.05])
    settings = PolicyLoss(algorithm=algorithm, clip_low=0.5, clip_high=0.5)  # type: ignore[arg-type]

    def loss(logprobs: Any) -> Any:
        return policy_loss(replace(given, logprobs_N=logprobs), settings)[0]

    if (
        algorithm == "gspo"
    ):  # its token form stops gradients: compare with the sequence form instead
        ratios = given.logprobs_N - given.old_logprobs_N
        first, second = ratios[:2].mean().exp(), ratios[2].exp()
        expected = torch.autograd.grad((-first + second) / 2, given.logprobs_N)[0]
        assert gradient(given, **settings.model_dump()) == pytest.approx(expected.tolist())
    else:
        assert torch.autograd.gradcheck(loss, (given.logprobs_N.detach().requires_grad_(),))


def test_no_token_at_all_is_a_loss_of_zero() -> None:
    empty = torch.zeros(0, requires_grad=True)
    nothing = DrawnTokens(
        logprobs_N=empty,
        old_logprobs_N=empty.detach(),
        sampler_logprobs_N=empty.detach(),
        advantages_N=empty.detach(),
        sequence_N=torch.zeros(0, dtype=torch.long),
        share_S=torch.zeros(0),
        group_S=torch.zeros(0, dtype=torch.long),
    )
    for algorithm in ("grpo", "dr_grpo", "dapo", "gspo", "cispo"):
        found = policy_loss(nothing, PolicyLoss(algorithm=algorithm))[0]  # type: ignore[arg-type]
        assert float(found.detach()) == 0.0
