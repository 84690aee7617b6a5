"""What an agent could find of the hidden tests or of the fix, searched for as an agent would.

The workspace is opened in a real sandbox; the environment around it is searched on the disk.

    >>> await find_visible(task, environments)  # doctest: +SKIP
    ['toolz/tests/test_core.py is in the workspace']
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from journeyman.sandbox import WORKSPACE, environment_spec, load_environment, opened
from journeyman.tasks.tree import apply_patches, read_file, real_place
from journeyman.tasks.workspace import prepare_workspace
from journeyman.types import Task

__all__ = ["FilesBySize", "files_by_size", "find_visible"]

_TIMEOUT_S = 60.0
_OBJECTS = "git cat-file --batch-all-objects --batch-check='object %(objectname)'"
_HEAD = 'echo "head $(git rev-parse HEAD)"'
_STATUS = "git status --porcelain | sed 's/^/changed /'"


FilesBySize = Mapping[int, Sequence[Path]]


async def find_visible(
    task: Task,
    environments: Path,
    *,
    files: FilesBySize | None = None,
    backend: str = "namespace",
) -> tuple[str, ...]:
    """List what gives the task away to an agent: hidden files, their copies, and the fixed files.

    `files` are those of the task's environment, where `files_by_size` has listed them before.
    """
    folder = environments / task.environment
    secret = _secrets(task, folder / "repository")
    seen = await _look_around(task, environments, secret, backend)
    return (*seen, *_find_copies(folder, secret, files or files_by_size(folder)))


def _secrets(task: Task, repository: Path) -> dict[str, bytes]:
    """Return the files of the environment's tree that the agent must not have, by path."""
    buggy = apply_patches(repository, [task.bug_patch])
    hidden = {real_place(repository, path) for path in task.hidden_paths}
    # What the bug only moved, or gave another mode, is there for the agent to see.
    seen = {file.data for path, file in buggy.items() if file and path not in hidden}
    found = {path: read_file(repository, path) for path in sorted({*hidden, *buggy})}
    return {
        path: file.data
        for path, file in found.items()
        if file and file.data and (path in hidden or file.data not in seen)
    }


async def _look_around(
    task: Task, environments: Path, secret: Mapping[str, bytes], backend: str
) -> list[str]:
    folder = environments / task.environment
    layers = await prepare_workspace(task, environments, backend=backend)
    spec = environment_spec(load_environment(folder), folder, extra_layers=layers)
    hidden = " ".join(shlex.quote(path) for path in task.hidden_paths)
    files = f'for path in {hidden}; do [ -e "$path" ] && echo "file $path"; done; true'
    async with opened(spec, backend=backend) as sandbox:
        script = "\n".join((f"cd {WORKSPACE}", files, _HEAD, _OBJECTS, _STATUS))
        done = await sandbox.execute(script, timeout_s=_TIMEOUT_S)
    facts: dict[str, set[str]] = defaultdict(set)
    for line in done.stdout.decode(errors="replace").splitlines():
        what, _, value = line.partition(" ")
        facts[what].add(value)
    blobs = {_blob(data): path for path, data in secret.items()}
    return [
        *(f"{path} is in the workspace" for path in sorted(facts["file"])),
        *(f"{blobs[one]} is in the Git history" for one in sorted(facts["object"] & blobs.keys())),
        *([] if facts["head"] == {task.base_commit} else ["HEAD is not the base commit"]),
        *(f"the workspace is not clean: {change}" for change in sorted(facts["changed"])),
    ]


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _find_copies(folder: Path, secret: Mapping[str, bytes], files: FilesBySize) -> Iterator[str]:
    """Find copies elsewhere, e.g. of an installed package or a build folder, and compiled ones."""
    for path, data in secret.items():
        own = folder / "repository" / path
        for other in files.get(len(data), ()):
            if other != own and other.is_file() and other.read_bytes() == data:
                yield f"{path} is also at {other.relative_to(folder)}"
        for compiled in own.parent.glob(f"__pycache__/{own.stem}.*.pyc"):
            yield f"{path} is compiled at {compiled.relative_to(folder)}"


def files_by_size(folder: Path) -> FilesBySize:
    """List the files of an environment's tree and toolchain by their size in bytes."""
    found: dict[int, list[Path]] = defaultdict(list)
    for part in ("repository", "toolchain"):
        for parent, _, names in os.walk(folder / part):
            for name in names:
                path = Path(parent, name)
                if not path.is_symlink():
                    found[path.stat().st_size].append(path)
    return found
