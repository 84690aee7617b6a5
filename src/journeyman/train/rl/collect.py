"""A step's rollouts by the orchestrator, and what they come to for the update.

    rollouts = await roll_out(config, home, name, taskset, tasks, model)
    harvest = reap_step(home / name, rollouts, settings, offsets=offsets)

Every step is a run of its own in the run's folder, so `journeyman view` and `guard audit` read it, and a
step that was killed goes on with what it had.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from journeyman.errors import ENDINGS
from journeyman.flow import Plan, RolloutConfig, run_rollouts
from journeyman.flow.audit import audit_run, read_labels
from journeyman.flow.plan import make_seats, select_tasks
from journeyman.guard.audit import void_reward
from journeyman.models import Model
from journeyman.runs import RunFolder, read_trajectories, write_atomic
from journeyman.tasks import Taskset
from journeyman.train.prompts import prompt_digest
from journeyman.train.rl.advantages import group_advantages
from journeyman.train.rl.selection import Selection, group_rollouts, select_groups
from journeyman.train.rl.sequences import Offsets, PolicySequence, policy_sequences
from journeyman.train.rl.settings import RlSettings
from journeyman.types import Reward, Rollout, Trajectory

__all__ = [
    "POLICY",
    "Harvest",
    "figures_of",
    "open_run",
    "reap_step",
    "roll_out",
    "rollout_config",
]

POLICY = "policy"


@dataclass(slots=True)
class Harvest:
    """What a step is trained on, and what it saw."""

    sequences: list[PolicySequence] = field(default_factory=list)
    prompts: set[str] = field(default_factory=set)
    """Digests of the prompts of what it is trained on."""
    selection: Selection | None = None
    figures: dict[str, float] = field(default_factory=dict)
    pass_rates: dict[str, float] = field(default_factory=dict)
    """By instance id."""


async def roll_out(
    settings: RlSettings,
    home: Path,
    name: str,
    taskset: Taskset,
    instance_ids: Sequence[str],
    model: Model,
    *,
    n: int,
    seed: int,
    is_graded: bool = True,
) -> list[Rollout]:
    """Roll the policy out `n` times on each task, in the run `home/name`; an unfinished one goes on.

    Without grading no rollout has a verdict or a reward.
    """
    config = rollout_config(settings, taskset, instance_ids, n=n, seed=seed)
    if not is_graded:
        config = config.model_copy(update={"grading": "later"})
    elif settings.grading == "shared":
        folder = settings.verdicts or home.parent / "verdicts"
        config = config.model_copy(update={"verdicts": folder})
    tasks = select_tasks(taskset, tuple(instance_ids))
    plan = Plan(taskset, tasks, {POLICY: model}, make_seats(config, list(instance_ids)))
    with open_run(config, home, name, taskset) as run:
        return await run_rollouts(config, run, plan=plan)


def rollout_config(
    settings: RlSettings, taskset: Taskset, instance_ids: Sequence[str], *, n: int, seed: int
) -> RolloutConfig:
    """Return how the policy, `POLICY`, is rolled out."""
    return RolloutConfig(
        taskset=taskset.folder,
        models=(POLICY,),
        scaffold=settings.scaffold,
        template=settings.template,
        n=n,
        tasks=tuple(instance_ids),
        grading=settings.grading,
        guard=settings.guard,
        sandbox=settings.sandbox,
        network=settings.network,
        limits=settings.limits,
        sampling=settings.sampling,
        seed=seed,
        concurrency=settings.concurrency,
    )


def open_run(config: RolloutConfig, home: Path, name: str, taskset: Taskset) -> RunFolder:
    """Return the run `home/name`, new or taken up; whoever asked must close it."""
    return RunFolder.create(
        home,
        "rollout",
        taskset.name,
        config=config,
        argv=("journeyman", "train", "rl"),
        name=name,
        resume=(home / name).is_dir(),
    )


def reap_step(
    run: Path,
    rollouts: Sequence[Rollout],
    settings: RlSettings,
    *,
    offsets: Offsets,
    known: frozenset[str] = frozenset(),
    ugly: frozenset[str] = frozenset(),
) -> Harvest:
    """Void what was cheated, choose groups, and give every drawn token its advantage.

    Groups whose prompt is among the digests `known` are left out. `ugly` are rollouts whose page a
    judge found bad.
    """
    labels: Counter[str] = Counter()
    voided = [_without_ugly(it, ugly, labels) for it in _void(run, rollouts, settings, labels)]
    selection = select_groups(
        group_rollouts(voided),
        without={it.group_id for it in voided if known and known & _prompts(_told(run, it))},
        lowest=settings.lowest_pass_rate,
        highest=settings.highest_pass_rate,
    )
    harvest = Harvest(selection=selection)
    for group in selection.groups.values():
        rewards = torch.tensor([it.reward.value if it.reward else 0.0 for it in group])
        is_valid = torch.tensor([bool(it.reward and it.reward.is_valid) for it in group])
        advantages = group_advantages(
            rewards, is_valid, baseline=settings.baseline, scale=settings.scale
        )
        for rollout, advantage, counts in zip(group, advantages.tolist(), is_valid, strict=True):
            if not counts or not ENDINGS[rollout.ending].is_trained_on:
                continue
            _keep(run, rollout, advantage)
            trajectories = _told(run, rollout)
            harvest.prompts |= _prompts(trajectories)
            harvest.sequences += policy_sequences(
                rollout,
                trajectories,
                advantage=advantage,
                penalty_weight=settings.format_penalty,
                offsets=offsets,
            )
    instances = {it.group_id: it.instance_id for it in voided}
    harvest.pass_rates = {instances[key]: rate for key, rate in selection.pass_rates.items()}
    harvest.figures = figures_of(voided, labels)
    return harvest


def figures_of(rollouts: Sequence[Rollout], labels: Counter[str]) -> dict[str, float]:
    """Return what the training page shows of some rollouts: rates, rewards, turns, tokens."""
    valid = [it for it in rollouts if it.reward is not None and it.reward.is_valid]
    num = max(1, len(valid))
    turns = max(1, sum(it.num_turns for it in valid))
    return {
        "num_rollouts": len(rollouts),
        "num_valid": len(valid),
        "solve_rate": sum(bool(it.verdict and it.verdict.is_resolved) for it in valid) / num,
        "reward": sum(it.reward.value for it in valid if it.reward) / num,
        "turns": sum(it.num_turns for it in valid) / num,
        "completion_tokens": sum(it.num_completion_tokens for it in valid) / num,
        "format_errors": sum(it.num_format_errors for it in valid) / turns,
        **{f"label_{name}": count / num for name, count in sorted(labels.items())},
    }


def _void(
    run: Path, rollouts: Sequence[Rollout], settings: RlSettings, labels: Counter[str]
) -> list[Rollout]:
    """Take rewards away by label. A voided rollout counts as one that solved nothing."""
    only = {it.rollout_id for it in rollouts}
    labelled = audit_run(run, None, read_labels(settings.void), only=only)
    audits = {it.rollout_id: it for it in labelled}
    found = []
    for rollout in rollouts:
        audit = audits[rollout.rollout_id]
        labels.update(audit.labels)
        reward = audit.reward or Reward(value=0.0, is_valid=False)
        changes: dict[str, object] = {"reward": reward}
        if "voided" in reward.parts and rollout.verdict is not None:
            changes["verdict"] = rollout.verdict.model_copy(update={"is_resolved": False})
        found.append(rollout.model_copy(update=changes))
    return found


def _without_ugly(rollout: Rollout, ugly: frozenset[str], labels: Counter[str]) -> Rollout:
    if rollout.rollout_id not in ugly or rollout.verdict is None:
        return rollout
    labels["bad_look"] += 1
    changes = {
        "reward": void_reward(rollout.reward, ("bad_look",), ("bad_look",)),
        "verdict": rollout.verdict.model_copy(update={"is_resolved": False}),
    }
    return rollout.model_copy(update=changes)


def _told(run: Path, rollout: Rollout) -> list[Trajectory]:
    return read_trajectories(run / "artifacts" / rollout.rollout_id)


def _prompts(trajectories: Iterable[Trajectory]) -> set[str]:
    """Return the digests of what the agents of a rollout were asked."""
    return {prompt_digest(it.turns[0].prompt_messages) for it in trajectories if it.turns}


def _keep(run: Path, rollout: Rollout, advantage: float) -> None:
    """Write what the rollout was trained with, for whoever looks at its tokens."""
    path = run / "artifacts" / rollout.rollout_id / "training.json"
    write_atomic(path, json.dumps({"advantage": advantage}) + "\n")
