import pytest

from journeyman.errors import ENDINGS, FAILURES, AttributedError
from journeyman.types import Ending


def test_every_ending_has_a_rule() -> None:
    assert set(ENDINGS) == set(Ending)


def test_an_infrastructure_failure_never_becomes_a_reward() -> None:
    retried = [rule for rule in FAILURES.values() if rule.retry_budget == "infrastructure"]
    assert retried
    assert not any(rule.reward_is_valid or rule.is_graded for rule in retried)


def test_penalties_never_reward() -> None:
    assert all(rule.penalty <= 0 for rule in ENDINGS.values())


def test_an_unknown_cause_is_refused() -> None:
    with pytest.raises(KeyError):
        AttributedError("bad_luck")
    assert AttributedError("sandbox_died", "gone").failure.detail == "gone"
