"""An evaluation as data: agents, how they compare, and under which settings; `report.json` holds it.

evaluation = load_evaluation(Path("runs/eval--toolz--1a2b3c4d"))
evaluation.best.name, evaluation.comparisons[0].p_value
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from journeyman.config import digest, read_toml
from journeyman.errors import JourneymanError
from journeyman.evals.agents import AgentResult, sum_up_agents
from journeyman.evals.audits import audit_rollouts
from journeyman.evals.comparison import PairedComparison, compare_rates
from journeyman.guard import RolloutAudit
from journeyman.runs import read_jsonl
from journeyman.tasks import Taskset, load_taskset
from journeyman.types import Data, Rollout

__all__ = ["AgentPair", "Evaluation", "evaluate", "load_evaluation", "settings_of"]

REPORT = "report.json"
_SETTINGS = (
    "n",
    "template",
    "guard",
    "sandbox",
    "network",
    "seed",
    "limits",
    "sampling",
    "sandbox_limits",
)
"""Keys of a run's config that change what a score means; concurrency and deadlines do not."""


class AgentPair(Data):
    """Two agents on the tasks that both tried."""

    first: str
    second: str
    comparison: PairedComparison


class Evaluation(Data):
    """What an evaluation found."""

    name: str
    benchmark: str
    """Name of the taskset."""
    num_tasks: int
    settings: dict[str, str]
    """What must be equal for two evaluations to be comparable, flattened."""
    agents: tuple[AgentResult, ...]
    pairs: tuple[AgentPair, ...] = ()
    """The best agent beside every other that is ranked."""
    notes: tuple[str, ...] = ()
    runs: dict[str, str] = Field(default_factory=dict)
    """Folder of the rollouts by scaffold, relative to the evaluation's own."""
    contamination: dict[str, Any] = Field(default_factory=dict)
    duration_s: float = 0.0

    @property
    def ranked(self) -> list[AgentResult]:
        """Agents that compete, the best first; more solved, then cheaper, then fewer turns."""
        found = [it for it in self.agents if not it.is_reference and it.solve_rate is not None]
        return sorted(
            found,
            key=lambda it: (-(it.solve_rate or 0.0), it.total_cost_usd, it.turns.mean, it.name),
        )

    @property
    def references(self) -> list[AgentResult]:
        """Agents that check the tasks."""
        return [it for it in self.agents if it.is_reference]


def evaluate(
    name: str,
    taskset: Taskset,
    rollouts: Sequence[Rollout],
    *,
    expected: Mapping[tuple[str, str], int],
    settings: Mapping[str, str],
    audits: Mapping[str, RolloutAudit],
    **more: Any,
) -> Evaluation:
    """Sum up rollouts as an evaluation; `more` are further fields of it."""
    agents = sum_up_agents(rollouts, expected=expected, audits=audits)
    draft = Evaluation(
        name=name,
        benchmark=taskset.name,
        num_tasks=len(
            {it.instance_id for it in rollouts} or {it.instance_id for it in taskset.tasks}
        ),
        settings=dict(settings),
        agents=tuple(agents),
        **more,
    )
    ranked = draft.ranked
    pairs = tuple(
        AgentPair(
            first=ranked[0].name,
            second=other.name,
            comparison=compare_rates(ranked[0].rates, other.rates),
        )
        for other in ranked[1:]
    )
    return draft.model_copy(update={"pairs": pairs})


def settings_of(config: Mapping[str, Any], taskset: Taskset) -> dict[str, str]:
    """Return what a score depends on beside the agent: the tasks, and the keys that matter."""
    tasks = [task.model_dump(mode="json") for task in taskset.tasks]
    flat = {"tasks": digest(tasks)[:16]}
    for key in _SETTINGS:
        flat.update(_flatten(key, config.get(key)))
    return flat


def _flatten(key: str, value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {
            inner: text
            for name, part in value.items()
            for inner, text in _flatten(f"{key}.{name}", part).items()
        }
    return {} if value is None else {key: str(value)}


def load_evaluation(path: Path) -> Evaluation:
    """Read an evaluation, or make one of a run of `rollout`, `grade` or `quickstart`.

    Raises `JourneymanError` where there is no such run.
    """
    if (path / REPORT).is_file():
        try:
            return Evaluation.model_validate_json((path / REPORT).read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            raise JourneymanError(
                f"{path / REPORT} is no evaluation: {'.'.join(map(str, first['loc']))}: {first['msg']}",
                "make it anew with the run's own command and --resume",
            ) from None
    if not (path / "rollouts.jsonl").is_file():
        raise JourneymanError(f"no run at {path}", "see what is there: ls runs")
    return _of_run(path)


def _of_run(path: Path) -> Evaluation:
    try:
        config = read_toml(path / "config.toml")
    except (OSError, tomllib.TOMLDecodeError):
        config = {}
    folder = Path(str(config.get("taskset") or path / "taskset"))
    taskset = load_taskset(folder)
    rollouts = [Rollout.model_validate(record) for record in read_jsonl(path / "rollouts.jsonl")]
    return evaluate(
        path.name,
        taskset,
        rollouts,
        expected=Counter((it.model, it.scaffold) for it in rollouts),
        settings=settings_of(config, taskset),
        audits=audit_rollouts(path, rollouts, taskset),
        runs={"": "."},
    )
