"""What an agent sees of a task, as layers over its environment's tree: buggy files, no hidden ones.

The layer holds the files that the bug changed, a whiteout for each file that is hidden or gone, and
a `.git` with one root commit and not one object more. It is made once per task, in the cache, from
files alone: no code of the project runs, and the environment is only read.

    layers = await prepare_workspace(task, environments)
    spec = environment_spec(environment, folder, extra_layers=layers)
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from journeyman.cache import fill_once
from journeyman.config import cache_folder, digest
from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox import load_environment
from journeyman.tasks.git import add_files, commit_tree, git, init_repository, list_files
from journeyman.tasks.scrub import find_leftovers
from journeyman.tasks.tree import apply_patches, real_place, write_file
from journeyman.types import Environment, Task

__all__ = ["find_base_commit", "prepare_workspace"]

_RECIPE = 3
"""Raised whenever the same task would be laid out differently, so that old layers are not reused."""


async def prepare_workspace(
    task: Task, environments: Path, *, backend: str = "namespace"
) -> tuple[Path, ...]:
    """Return the layers that turn the environment's tree into what the agent sees, bottom first.

    Raises `AttributedError("task_broken")` where the bug does not apply or the tree is not the
    task's base commit, and `AttributedError("environment_missing")`.
    """
    layer = await asyncio.to_thread(_laid_out, task, environments)
    head = (layer / ".git/refs/heads/main").read_text(encoding="ascii").strip()
    if head != task.base_commit:
        raise AttributedError("task_broken", f"the base commit is {head}, not {task.base_commit}")
    return (layer,)


async def find_base_commit(task: Task, environments: Path, *, backend: str = "namespace") -> str:
    """Return the id of the one commit that an agent finds in the workspace of `task`."""
    layer = await asyncio.to_thread(_laid_out, task, environments)
    return (layer / ".git/refs/heads/main").read_text(encoding="ascii").strip()


def _laid_out(task: Task, environments: Path) -> Path:
    folder = environments / task.environment
    environment = load_environment(folder)
    # Times of the tree's files stand in the index, so another copy of the tree needs another layer.
    copy = (folder / "environment.json").stat().st_mtime_ns
    key = [_RECIPE, environment.digest, copy, task.bug_patch, sorted(task.hidden_paths)]
    root = cache_folder("workspaces")
    tree = folder / "repository"
    return fill_once(
        root / digest(key)[:24], lambda layer: _lay_out(task, environment, tree, layer)
    )


def _lay_out(task: Task, environment: Environment, tree: Path, layer: Path) -> None:
    changed = apply_patches(tree, [task.bug_patch])
    changed |= dict.fromkeys(real_place(tree, path) for path in task.hidden_paths)
    written = {path: file for path, file in changed.items() if file}
    for path, file in written.items():
        _make_parents(tree, layer, path)
        write_file(layer / path, file)
    for path in changed.keys() - written.keys():
        _white_out(tree, layer, path, written)
    _commit(environment, tree, layer, changed.keys(), written.keys())


def _white_out(tree: Path, layer: Path, path: str, written: Collection[str]) -> None:
    """Let overlayfs show nothing of a file; what was written in its or its folder's place does it."""
    is_covered = any(str(folder) in written for folder in Path(path).parents)
    if is_covered or (layer / path).is_dir() or not os.path.lexists(tree / path):
        return
    _make_parents(tree, layer, path)
    os.mknod(layer / path, stat.S_IFCHR, os.makedev(0, 0))


def _make_parents(tree: Path, layer: Path, path: str) -> None:
    """Make a path's folders; overlayfs shows the upper folder's permissions, so copy them."""
    for folder in reversed(Path(path).parents[:-1]):
        if not (layer / folder).is_dir():
            (layer / folder).mkdir()
            if (tree / folder).is_dir() and not (tree / folder).is_symlink():
                shutil.copystat(tree / folder, layer / folder)
            (layer / folder).chmod(0o755)


def _commit(
    environment: Environment,
    tree: Path,
    layer: Path,
    changed: Iterable[str],
    written: Iterable[str],
) -> None:
    """Commit what the agent sees; the objects of what it must not see are never written."""
    git_folder = layer / ".git"
    init_repository(git_folder)
    base = _base_of(environment, tree)
    shutil.copyfile(base / "index", git_folder / "index")
    env = {
        "GIT_DIR": str(git_folder),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(base / "objects"),
    }
    gone = b"".join(os.fsencode(path) + b"\0" for path in changed)
    git(layer, "update-index", "--force-remove", "-z", "--stdin", stdin=gone,
        env={**env, "GIT_WORK_TREE": str(layer)})  # fmt: skip
    add_files(git_folder, layer, written)
    with_base = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(base / "objects")}
    commit = commit_tree(git_folder, "Start", environment.created_at, env=with_base)
    _own_every_object(git_folder, commit, env)


def _own_every_object(git_folder: Path, commit: str, env: Mapping[str, str]) -> None:
    """Replace loose and borrowed objects by one pack of exactly what the commit reaches."""
    pack = git_folder / "objects/pack/pack"
    git(
        git_folder,
        *("pack-objects", "--revs", "--quiet", "--no-reuse-delta", "--window=0", str(pack)),
        stdin=f"{commit}\n".encode(),
        env=env,
    )
    for folder in (git_folder / "objects").iterdir():
        if folder.name not in ("pack", "info"):
            shutil.rmtree(folder)
    shutil.rmtree(git_folder / "logs", ignore_errors=True)
    git(git_folder, "fsck", "--strict", "--no-dangling", env={"GIT_DIR": str(git_folder)})
    if left := find_leftovers(git_folder, commit):
        raise AttributedError("task_broken", f"its history holds {left[0].kind} {left[0].name}")


def _base_of(environment: Environment, tree: Path) -> Path:
    """Return the Git folder, in the cache, with every object of the environment's own tree."""
    copy = (tree.parent / "environment.json").stat().st_mtime_ns
    root = cache_folder("trees")
    place = root / digest([_RECIPE, environment.digest, copy])[:24]
    try:
        return fill_once(place, lambda folder: _add_all(folder, tree))
    except JourneymanError as error:
        raise AttributedError("task_broken", error.message) from None


def _add_all(git_folder: Path, tree: Path) -> None:
    init_repository(git_folder)
    add_files(git_folder, tree, list_files(tree))
