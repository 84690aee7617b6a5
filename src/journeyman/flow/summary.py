"""What a run came to, as data: for each model, how much of it counts and what that says.

Only rollouts whose reward is valid are in a rate's denominator; what is left out is counted beside
it, never dropped in silence.

    summary = summarise(rollouts, plan.seats)
    print(summary.models[0].solve_rate, summary.models[0].interval)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import Field

from journeyman.flow.interval import wilson
from journeyman.flow.jobs import Seat
from journeyman.types import Data, Rollout

__all__ = ["Coverage", "ModelSummary", "RunSummary", "is_resolved", "summarise"]


class Coverage(Data):
    """Of what was asked for: how much there is, and how much of that counts."""

    num_expected: int = 0
    """The sum of the next four."""
    num_succeeded: int = 0
    """Finished with a valid reward: the denominator of every rate."""
    num_failed: int = 0
    """Finished without a valid reward, for a cause that is not the model's."""
    num_omitted: int = 0
    """Not finished."""
    num_ungraded: int = 0
    """Finished, and not graded because nobody asked for it yet."""


class ModelSummary(Data):
    """One model's row. Means are over the rollouts that succeeded; None where there are none."""

    model: str
    coverage: Coverage
    num_resolved: int = 0
    solve_rate: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)
    """Wilson's 95 % interval of `solve_rate`."""
    mean_reward: float | None = None
    mean_turns: float | None = None
    mean_completion_tokens: float | None = None
    mean_rollout_s: float | None = None
    num_prompt_tokens: int = 0
    """Of all finished rollouts, as the next three."""
    num_completion_tokens: int = 0
    num_format_errors: int = 0
    cost_usd: float = 0.0
    num_retries: int = 0
    """Attempts of agents beyond the first."""
    endings: dict[str, int] = Field(default_factory=dict)
    """Finished rollouts by how the agent ended, most frequent first."""
    failures: dict[str, int] = Field(default_factory=dict)
    """Finished rollouts with a failure by its cause, valid reward or not, most frequent first."""


class RunSummary(Data):
    """A run's outcome."""

    num_tasks: int
    coverage: Coverage
    """Of all models together."""
    models: tuple[ModelSummary, ...]
    """In the order of the command line."""


def summarise(rollouts: Sequence[Rollout], seats: Sequence[Seat]) -> RunSummary:
    """Sum up the finished `rollouts` of a run that owes `seats`; others are left out of account."""
    expected = Counter(seat.label for seat in seats)
    owed = {seat.rollout_id for seat in seats}
    by_model: dict[str, list[Rollout]] = {label: [] for label in expected}
    for rollout in rollouts:
        if rollout.rollout_id in owed:
            by_model[rollout.model].append(rollout)
    models = tuple(_sum_up(label, expected[label], found) for label, found in by_model.items())
    totals = {
        name: sum(getattr(row.coverage, name) for row in models) for name in Coverage.model_fields
    }
    return RunSummary(
        num_tasks=len({seat.instance_id for seat in seats}),
        coverage=Coverage(**totals),
        models=models,
    )


def is_resolved(rollout: Rollout) -> bool:
    """Whether a rollout counts as solved."""
    return _counts(rollout) and rollout.verdict is not None and rollout.verdict.is_resolved


def _counts(rollout: Rollout) -> bool:
    return rollout.reward is not None and rollout.reward.is_valid


def _is_ungraded(rollout: Rollout) -> bool:
    return rollout.failure is None and rollout.verdict is None and not _counts(rollout)


def _sum_up(model: str, num_expected: int, rollouts: list[Rollout]) -> ModelSummary:
    counted = [rollout for rollout in rollouts if _counts(rollout)]
    num_ungraded = sum(map(_is_ungraded, rollouts))
    num_resolved = sum(map(is_resolved, counted))
    return ModelSummary(
        model=model,
        coverage=Coverage(
            num_expected=num_expected,
            num_succeeded=len(counted),
            num_failed=len(rollouts) - len(counted) - num_ungraded,
            num_omitted=num_expected - len(rollouts),
            num_ungraded=num_ungraded,
        ),
        num_resolved=num_resolved,
        solve_rate=num_resolved / len(counted) if counted else None,
        interval=wilson(num_resolved, len(counted)),
        mean_reward=_mean([rollout.reward.value for rollout in counted if rollout.reward]),
        mean_turns=_mean([rollout.num_turns for rollout in counted]),
        mean_completion_tokens=_mean([rollout.num_completion_tokens for rollout in counted]),
        mean_rollout_s=_mean([rollout.rollout_duration_s for rollout in counted]),
        num_prompt_tokens=sum(rollout.num_prompt_tokens for rollout in rollouts),
        num_completion_tokens=sum(rollout.num_completion_tokens for rollout in rollouts),
        num_format_errors=sum(rollout.num_format_errors for rollout in rollouts),
        cost_usd=sum(rollout.cost_usd for rollout in rollouts),
        num_retries=sum(max(0, rollout.num_attempts - 1) for rollout in rollouts),
        endings=_ranked(str(rollout.ending) for rollout in rollouts),
        failures=_ranked(cause for rollout in rollouts if (cause := _cause(rollout))),
    )


def _cause(rollout: Rollout) -> str:
    failure = rollout.failure or (rollout.verdict.failure if rollout.verdict else None)
    return failure.cause if failure else ""


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _ranked(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))
