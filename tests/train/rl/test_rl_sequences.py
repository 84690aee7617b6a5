"""Rollouts as sequences: tokens as drawn, one advantage a rollout, groups that tell something."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from journeyman.errors import JourneymanError
from journeyman.train.rl.selection import check_disjoint, group_rollouts, select_groups
from journeyman.train.rl.sequences import policy_sequences
from journeyman.types import (
    Completion,
    Ending,
    FormatError,
    Message,
    Reward,
    Rollout,
    Trajectory,
    Turn,
    Verdict,
)


def rollout(name: str = "r", group: str = "g", solved: bool = True, valid: bool = True) -> Rollout:
    return Rollout(
        rollout_id=name,
        instance_id="i",
        group_id=group,
        scaffold="bash",
        model="m",
        ending=Ending.SUBMITTED,
        verdict=Verdict(is_resolved=solved),
        reward=Reward(value=float(solved), is_valid=valid),
    )


def turn(prompt: list[int], drawn: list[int], text: str = "", **changed: Any) -> Turn:
    completion = Completion(
        text=text,
        token_ids=tuple(drawn),
        logprobs=tuple(-float(it) for it in drawn),
        model_version=changed.pop("version", ""),
        finish_reason=changed.pop("finish_reason", "stop"),
    )
    return Turn(
        prompt_token_ids=tuple(prompt),
        completion=completion,
        message=Message(role="assistant"),
        **changed,
    )


def trajectory(*turns: Turn) -> Trajectory:
    return Trajectory(scaffold="bash", model="m", turns=turns)


def characters(token_ids: Any, text: str) -> list[tuple[int, int]]:
    return [(at, at + 1) for at in range(len(token_ids))]


def test_tokens_logprobs_and_advantages_run_in_parallel() -> None:
    (only,) = policy_sequences(
        rollout(), [trajectory(turn([1, 2], [3], version="4"), turn([5], [6, 7]))], advantage=0.5
    )
    assert list(only.token_ids) == [1, 2, 3, 5, 6, 7]
    assert list(only.is_drawn) == [0, 0, 1, 0, 1, 1]
    assert list(only.logprobs) == [0, 0, -3, 0, -6, -7]
    assert list(only.advantages) == [0, 0, 0.5, 0, 0.5, 0.5]
    assert (only.share, only.versions) == (1.0, ("4", ""))


def test_branches_and_rewritten_prompts_share_one_advantage() -> None:
    first = trajectory(turn([1], [2]), turn([9], [3], prompt_tokens_are_rewritten=True))
    found = policy_sequences(rollout(), [first, trajectory(turn([1], [4]))], advantage=-1.0)
    assert [it.share for it in found] == [pytest.approx(1 / 3)] * 3
    assert [list(it.advantages)[-1] for it in found] == [-1.0] * 3


def test_only_the_tokens_of_a_malformed_call_are_penalised() -> None:
    error = FormatError(kind="bad_json", message="", start=1, end=3)
    bad = turn([1], [2, 3, 4], "abc", format_errors=(error,))
    (only,) = policy_sequences(
        rollout(), [trajectory(bad)], advantage=1.0, penalty_weight=1.0, offsets=characters
    )
    assert list(only.advantages) == [0.0, 1.0, -0.5, -0.5]


def test_a_turn_that_the_limit_cut_is_not_penalised() -> None:
    error = FormatError(kind="unclosed_call", message="", start=0, end=3)
    cut = turn([1], [2, 3, 4], "abc", format_errors=(error,), finish_reason="length")
    (only,) = policy_sequences(
        rollout(), [trajectory(cut)], advantage=1.0, penalty_weight=1.0, offsets=characters
    )
    assert list(only.advantages) == [0.0, 1.0, 1.0, 1.0]


def test_a_turn_without_logprobs_is_refused() -> None:
    bare = Turn(completion=Completion(token_ids=(1,)), message=Message(role="assistant"))
    with pytest.raises(JourneymanError, match="turn 1 of rollout r has no tokens"):
        policy_sequences(rollout(), [trajectory(bare)], advantage=1.0)


def test_groups_that_all_failed_or_all_solved_are_left_out() -> None:
    members = [
        rollout("1", "mixed", True),
        rollout("2", "mixed", False),
        rollout("3", "easy", True),
        rollout("4", "easy", True),
        rollout("5", "hard", False),
        rollout("6", "hard", False),
        rollout("7", "broken", True),
        rollout("8", "broken", False, valid=False),
    ]
    found = select_groups(group_rollouts(members))
    assert list(found.groups) == ["mixed"]
    assert found.dropped == {"all_solved": 1, "all_failed": 1, "too_few": 1}
    assert found.pass_rates == {"mixed": 0.5, "easy": 1.0, "hard": 0.0, "broken": 1.0}


def test_a_band_of_pass_rates_can_be_asked_for() -> None:
    members = [rollout(str(at), "g", at == 0) for at in range(8)]
    assert not select_groups(group_rollouts(members), lowest=0.2).groups
    assert select_groups(group_rollouts(members), lowest=0.1).groups


def test_prompts_of_two_stages_must_differ() -> None:
    check_disjoint(["a", "b"], ["c"], "sft")
    with pytest.raises(JourneymanError, match="1 prompts of sft are among those"):
        check_disjoint(["a", "b"], ["b", "c"], "sft")
