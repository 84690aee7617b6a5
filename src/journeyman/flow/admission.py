"""Whether one more job may begin: fixed ceilings where given, else what the machine has left."""

from __future__ import annotations

import os
import time
from pathlib import Path

from journeyman.flow.config import Concurrency
from journeyman.flow.jobs import Stage

__all__ = ["Admission", "Load", "measure_load"]

_MOST_ROLLOUTS_PER_CPU = 16
# So many are admitted whatever the load: it may be that of a model that waits for more to do.
_FEWEST_PER_CPU = 2
_MOST_CPU_PRESSURE = 60.0
_LEAST_FREE_MEMORY = 0.12
_BYTES_PER_JOB = 256 << 20
_MEASURE_EVERY_S = 0.5


class Load:
    """How loaded the machine is."""

    def __init__(self, cpu_pressure: float, free_bytes: int, total_bytes: int) -> None:
        self.cpu_pressure = cpu_pressure
        """Share of the last ten seconds in which something waited for a processor, in percent."""
        self.free_bytes = free_bytes
        self.total_bytes = total_bytes


def measure_load() -> Load:
    """Read the machine's load from `/proc`; what it does not tell counts as none."""
    memory = _read_meminfo()
    total = memory.get("MemTotal", 0)
    return Load(_cpu_pressure(), memory.get("MemAvailable", total), total)


class Admission:
    """Decides for one machine. A few jobs are always admitted."""

    def __init__(self, ceilings: Concurrency, *, num_cpus: int | None = None) -> None:
        self._num_cpus = num_cpus or len(os.sched_getaffinity(0))
        self._ceilings = ceilings
        self._load = measure_load()
        self._measured_at = time.monotonic()
        self._num_since = 0
        self._fewest = _FEWEST_PER_CPU * self._num_cpus

    def admits(self, stage: Stage, running: dict[Stage, int]) -> bool:
        """Whether one more job of `stage` may begin beside those that run."""
        fixed = self._fixed(stage)
        if running.get(stage, 0) >= (fixed or self._most(stage)):
            return False
        if fixed is not None or sum(running.values()) < self._fewest:
            return True
        return self._has_room()

    def begun(self) -> None:
        """Note that a job began, whose weight no measurement shows yet."""
        self._num_since += 1

    def ended(self) -> None:
        """Note that a job ended: one that began since the last measurement weighs nothing now."""
        self._num_since = max(0, self._num_since - 1)

    def _fixed(self, stage: Stage) -> int | None:
        ceilings = self._ceilings
        return ceilings.evaluations if stage is Stage.EVALUATION else ceilings.rollouts

    def _most(self, stage: Stage) -> int:
        """Gradings keep a processor busy; agents mostly wait for their model."""
        if stage is Stage.EVALUATION:
            return self._num_cpus
        return self._num_cpus * _MOST_ROLLOUTS_PER_CPU

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._measured_at > _MEASURE_EVERY_S:
            self._load, self._measured_at, self._num_since = measure_load(), now, 0
        load = self._load
        if load.cpu_pressure > _MOST_CPU_PRESSURE or self._num_since >= self._num_cpus:
            return False
        free = load.free_bytes - self._num_since * _BYTES_PER_JOB
        return free > load.total_bytes * _LEAST_FREE_MEMORY


def _cpu_pressure() -> float:
    """Return the pressure-stall figure, or one made of the load average where there is none."""
    try:
        first = Path("/proc/pressure/cpu").read_text().splitlines()[0]
        return float(first.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        waiting = os.getloadavg()[0] / len(os.sched_getaffinity(0)) - 1
        return max(0.0, min(100.0, 50.0 * waiting))


def _read_meminfo() -> dict[str, int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields if len(field) > 1}
