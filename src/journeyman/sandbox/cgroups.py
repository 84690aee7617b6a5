"""Control groups of a sandbox: memory, processes and cpu, version 1 or 2, wherever they are writable.

Where none is, the caller falls back to rlimits; nothing here raises for a missing hierarchy.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from pathlib import Path

from journeyman.sandbox.base import Limits

__all__ = ["create", "describe", "limit", "names", "remove"]

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_NUM_SHARES = 8
"""What all sandboxes together weigh against one process of a busy host: by default, no more than it."""


def create(name: str) -> list[str]:
    """Make groups without limits; return the files into which a process writes its id to enter."""
    files = []
    for parent in _parents().values():
        with contextlib.suppress(OSError):
            (parent / name).mkdir(exist_ok=True)
            files.append(str(parent / name / "cgroup.procs"))
    return files


def limit(name: str, limits: Limits) -> None:
    """Set the limits of groups that `create` made."""
    for controller, parent in _parents().items():
        with contextlib.suppress(OSError):
            _limit(parent / name, controller, limits)


def names() -> set[str]:
    """Name all groups that there are."""
    found: set[str] = set()
    for parent in _parents().values():
        with contextlib.suppress(OSError):
            found.update(entry.name for entry in os.scandir(parent) if entry.is_dir())
    return found


def remove(name: str) -> None:
    """Kill whatever is left in the sandbox's groups and delete them."""
    for parent in _parents().values():
        group = parent / name
        if group.is_dir():
            _empty(group)


def describe() -> str:
    """Say which limits are enforced by control groups, e.g. `v1: cpu, memory, pids`."""
    parents = _parents()
    if not parents:
        return ""
    if "v2" in parents:
        return "v2: cpu, memory, pids"
    return "v1: " + ", ".join(sorted(parents))


@functools.cache
def _parents() -> dict[str, Path]:
    """Map controllers (or `v2` for all at once) to a writable folder for our groups."""
    if (_ROOT / "cgroup.controllers").exists():
        parent = _version_2_parent()
        return {"v2": parent} if parent else {}
    found = {}
    for controller in ("cpu", "memory", "pids"):
        parent = _ROOT / controller / "journeyman"
        with contextlib.suppress(OSError):
            parent.mkdir(exist_ok=True)
            if os.access(parent, os.W_OK):
                found[controller] = parent
    if "cpu" in found:
        with contextlib.suppress(OSError):
            (found["cpu"] / "cpu.shares").write_text(str(1024 * _NUM_SHARES))
    return found


def _version_2_parent() -> Path | None:
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().rpartition("::")[2]
    for base in (_ROOT, (_ROOT / own.lstrip("/")).parent):
        parent = base / "journeyman"
        with contextlib.suppress(OSError):
            parent.mkdir(exist_ok=True)
            (parent / "cgroup.subtree_control").write_text("+memory +pids +cpu")
            with contextlib.suppress(OSError):
                (parent / "cpu.weight").write_text(str(100 * _NUM_SHARES))
            if os.access(base / "cgroup.procs", os.W_OK):
                return parent
    return None


def _limit(group: Path, controller: str, limits: Limits) -> None:
    quota = int(limits.num_cpus * _PERIOD_US)
    settings: dict[str, dict[str, object]] = {
        "cpu": {"cpu.cfs_period_us": _PERIOD_US, "cpu.cfs_quota_us": quota},
        "memory": {"memory.limit_in_bytes": limits.memory_bytes},
        "pids": {"pids.max": limits.num_processes},
        "v2": {
            "memory.max": limits.memory_bytes,
            "pids.max": limits.num_processes,
            "cpu.max": f"{quota} {_PERIOD_US}",
        },
    }
    for file, value in settings[controller].items():
        (group / file).write_text(str(value))


def _empty(group: Path) -> None:
    for attempt in range(200):
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                if int(pid):  # 0 stands for a process of another namespace, and for us all
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        if not group.is_dir():
            return
        time.sleep(0.001 * min(attempt, 20))
