"""The Python that runs Journeyman, seen inside a sandbox that has no environment of its own.

prefix, mounts = python_mounts()
spec = SandboxSpec(mounts=mounts)
...                                  # {prefix}/bin/python3 runs in there
"""

from __future__ import annotations

import sys
from pathlib import Path

from journeyman.interpreter import find_interpreter
from journeyman.sandbox.base import Mount

__all__ = ["python_mounts"]


def python_mounts() -> tuple[Path, tuple[Mount, ...]]:
    """Return where Python lies, and what has to be mounted for it; `/usr` is there anyway."""
    prefix = find_interpreter(f">={sys.version_info.major}.{sys.version_info.minor}").prefix
    is_there = str(prefix).startswith("/usr")
    return prefix, () if is_there else (Mount(source=prefix, target=str(prefix)),)
