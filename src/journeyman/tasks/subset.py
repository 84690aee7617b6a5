"""A taskset saved elsewhere, with the environments that it needs: linked where that is possible.

Environments are never written to, so that one file on the disk may stand in many tasksets.

    save_subset(taskset.model_copy(update={"tasks": kept}), Path("tasksets/kept"),
                environments=[taskset.environments])
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.gate_history import read_gate, record_gate
from journeyman.tasks.taskset import Taskset, save_taskset

__all__ = ["save_subset"]


def save_subset(taskset: Taskset, folder: Path, *, environments: Sequence[Path]) -> Taskset:
    """Save a taskset in a new `folder`, whole or not at all; environments found nowhere are left out.

    Raises `JourneymanError` where `folder` is there already.
    """
    if folder.exists():
        raise JourneymanError(f"{folder} exists already", "choose another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (scratch / "environments").mkdir()
        for digest in sorted({task.environment for task in taskset.tasks} - {""}):
            found = [root / digest for root in environments if (root / digest).is_dir()]
            if found:
                _take_over(found[0], scratch / "environments" / digest)
        save_taskset(taskset.model_copy(update={"folder": scratch}))
        history = read_gate(taskset.folder)
        kept = [entry for task in taskset.tasks for entry in history.get(task.instance_id, ())]
        if kept:
            record_gate(scratch, kept)
        scratch.chmod(0o755)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return taskset.model_copy(update={"folder": folder})


def _take_over(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
