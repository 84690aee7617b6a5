"""What a training run writes in its folder; the processes that do not own the folder write nothing.

recorder = Recorder(run, settings)      # run is None in all processes but the first
recorder.step({"step": 1, "loss": 4.2})
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from journeyman.runs import RunFolder, append_jsonl, write_atomic
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.train.trainer.trackers import open_trackers

__all__ = ["Recorder"]


class Recorder:
    """Metrics, events, samples and status of one run."""

    def __init__(self, run: RunFolder | None, settings: TrainerSettings) -> None:
        self._run = run
        self._trackers = open_trackers(
            settings.trackers if run else (), run.path if run else Path()
        )

    @property
    def checkpoints(self) -> Path | None:
        """Where checkpoints lie; None if this process writes none."""
        return self._run.path / "checkpoints" if self._run else None

    def begin(self, rows_digest: str) -> None:
        """Remember which rows are trained on; `JourneymanError` if a resumed run had others."""
        if self._run:
            self._run.remember(digests={"rows": rows_digest})

    def step(self, record: dict[str, Any]) -> None:
        """Write one step's metrics."""
        if self._run:
            self._run.append("metrics", record)
            self._trackers.log({k: v for k, v in record.items() if k != "step"}, record["step"])

    def sample(self, record: dict[str, Any]) -> None:
        """Write a text of the model."""
        if self._run:
            append_jsonl(self._run.path / "samples.jsonl", record)

    def event(self, kind: str, **details: Any) -> None:
        """Write what happened."""
        if self._run:
            self._run.append("events", {"kind": kind, "at": time.time(), **details})

    def status(self, state: str, **details: Any) -> None:
        """Replace the run's status."""
        if self._run:
            self._run.set_status(state, **details)

    def forget_after(self, done: int) -> None:
        """Drop the metrics and samples of steps that will be taken again."""
        if not self._run:
            return
        for name in ("metrics", "samples"):
            path = self._run.path / f"{name}.jsonl"
            if not path.is_file():
                continue
            records = self._run.read(name)
            kept = [record for record in records if record["step"] <= done]
            if len(kept) < len(records):
                write_atomic(path, "".join(f"{json.dumps(record)}\n" for record in kept))

    def close(self) -> None:
        """Write what trackers hold back."""
        self._trackers.close()
