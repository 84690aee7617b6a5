"""From what happened to a reward and a final record, by the two tables of `errors.py` alone."""

from __future__ import annotations

from journeyman.errors import ENDINGS, FAILURES
from journeyman.flow.jobs import AgentWork, Seat
from journeyman.types import Ending, Failure, Reward, Rollout, Verdict

__all__ = ["finish", "score"]


def score(ending: Ending, verdict: Verdict | None, failure: Failure | None) -> Reward:
    """Return 1 for a resolved task and 0 for one that is not, plus the ending's penalty.

    A failure whose reward the table calls invalid, or no verdict at all, gives an invalid reward.
    """
    if failure is not None and not FAILURES[failure.cause].reward_is_valid:
        return Reward(value=0.0, is_valid=False)
    if verdict is None:
        return Reward(value=0.0, is_valid=False)
    parts = {"outcome": 1.0 if verdict.is_resolved else 0.0}
    penalty = ENDINGS[ending].penalty
    if penalty and not verdict.is_resolved:
        parts["unfinished"] = penalty
    return Reward(value=sum(parts.values()), parts=parts)


def finish(
    seat: Seat,
    scaffold: str,
    *,
    work: AgentWork | None,
    verdict: Verdict | None,
    failure: Failure | None,
    num_attempts: int,
) -> Rollout:
    """Put a rollout's final record together; `failure` is that of a stage that was given up."""
    work = work or AgentWork(ending=Ending.FAILED)
    failure = failure or work.failure
    return Rollout(
        rollout_id=seat.rollout_id,
        instance_id=seat.instance_id,
        group_id=seat.group_id,
        scaffold=scaffold,
        model=seat.label,
        ending=work.ending,
        patch=work.patch,
        verdict=verdict,
        reward=score(work.ending, verdict, failure),
        failure=failure,
        num_attempts=num_attempts,
        num_turns=work.num_turns,
        num_prompt_tokens=work.num_prompt_tokens,
        num_completion_tokens=work.num_completion_tokens,
        num_format_errors=work.num_format_errors,
        cost_usd=work.cost_usd,
        started_at=work.started_at,
        rollout_duration_s=work.duration_s,
        evaluation_duration_s=verdict.duration_s if verdict else 0.0,
    )
