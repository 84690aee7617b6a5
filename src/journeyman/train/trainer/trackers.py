"""Metrics for programs that draw curves: TensorBoard, Trackio, Weights & Biases.

trackers = open_trackers(settings.trackers, run.path)
trackers.log({"loss": 1.2}, step=3)
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from journeyman.errors import JourneymanError

__all__ = ["Trackers", "open_trackers"]

Log = Callable[[Mapping[str, float], int], None]


class Trackers:
    """Where a run's metrics go beside its own file; none is well, too."""

    def __init__(self, logs: Sequence[Log], closes: Sequence[Callable[[], Any]]) -> None:
        self._logs = logs
        self._closes = closes

    def log(self, record: Mapping[str, Any], step: int) -> None:
        """Write the numbers of a record; those of a table within it as `name/key`."""
        if not self._logs:
            return
        numbers = dict(_flatten(record))
        for log in self._logs:
            log(numbers, step)

    def close(self) -> None:
        """Write what is still held back."""
        for close in self._closes:
            close()


def open_trackers(names: Sequence[str], run: Path) -> Trackers:
    """Open trackers for a run's folder; `JourneymanError` for one that is not installed."""
    logs: list[Log] = []
    closes: list[Callable[[], Any]] = []
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise JourneymanError(f"{name} is not installed", f"pip install {name}")
        log, close = _tensorboard(run) if name == "tensorboard" else _service(name, run)
        logs.append(log)
        closes.append(close)
    return Trackers(logs, closes)


def _tensorboard(run: Path) -> tuple[Log, Callable[[], Any]]:
    writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter(run / "tensorboard")

    def log(numbers: Mapping[str, float], step: int) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, step)

    return log, writer.close


def _service(name: str, run: Path) -> tuple[Log, Callable[[], Any]]:
    """Open Trackio or Weights & Biases, which share the form of their calls."""
    library = importlib.import_module(name)
    library.init(project="journeyman", name=run.name)

    def log(numbers: Mapping[str, float], step: int) -> None:
        library.log(dict(numbers), step=step)

    return log, library.finish


def _flatten(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            found += [(f"{name}/{key}", it) for key, it in _flatten(value)]
        elif isinstance(value, int | float):
            found.append((name, float(value)))
    return found
