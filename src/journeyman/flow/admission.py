"""Whether one more sandbox may be opened, by what the machine has left, not by a fixed number.

MegaFlow's machines ran one task each and idled at 5 to 10 % of their processors (arXiv 2601.07526,
section 4): an agent mostly waits for its model. So sandboxes are opened until something is scarce.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Admission", "Load", "measure_load"]

_MOST_PER_CPU = 64
# So many are admitted whatever the load: it may be that of a model that waits for more to do.
_FEWEST_PER_CPU = 2
_MOST_CPU_PRESSURE = 60.0
_LEAST_FREE_MEMORY = 0.12
_BYTES_PER_SANDBOX = 64 << 20
_NEW_PER_CPU = 8
_MEASURE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """How loaded the machine is."""

    cpu_pressure: float
    """Share of the last ten seconds in which something waited for a processor, in percent."""
    free_bytes: int
    total_bytes: int
    busy_s: float = 0.0
    """Seconds that all processors together have worked since the machine began."""


def measure_load() -> Load:
    """Read the machine's load from `/proc`; what it does not tell counts as none."""
    memory = _read_meminfo()
    total = memory.get("MemTotal", 0)
    return Load(_cpu_pressure(), memory.get("MemAvailable", total), total, _busy_s())


class Admission:
    """Decides for one machine. A few sandboxes are always admitted."""

    def __init__(self, *, num_cpus: int | None = None) -> None:
        self._num_cpus = num_cpus or len(os.sched_getaffinity(0))
        self._load = measure_load()
        self._measured_at = time.monotonic()
        self._num_new = 0

    def admits(self, num_open: int) -> bool:
        """Whether one more may be opened beside those that are; the caller opens it if so."""
        if num_open >= self._num_cpus * _MOST_PER_CPU:
            return False
        if num_open >= self._num_cpus * _FEWEST_PER_CPU and not self._has_room():
            return False
        self._num_new += 1
        return True

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._measured_at > _MEASURE_EVERY_S:
            self._load, self._measured_at, self._num_new = measure_load(), now, 0
        load = self._load
        # What began since the last measurement weighs something that no figure shows yet.
        if load.cpu_pressure > _MOST_CPU_PRESSURE or self._num_new >= _NEW_PER_CPU * self._num_cpus:
            return False
        free = load.free_bytes - self._num_new * _BYTES_PER_SANDBOX
        return free > load.total_bytes * _LEAST_FREE_MEMORY


def _cpu_pressure() -> float:
    """Return the pressure-stall figure, or one made of the load average where there is none."""
    try:
        first = Path("/proc/pressure/cpu").read_text().splitlines()[0]
        return float(first.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        waiting = os.getloadavg()[0] / len(os.sched_getaffinity(0)) - 1
        return max(0.0, min(100.0, 50.0 * waiting))


def _busy_s() -> float:
    try:
        fields = [int(it) for it in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0.0
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def _read_meminfo() -> dict[str, int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields if len(field) > 1}
