"""Git's plumbing with its bytes left as they are: objects, changed files, and trees made in passing.

Not a walk through history (`history`) and no decision: what is read here is judged elsewhere. Missing
objects are never fetched, so that a partial clone gives an error and no network traffic.

    >>> changed_files(Path("repository"), "HEAD~1", "HEAD")  # doctest: +SKIP
    [ChangedFile(path='shop/prices.py', status='M', …)]
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from journeyman.errors import JourneymanError
from journeyman.tasks.git import clean_environment

__all__ = [
    "LINK",
    "SUBMODULE",
    "ChangedFile",
    "applied_tree",
    "changed_files",
    "diff_text",
    "git_bytes",
    "is_binary",
    "read_blob",
    "tree_with",
    "write_blob",
]

LINK = "120000"
SUBMODULE = "160000"
_ABSENT = "000000"
_BINARY_PREFIX_BYTES = 8000
_DIFF = (
    "diff",
    "--binary",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--diff-algorithm=histogram",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


class ChangedFile(NamedTuple):
    """One file that differs between two trees; a renamed one is two, gone and new."""

    path: str
    status: str
    """`A` for new, `D` for gone, `M` for changed, `T` for another type."""
    old_mode: str
    new_mode: str
    old: str
    """Object of the file before; zeros where there was none."""
    new: str

    @property
    def is_new(self) -> bool:
        """Whether the file was not there before."""
        return self.old_mode == _ABSENT

    @property
    def is_gone(self) -> bool:
        """Whether the file is not there afterwards."""
        return self.new_mode == _ABSENT

    def has_mode(self, mode: str) -> bool:
        """Tell whether the file has a mode before or after, e.g. `LINK`."""
        return mode in (self.old_mode, self.new_mode)


def git_bytes(
    repository: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run one Git command and return exactly what it wrote to standard output.

    Raises `JourneymanError` with Git's last line of complaint.
    """
    done = subprocess.run(
        ["git", "-c", "core.quotePath=true", *arguments],
        cwd=repository,
        env=clean_environment({"GIT_NO_LAZY_FETCH": "1", **(env or {})}),
        input=stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        hint = f"git -C {repository} fsck --connectivity-only"
        raise JourneymanError(f"git {arguments[0]} failed: {lines[-1]}", hint)
    return done.stdout


def changed_files(repository: Path, base: str, fixed: str) -> list[ChangedFile]:
    """List the files that differ between two commits or trees, by path."""
    raw = git_bytes(
        repository, "diff-tree", "-r", "-z", "--no-renames", "--full-index", "--raw", base, fixed
    )
    parts = raw.decode("utf-8", "surrogateescape").split("\0")
    found: list[ChangedFile] = []
    for facts, path in zip(parts[0::2], parts[1::2], strict=False):
        old_mode, new_mode, old, new, status = facts.removeprefix(":").split(" ")
        found.append(ChangedFile(path, status, old_mode, new_mode, old, new))
    return found


def read_blob(repository: Path, sha: str) -> bytes:
    """Return the bytes of an object; none for the object that stands for no file."""
    return git_bytes(repository, "cat-file", "blob", sha) if sha.strip("0") else b""


def write_blob(repository: Path, data: bytes) -> str:
    """Keep bytes as an object and return its name."""
    return git_bytes(repository, "hash-object", "-w", "--stdin", stdin=data).decode().strip()


def is_binary(data: bytes) -> bool:
    """Tell whether Git takes these bytes for no text."""
    return b"\0" in data[:_BINARY_PREFIX_BYTES]


def tree_with(repository: Path, base: str, entries: Mapping[str, tuple[str, str] | None]) -> str:
    """Return the tree of `base` with some files replaced by (mode, object), or taken away (None)."""
    lines: list[bytes] = []
    for path, entry in entries.items():
        mode, sha = entry or (_ABSENT, "0" * 40)
        lines.append(f"{mode} {sha}\t".encode() + path.encode("utf-8", "surrogateescape") + b"\0")
    with _index(repository, base) as env:
        git_bytes(repository, "update-index", "-z", "--index-info", stdin=b"".join(lines), env=env)
        return git_bytes(repository, "write-tree", "--missing-ok", env=env).decode().strip()


def applied_tree(repository: Path, base: str, patches: Sequence[bytes]) -> str:
    """Return the tree that patches make of `base`, one after the other.

    Raises `JourneymanError` where one does not apply.
    """
    with _index(repository, base) as env:
        for patch in patches:
            if patch.strip():
                command = ("apply", "--cached", "--whitespace=nowarn", "-")
                git_bytes(repository, *command, stdin=patch, env=env)
        return git_bytes(repository, "write-tree", "--missing-ok", env=env).decode().strip()


def diff_text(repository: Path, base: str, other: str) -> bytes:
    """Return the Git diff between two trees, renames found, binary files whole."""
    return git_bytes(repository, *_DIFF, "-M", base, other)


@contextmanager
def _index(repository: Path, base: str) -> Iterator[dict[str, str]]:
    """Yield the variables of an index of its own, filled with `base`."""
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        git_bytes(repository, "read-tree", base, env=env)
        yield env
