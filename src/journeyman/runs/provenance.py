"""What a run must remember to be repeated: versions, machine, commit, digests and seeds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from journeyman.config import Config, digest

__all__ = ["describe_run"]


def describe_run(
    config: Config, digests: Mapping[str, str], seeds: Mapping[str, int], folder: Path
) -> dict[str, Any]:
    """Return the content of a run's `lock.json`; `folder` is where the command was given."""
    return {
        "journeyman": _packages().get("journeyman", ""),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "num_cpus": os.cpu_count(),
        "git_commit": _git_commit(folder),
        "config_digest": digest(config),
        "digests": dict(digests),
        "seeds": dict(seeds),
        "packages": _packages(),
        "executable": sys.executable,
    }


def _packages() -> dict[str, str]:
    found = {
        str(item.metadata["Name"]): item.version for item in importlib.metadata.distributions()
    }
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _git_commit(folder: Path) -> str:
    """Return the commit of the folder's repository, `+` where it has changes, or nothing."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}+" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()
