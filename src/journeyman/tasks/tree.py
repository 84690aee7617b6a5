"""What patches make of a tree: the files that they touch, before and after, without a sandbox.

Nothing of the project is run, and the tree itself is never written to. No link is followed: a link
is a file whose bytes say where it leads, as in Git.

    >>> patched(Path("repository"), [task.bug_patch, task.patch])  # doctest: +SKIP
    {'toolz/dicttoolz.py': b'...'}
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from journeyman.errors import AttributedError, JourneymanError
from journeyman.tasks.git import git
from journeyman.verify import touched_paths

__all__ = [
    "TreeFile",
    "apply_patches",
    "patched",
    "read_file",
    "real_place",
    "touched_paths",
    "write_file",
]


class TreeFile(NamedTuple):
    """A file as Git keeps one."""

    data: bytes
    """Of a link: where it leads."""
    is_executable: bool = False
    is_link: bool = False


def patched(tree: Path, patches: Sequence[str]) -> dict[str, bytes | None]:
    """Apply diffs in turn to the files they touch; None stands for a file that is not there.

    Raises as `apply_patches` does.
    """
    after = apply_patches(tree, patches)
    return {path: file.data if file else None for path, file in after.items()}


def apply_patches(tree: Path, patches: Sequence[str]) -> dict[str, TreeFile | None]:
    """Apply diffs in turn to the files they touch; None stands for a file that is not there.

    Raises `AttributedError("task_broken")` where a diff does not apply or names a place outside.
    """
    paths = touched_paths(patches)
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        copy, env = Path(scratch), {"GIT_CEILING_DIRECTORIES": str(Path(scratch).parent)}
        for path in paths:
            _refuse_outside(path)
            _refuse_behind_link(tree, path, paths)
            if file := read_file(tree, path):
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                write_file(copy / path, file)
        for patch in patches:
            if patch.strip():
                _apply(copy, patch, env)
        return {path: read_file(copy, path) for path in paths}


def read_file(tree: Path, path: str) -> TreeFile | None:
    """Return the file or link at `path`; None where there is none, also not behind a link."""
    if _link_above(tree, path) is not None:
        return None
    try:
        mode = (tree / path).lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return TreeFile(os.fsencode(os.readlink(tree / path)), is_link=True)
    if not stat.S_ISREG(mode):
        return None
    return TreeFile((tree / path).read_bytes(), is_executable=bool(mode & 0o100))


def write_file(target: Path, file: TreeFile) -> None:
    """Write a new file or link; its folder must be there."""
    if file.is_link:
        target.symlink_to(os.fsdecode(file.data))
        return
    target.write_bytes(file.data)
    target.chmod(0o755 if file.is_executable else 0o644)


def real_place(tree: Path, path: str) -> str:
    """Return where a file lies whose folders are links within the tree; its own name is kept.

    Raises `AttributedError("task_broken")` for a path that leads out of the tree.
    """
    _refuse_outside(path)
    root = tree.resolve()
    folder = (root / path).parent.resolve()
    if not folder.is_relative_to(root):
        raise AttributedError("task_broken", f"{path} leads out of the tree")
    return str((folder / Path(path).name).relative_to(root))


def _apply(folder: Path, patch: str, env: dict[str, str]) -> None:
    data = patch.encode("utf-8", "surrogateescape")
    try:
        git(folder, "apply", "--whitespace=nowarn", "-", stdin=data, env=env)
    except JourneymanError as error:
        raise AttributedError("task_broken", error.message) from None


def _refuse_outside(path: str) -> None:
    if path.startswith("/") or ".." in path.split("/"):
        raise AttributedError("task_broken", f"a patch names {path}")


def _refuse_behind_link(tree: Path, path: str, paths: Sequence[str]) -> None:
    """Git applies nothing behind a link; a patch may only put a folder in a link's place."""
    link = _link_above(tree, path)
    if link is not None and link not in paths:
        raise AttributedError("task_broken", f"a patch names {path}, but {link} is a link")


def _link_above(tree: Path, path: str) -> str | None:
    """Return the topmost folder of a path that is a link; None where none is."""
    parts = Path(path).parts[:-1]
    above = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return next((place for place in above if (tree / place).is_symlink()), None)
