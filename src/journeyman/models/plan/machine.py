"""What this machine has: memory, cores, how fast memory is read, and GPUs.

>>> look_at_machine(measure_s=0.05).bandwidth > 0
True
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Gpu", "Machine", "look_at_machine"]

_CHUNK_BYTES = 64 << 20
_MARK, _FILLING = 1, 2


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as its driver tells of it."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model can use."""

    num_cores: int
    """That this process may use."""
    memory_bytes: int
    free_bytes: int
    """Memory that can be had without pushing others out."""
    bandwidth: float
    """Bytes a second that all cores together read from memory, as measured just now."""
    gpus: tuple[Gpu, ...] = ()


def look_at_machine(*, measure_s: float = 0.5) -> Machine:
    """Look at this machine, and read memory for so long to see how fast that is."""
    num_cores = len(os.sched_getaffinity(0))
    memory, free = _memory()
    return Machine(
        num_cores=num_cores,
        memory_bytes=memory,
        free_bytes=free,
        bandwidth=_measure(num_cores, measure_s),
        gpus=_gpus(),
    )


def _memory() -> tuple[int, int]:
    """Return all memory and what is free, within the limits of the control group."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    memory, free = kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    limit, used = (_number(f"/sys/fs/cgroup/memory.{it}") for it in ("max", "current"))
    if limit is not None and used is not None:
        memory, free = min(memory, limit), min(free, max(0, limit - used))
    return memory, free


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _measure(num_threads: int, duration_s: float) -> float:
    """Read memory with all cores, as drawing a token reads the weights: bytes a second."""
    library = ctypes.CDLL(None)
    library.memchr.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    counts = [0] * num_threads
    ready = threading.Barrier(num_threads + 1)
    until = [0.0]

    def read(index: int) -> None:
        chunk = (ctypes.c_char * _CHUNK_BYTES)()
        ctypes.memset(chunk, _FILLING, _CHUNK_BYTES)
        ready.wait()
        while time.monotonic() < until[0]:
            # What is looked for is not there, so all is read; Python's lock is not held meanwhile.
            library.memchr(chunk, _MARK, _CHUNK_BYTES)
            counts[index] += 1

    threads = [threading.Thread(target=read, args=(index,)) for index in range(num_threads)]
    for thread in threads:
        thread.start()
    until[0] = time.monotonic() + 3600
    ready.wait()
    started = time.monotonic()
    until[0] = started + duration_s
    for thread in threads:
        thread.join()
    return sum(counts) * _CHUNK_BYTES / (time.monotonic() - started)


def _gpus() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.rpartition(",") for line in done.stdout.splitlines() if "," in line]
    return tuple(Gpu(name.strip(), int(memory) << 20) for name, _, memory in rows)
