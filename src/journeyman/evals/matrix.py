"""Models × scaffolds on one taskset: one run of rollouts for each scaffold, inside the evaluation's.

evaluation = await run_matrix(config, run, on_event=progress)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from journeyman.config import Config
from journeyman.evals.audits import audit_rollouts
from journeyman.evals.contamination import check_contamination
from journeyman.evals.evaluation import Evaluation, evaluate, settings_of
from journeyman.flow import (
    Concurrency,
    Event,
    RetryBudgets,
    RolloutConfig,
    Timeouts,
    planned,
    run_rollouts,
)
from journeyman.flow.plan import label_models
from journeyman.guard import RolloutAudit
from journeyman.runs import RunFolder, slug
from journeyman.sandbox.base import Limits, Network
from journeyman.scaffolds import SessionLimits
from journeyman.tasks import load_taskset
from journeyman.types import Rollout, Sampling

__all__ = ["MatrixConfig", "run_matrix"]

Listener = Callable[[Event], None]


class MatrixConfig(Config):
    """Which agents are evaluated, and under which settings."""

    resume_may_change: ClassVar[frozenset[str]] = frozenset({"concurrency", "timeouts", "retries"})

    models: tuple[str, ...] = Field(default=("oracle", "noop"), min_length=1)
    """Specs of the models, e.g. `smollm2`, `http://127.0.0.1:8000/v1#name`."""
    scaffolds: tuple[str, ...] = Field(default=("bash",), min_length=1)
    """The agents around the models."""
    template: str = "hermes"
    """The tool chat template, for models that read text; others bring their own."""
    n: int = Field(default=1, ge=1)
    """Rollouts of each task by each agent."""
    tasks: tuple[str, ...] = ()
    """Only these instance ids; all where none is given."""
    guard: str = "rules"
    """What refuses reward hacking before it is carried out: rules, report-heuristic or off."""
    sandbox: str = "namespace"
    """Sandbox backend."""
    network: Network = "none"
    """What agents reach: none, index (packages as they were at the base commit) or open."""
    sandbox_limits: Limits = Limits()
    """Ceilings of each agent's sandbox."""
    limits: SessionLimits = SessionLimits(num_turns=300)
    """Ceilings of each conversation; the report gives agents up to 300 turns (§5.1)."""
    sampling: Sampling = Sampling()
    """How completions are drawn; each rollout gets a seed of its own."""
    seed: int = 0
    """Origin of every rollout's own seed."""
    trained_on: tuple[Path, ...] = ()
    """Tasksets or runs that a model was trained on, to be searched for these tasks."""
    concurrency: Concurrency = Concurrency()
    """What runs at once."""
    timeouts: Timeouts = Timeouts()
    """Deadlines of the stages."""
    retries: RetryBudgets = RetryBudgets()
    """How often a failed stage is tried again."""

    def of_scaffold(self, scaffold: str, taskset: Path) -> RolloutConfig:
        """Return the config of one scaffold's rollouts."""
        shared = self.model_dump(include=set(RolloutConfig.model_fields) - {"taskset", "scaffold"})
        return RolloutConfig(taskset=taskset, scaffold=scaffold, **shared)


async def run_matrix(
    config: MatrixConfig,
    taskset_folder: Path,
    run: RunFolder,
    *,
    argv: Sequence[str],
    listener: Callable[[], AbstractContextManager[Listener]],
    say: Callable[[str], None],
    notes: Sequence[str] = (),
) -> Evaluation:
    """Let every agent work on every task, whatever is done already left as it is; sum it up.

    `listener` gives a context whose value hears one scaffold's events. Raises `RunInterrupted`
    where somebody stopped it, with what is finished saved.
    """
    started = time.monotonic()
    taskset = load_taskset(taskset_folder)
    rollouts: list[Rollout] = []
    audits: dict[str, RolloutAudit] = {}
    folders: dict[str, str] = {}
    for scaffold in dict.fromkeys(config.scaffolds):
        say(f"{scaffold}: {', '.join(config.models)}")
        rollout_config = config.of_scaffold(scaffold, taskset_folder)
        folder = run.path / "rollouts" / slug(scaffold)
        found = await _roll_out(rollout_config, folder, argv, listener)
        rollouts += found
        audits |= audit_rollouts(folder, found, taskset)
        folders[scaffold] = str(folder.relative_to(run.path))
    labels = label_models(config.models).values()
    num = config.n * len(config.tasks or taskset.tasks)
    pairs = [(label, name) for name in dict.fromkeys(config.scaffolds) for label in labels]
    return evaluate(
        run.name,
        taskset,
        rollouts,
        expected=Counter(dict.fromkeys(pairs, num)),
        settings=settings_of(config.model_dump(mode="json"), taskset),
        audits=audits,
        runs=folders,
        notes=tuple(notes),
        contamination=check_contamination(taskset.tasks, config.trained_on),
        duration_s=time.monotonic() - started,
    )


async def _roll_out(
    config: RolloutConfig,
    folder: Path,
    argv: Sequence[str],
    listener: Callable[[], AbstractContextManager[Listener]],
) -> list[Rollout]:
    async with planned(config) as plan:
        run = RunFolder.create(
            folder.parent,
            "rollout",
            plan.taskset.name,
            config=config,
            argv=argv,
            name=folder.name,
            resume=(folder / "config.toml").is_file(),
        )
        with run, listener() as heard:
            return await run_rollouts(config, run, on_event=heard, plan=plan)
