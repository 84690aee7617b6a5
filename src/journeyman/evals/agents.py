"""What one agent, a model in a scaffold, came to on a taskset: rates with intervals, use, honesty.

results = sum_up_agents(rollouts, expected=Counter({("smollm2", "bash"): 20}), audits=audits)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from pydantic import Field

from journeyman.evals.distribution import Band, Spread, bands_of_turns, spread
from journeyman.evals.statistics import bootstrap_mean, pass_at_k, wilson
from journeyman.guard import RolloutAudit
from journeyman.types import Data, Rollout

__all__ = ["REFERENCES", "AgentResult", "sum_up_agents"]

REFERENCES = ("oracle", "noop")
"""Models that know the answer or give none: they check the tasks and are never ranked."""


class AgentResult(Data):
    """One agent's row. Rates are over rollouts whose reward is valid; the rest is counted."""

    model: str
    scaffold: str
    num_expected: int
    num_counted: int
    """Rollouts in the rates."""
    num_failed: int
    """Finished without a valid reward, for a cause that is not the agent's."""
    num_resolved: int
    solve_rate: float | None
    """Share of rollouts that were resolved."""
    interval: tuple[float, float]
    """95 % interval: Wilson's for one rollout of each task, else a bootstrap over tasks."""
    interval_by: str
    pass_at: dict[int, float] = Field(default_factory=dict)
    """Unbiased pass@k by k, averaged over tasks that have k rollouts."""
    rates: dict[str, float] = Field(default_factory=dict)
    """Share of resolved rollouts by task."""
    num_flagged: int = 0
    """Counted rollouts with a label of the guard's audit."""
    labels: dict[str, int] = Field(default_factory=dict)
    """Rollouts by label."""
    rate_without_flagged: float | None = None
    turns: Spread = Spread()
    completion_tokens: Spread = Spread()
    seconds: Spread = Spread()
    cost_usd: Spread = Spread()
    total_cost_usd: float = 0.0
    endings: dict[str, int] = Field(default_factory=dict)
    failures: dict[str, int] = Field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    """Resolved against turns."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.model} in {self.scaffold}"

    @property
    def is_reference(self) -> bool:
        """Whether it only checks the tasks."""
        return self.model in REFERENCES


def sum_up_agents(
    rollouts: Sequence[Rollout],
    *,
    expected: Mapping[tuple[str, str], int],
    audits: Mapping[str, RolloutAudit],
) -> list[AgentResult]:
    """Sum up each agent, in the order of `expected`, which counts rollouts by model and scaffold.

    `audits` are by rollout id; a rollout without one counts as not flagged.
    """
    by_agent: defaultdict[tuple[str, str], list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        by_agent[rollout.model, rollout.scaffold].append(rollout)
    return [
        _sum_up(model, scaffold, num, by_agent[model, scaffold], audits)
        for (model, scaffold), num in expected.items()
    ]


def _sum_up(
    model: str,
    scaffold: str,
    num_expected: int,
    rollouts: Sequence[Rollout],
    audits: Mapping[str, RolloutAudit],
) -> AgentResult:
    counted = [it for it in rollouts if it.reward is not None and it.reward.is_valid]
    outcomes = _by_task(counted)
    rates = {task: sum(found) / len(found) for task, found in outcomes.items()}
    labels = Counter(
        label for it in counted if it.rollout_id in audits for label in audits[it.rollout_id].labels
    )
    honest = [it for it in counted if not _is_flagged(it, audits)]
    num_resolved = sum(map(_is_resolved, counted))
    interval, way = _interval(outcomes, num_resolved)
    return AgentResult(
        model=model,
        scaffold=scaffold,
        num_expected=num_expected,
        num_counted=len(counted),
        num_failed=len(rollouts) - len(counted),
        num_resolved=num_resolved,
        solve_rate=num_resolved / len(counted) if counted else None,
        interval=interval,
        interval_by=way,
        pass_at=_pass_at(outcomes),
        rates=rates,
        num_flagged=len(counted) - len(honest),
        labels=dict(labels.most_common()),
        rate_without_flagged=sum(map(_is_resolved, honest)) / len(honest) if honest else None,
        turns=spread([it.num_turns for it in counted]),
        completion_tokens=spread([it.num_completion_tokens for it in counted]),
        seconds=spread([it.rollout_duration_s for it in counted]),
        cost_usd=spread([it.cost_usd for it in counted]),
        total_cost_usd=sum(it.cost_usd for it in rollouts),
        endings=dict(Counter(str(it.ending) for it in rollouts).most_common()),
        failures=dict(Counter(cause for it in rollouts if (cause := _cause(it))).most_common()),
        bands=bands_of_turns([(it.num_turns, _is_resolved(it)) for it in counted]),
    )


def _by_task(rollouts: Sequence[Rollout]) -> dict[str, list[bool]]:
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for rollout in rollouts:
        found[rollout.instance_id].append(_is_resolved(rollout))
    return dict(found)


def _interval(
    outcomes: Mapping[str, Sequence[bool]], num_resolved: int
) -> tuple[tuple[float, float], str]:
    """Rollouts of one task go together, so that with several of them tasks are drawn, not rollouts."""
    if all(len(found) == 1 for found in outcomes.values()):
        return wilson(num_resolved, len(outcomes)), "Wilson"
    means = [sum(found) / len(found) for found in outcomes.values()]
    if len(set(means)) == 1:
        # A bootstrap of equal values has no width, which would claim certainty.
        return wilson(round(means[0] * len(means)), len(means)), "Wilson over tasks"
    return bootstrap_mean(means), "bootstrap over tasks"


def _pass_at(outcomes: Mapping[str, Sequence[bool]]) -> dict[int, float]:
    most = max(map(len, outcomes.values()), default=0)
    wanted = [k for k in (1, 2, 4, 5, 8, 10, 16, 32, 64, 100) if k <= most]
    found: dict[int, float] = {}
    for k in wanted:
        usable = [it for it in outcomes.values() if len(it) >= k]
        found[k] = sum(pass_at_k(len(it), sum(it), k) for it in usable) / len(usable)
    return found


def _is_resolved(rollout: Rollout) -> bool:
    return rollout.verdict is not None and rollout.verdict.is_resolved


def _is_flagged(rollout: Rollout, audits: Mapping[str, RolloutAudit]) -> bool:
    audit = audits.get(rollout.rollout_id)
    return audit is not None and bool(audit.labels)


def _cause(rollout: Rollout) -> str:
    failure = rollout.failure or (rollout.verdict.failure if rollout.verdict else None)
    return failure.cause if failure else ""
