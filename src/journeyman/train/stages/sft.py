"""Supervised fine-tuning on rollouts that were verified by execution.

Kept are rollouts that solved their task, ended by themselves, wrote no malformed call and were refused
nothing by the guard; their tokens are those that were drawn, never tokenised again.

    chosen = choose([Path("runs/latest")])
    chosen.sequences, chosen.dropped
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder, read_jsonl
from journeyman.train.documents import Encoded, sequences_of
from journeyman.train.packing import LongDocuments
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.types import Ending, Rollout, Trajectory

__all__ = ["Chosen", "SftSettings", "choose", "sft", "why_not"]


class SftSettings(Config):
    """What is trained on which rollouts."""

    model: Path
    """Folder of the model to begin with: the one that was rolled out, or one with its tokenizer."""
    rollouts: tuple[Path, ...] = ()
    """Folders of runs."""
    row_length: int = Field(default=4096, ge=2)
    """Tokens of a row: the context."""
    long_documents: LongDocuments = "drop"
    """What becomes of trajectories longer than a row."""
    trainer: TrainerSettings = TrainerSettings(learning_rate=1e-5)


@dataclass(slots=True)
class Chosen:
    """What was taken from some runs."""

    sequences: list[Encoded] = field(default_factory=list)
    num_rollouts: int = 0
    """How many rollouts they are from."""
    dropped: Counter[str] = field(default_factory=Counter)
    """How many rollouts were left out, by reason."""


def choose(runs: Iterable[Path]) -> Chosen:
    """Take the sequences of every rollout that passes; `JourneymanError` for a folder that is no run."""
    chosen = Chosen()
    for run in runs:
        for rollout, trajectory in _read_run(run):
            reason = why_not(rollout, trajectory)
            if reason:
                chosen.dropped[reason] += 1
                continue
            assert trajectory is not None
            chosen.sequences += sequences_of(trajectory)
            chosen.num_rollouts += 1
    return chosen


def why_not(rollout: Rollout, trajectory: Trajectory | None) -> str:
    """Say why a rollout is not trained on; nothing if it is."""
    if trajectory is None:
        return "no trajectory"
    if rollout.verdict is None or not rollout.verdict.is_resolved:
        return "not resolved"
    if rollout.ending is not Ending.SUBMITTED:
        return "did not end by itself"
    if any(turn.format_errors for turn in trajectory.turns):
        return "malformed calls"
    if any(not it.is_allowed for turn in trajectory.turns for it in turn.guard_decisions):
        return "refused by the guard"
    return ""


def sft(
    settings: SftSettings,
    run: RunFolder,
    *,
    on_step: Callable[[Any], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """Train, and return the folder of the trained model, `model/` in the run."""
    from journeyman.train.model.folder import load_network
    from journeyman.train.stages.result import save_result, train_on
    from journeyman.train.tokenizer import load_tokenizer

    chosen = choose(settings.rollouts)
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(chosen.dropped.items()))
    if not chosen.sequences:
        raise JourneymanError(
            f"no rollout to train on: {left_out or 'none was given'}",
            "add --rollouts RUN of a run with solved tasks",
        )
    if on_progress is not None:
        on_progress(f"{chosen.num_rollouts} rollouts; left out: {left_out or 'none'}")
    tokenizer = load_tokenizer(settings.model)
    network = load_network(settings.model)
    train_on(
        network,
        chosen.sequences,
        settings.trainer,
        run,
        capacity=settings.row_length,
        pad_id=tokenizer.pad_id,
        long=settings.long_documents,
        on_step=on_step,
        on_progress=on_progress,
    )
    return save_result(network, tokenizer, run.path / "model")


def _read_run(run: Path) -> Iterator[tuple[Rollout, Trajectory | None]]:
    path = run / "rollouts.jsonl"
    if not path.is_file():
        raise JourneymanError(f"{run} is no run", "give the folder of a run, e.g. runs/latest")
    for number, record in enumerate(read_jsonl(path), start=1):
        try:
            rollout = Rollout.model_validate_json(json.dumps(record))
            file = run / "artifacts" / rollout.rollout_id / "trajectory.json"
            text = file.read_text(encoding="utf-8") if file.is_file() else None
            yield rollout, Trajectory.model_validate_json(text) if text is not None else None
        except ValidationError as error:
            reason = " ".join(str(error.errors()[0]["msg"]).split())
            raise JourneymanError(
                f"{path}, line {number}, or its trajectory is not as it should be: {reason}",
                "mend or remove it",
            ) from None
