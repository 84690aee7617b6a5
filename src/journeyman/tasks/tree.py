"""What patches make of a tree: the files that they touch, before and after, without a sandbox.

Nothing of the project is run, and the tree itself is never written to.

    >>> patched(Path("repository"), [task.bug_patch, task.patch])  # doctest: +SKIP
    {'toolz/dicttoolz.py': b'...'}
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.tasks.git import git
from journeyman.tasks.touched import touched_paths

__all__ = ["patched", "touched_paths"]


def patched(tree: Path, patches: Sequence[str]) -> dict[str, bytes | None]:
    """Apply diffs in turn to the files they touch; None stands for a file that is not there.

    Raises `AttributedError("task_broken")` where a diff does not apply or names a place outside.
    """
    paths = touched_paths(patches)
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        copy, env = Path(scratch), {"GIT_CEILING_DIRECTORIES": str(Path(scratch).parent)}
        for path in paths:
            _refuse_outside(path)
            if (tree / path).is_file():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree / path, copy / path)
        for patch in patches:
            if patch.strip():
                _apply(copy, patch, env)
        return {
            path: (copy / path).read_bytes() if (copy / path).is_file() else None for path in paths
        }


def _apply(folder: Path, patch: str, env: dict[str, str]) -> None:
    try:
        git(
            folder,
            "apply",
            "--whitespace=nowarn",
            "-",
            stdin=patch.encode("utf-8", "surrogateescape"),
            env=env,
        )
    except JourneymanError as error:
        raise AttributedError("task_broken", error.message) from None


def _refuse_outside(path: str) -> None:
    if path.startswith("/") or ".." in path.split("/"):
        raise AttributedError("task_broken", f"a patch names {path}")
