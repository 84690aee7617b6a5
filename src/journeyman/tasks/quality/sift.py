"""A taskset gone through: every check of this room on every task, and what remains.

sifted = await sift(taskset, SiftConfig(manifests=(manifest,)), model=None)
sifted.kept, sifted.dropped
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from journeyman.tasks.asking import Asker
from journeyman.tasks.model_use import ModelUse
from journeyman.tasks.quality.contamination import BenchmarkManifest, find_overlap
from journeyman.tasks.quality.difficulty import rate_difficulty
from journeyman.tasks.quality.duplicates import find_duplicates
from journeyman.tasks.quality.running import find_idle_verifier
from journeyman.tasks.quality.statements import ask_judge, judge_statement
from journeyman.tasks.taskset import Taskset
from journeyman.types import Data, Sampling, Task

if TYPE_CHECKING:
    from journeyman.models import Model

__all__ = ["SiftConfig", "Sifted", "SiftedOut", "sift"]

JUDGING = Sampling(temperature=0.0, max_tokens=512)


class SiftedOut(Data):
    """A task that is dropped."""

    instance_id: str
    reason: str
    """`benchmark_overlap`, `idle_verifier`, `duplicate`, `statement: …` or `difficulty`."""
    detail: str = ""


class Sifted(Data):
    """What remains, and what does not."""

    kept: tuple[Task, ...]
    dropped: tuple[SiftedOut, ...]
    model_use: ModelUse = ModelUse()


@dataclass(frozen=True, slots=True)
class SiftConfig:
    """What tasks are held against."""

    manifests: tuple[BenchmarkManifest, ...] = ()
    runs: tuple[Path, ...] = ()
    bands: tuple[str, ...] = ()
    """Difficulties to keep; all where none is named."""
    threshold: float = field(default=0.85)


async def sift(taskset: Taskset, config: SiftConfig, *, model: Model | None = None) -> Sifted:
    """Go through a taskset in its order; the first reason found is the one that is told."""
    asker = Asker(model, sampling=JUDGING) if model is not None else None
    bands = {name: it.band for name, it in rate_difficulty(config.runs).items()}
    dropped: list[SiftedOut] = []
    left: list[Task] = []
    for task in taskset.tasks:
        found = _fault(task, config, bands) or await _unfair(task, taskset.environments, asker)
        if found is None:
            left.append(task)
        else:
            dropped.append(found)
    copies = find_duplicates(left, threshold=config.threshold)
    dropped += _copies(copies)
    order = {task.instance_id: at for at, task in enumerate(taskset.tasks)}
    return Sifted(
        kept=tuple(task for task in left if task.instance_id not in copies),
        dropped=tuple(sorted(dropped, key=lambda it: order[it.instance_id])),
        model_use=asker.use if asker else ModelUse(),
    )


def _fault(task: Task, config: SiftConfig, bands: dict[str, str]) -> SiftedOut | None:
    name = task.instance_id
    if overlap := find_overlap(task, config.manifests):
        return SiftedOut(instance_id=name, reason="benchmark_overlap", detail=overlap)
    if idle := find_idle_verifier(task.verifier.command):
        return SiftedOut(instance_id=name, reason="idle_verifier", detail=idle)
    band = bands.get(name, "not tried")
    if config.bands and band not in config.bands:
        return SiftedOut(instance_id=name, reason="difficulty", detail=band)
    return None


async def _unfair(task: Task, environments: Path, asker: Asker | None) -> SiftedOut | None:
    findings = judge_statement(task, environments)
    if not findings and asker is not None:
        findings = await ask_judge(task, asker, environments)
        # A judge that cannot be read says nothing for or against a task.
        findings = [finding for finding in findings if finding.rule != "unreadable_judge"]
    if not findings:
        return None
    first = findings[0]
    return SiftedOut(
        instance_id=task.instance_id, reason=f"statement: {first.rule}", detail=first.detail
    )


def _copies(copies: dict[str, tuple[str, float]]) -> Sequence[SiftedOut]:
    return [
        SiftedOut(instance_id=name, reason="duplicate", detail=f"{share:.2f} like {other}")
        for name, (other, share) in copies.items()
    ]
