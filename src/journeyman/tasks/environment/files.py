"""The files of an environment while it is built: its tree, what building left, its toolchain.

Not a record of anything: plain steps on a folder, none of which runs code of the project.

    export_tree(project, folder / "repository")
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from journeyman.interpreter import Interpreter
from journeyman.tasks.git import git, list_files
from journeyman.tasks.project import Project

__all__ = [
    "export_tree",
    "keep_byproducts",
    "seal_toolchain",
    "size_of",
    "take_byproducts",
    "write_json",
]


def export_tree(project: Project, target: Path) -> None:
    """Write the commit's tree, byte for byte, without `.git`."""
    target = target.absolute()
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        # A bare repository has no work tree of its own.
        env = {"GIT_INDEX_FILE": str(Path(scratch, "index")), "GIT_WORK_TREE": str(target)}
        git(project.path, "read-tree", project.commit, env=env)
        git(project.path, "checkout-index", "--all", f"--prefix={target}/", env=env)


def keep_byproducts(folder: Path) -> None:
    """Take what building wrote into the tree, e.g. compiled modules and version files."""
    take_byproducts(folder / "byproducts", folder / "repository")


def take_byproducts(made: Path, tree: Path) -> None:
    """Copy plain files from one folder into another; links are left out. The first one is removed."""
    for path in list_files(made):
        source, target = made / path, tree / path
        if source.is_symlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    shutil.rmtree(made)


def seal_toolchain(folder: Path, interpreter: Interpreter) -> None:
    """Undo what build code may have done to be shown more of the host than the interpreter."""
    shutil.rmtree(folder / "byproducts", ignore_errors=True)
    home = interpreter.executable.parent
    config = folder / "toolchain" / "pyvenv.cfg"
    config.unlink(missing_ok=True)
    config.write_text(
        f"home = {home}\nimplementation = CPython\nuv = 1\n"
        f"version_info = {interpreter.version}\ninclude-system-site-packages = false\n"
    )
    for nested in (folder / "toolchain").glob("*/pyvenv.cfg"):
        nested.unlink()


def size_of(folder: Path) -> int:
    """Return the bytes of all files under `folder`."""
    return sum((folder / path).lstat().st_size for path in list_files(folder))


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that people can read."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
