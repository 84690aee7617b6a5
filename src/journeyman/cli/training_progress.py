"""What training says on stderr: a bar with the time left on a terminal, some twenty lines elsewhere.

with TrainingProgress() as progress:
    Trainer(..., on_step=progress).train()
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from journeyman.cli.output import note

__all__ = ["TrainingProgress"]

_NUM_LINES = 20


class TrainingProgress:
    """Takes a step's record and shows where the run is."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True, highlight=False),
            )
            self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> TrainingProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Show one step."""
        step, num_steps = record["step"], record["num_steps"]
        if self._bar is not None:
            text = _describe(record)
            self._bar.update(self._task, completed=step, total=num_steps, description=text)
            return
        is_due = step == num_steps or not step % max(1, num_steps // _NUM_LINES)
        if is_due or "held_out_loss" in record:
            note(f"step {step}/{num_steps}: {_describe(record)}")


def _describe(record: Mapping[str, Any]) -> str:
    held_out = f", held out {record['held_out_loss']:.3f}" if "held_out_loss" in record else ""
    return (
        f"loss {record['loss']:.3f}{held_out}, {record['tokens_per_s']:,.0f} tokens/s, "
        f"{record['utilisation']:.0%} of the peak, {_duration(record['left_s'])} left"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
