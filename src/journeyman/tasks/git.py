"""Running Git without the host's settings, and turning a folder into one deterministic commit.

Not a Git library: every function runs the `git` program. Nothing here reads the user's or the
machine's Git configuration, so equal trees give equal commits everywhere.

    >>> git(Path("/tmp/some-repository"), "rev-parse", "HEAD")  # doctest: +SKIP
    '5c1d…'
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from journeyman.errors import JourneymanError

__all__ = ["add_files", "commit_tree", "git", "init_repository", "list_files"]

# Conversions would make the bytes in the repository differ from the bytes on the disk.
_ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"

# Files appear with other inode numbers inside a sandbox's overlay; only time and size are compared.
_SETTINGS = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tautocrlf = false
\tsafecrlf = false
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[user]
\tname = Journeyman
\temail = journeyman@localhost
"""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return process variables with which Git sees no configuration but the repository's own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    isolation = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "core.hooksPath",
        "GIT_CONFIG_VALUE_1": os.devnull,
        "GIT_CONFIG_KEY_2": "core.attributesFile",
        "GIT_CONFIG_VALUE_2": os.devnull,
        "GIT_CONFIG_KEY_3": "core.excludesFile",
        "GIT_CONFIG_VALUE_3": os.devnull,
        "LC_ALL": "C.UTF-8",
    }
    return {**kept, **isolation, **(extra or {})}


def git(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> str:
    """Run one Git command in `folder` and return its standard output, stripped.

    Raises `JourneymanError` with Git's last line of complaint.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=clean_environment(env),
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise JourneymanError("git is not installed", "journeyman doctor") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise JourneymanError(f"git {arguments[0]} failed: {lines[-1]}", "see the line above")
    return done.stdout.decode(errors="surrogateescape").strip()


def init_repository(git_folder: Path, branch: str = "main") -> None:
    """Make an empty `.git` folder by hand: no templates, no hooks, no remotes, one branch name."""
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (git_folder / name).mkdir(parents=True, exist_ok=True)
    (git_folder / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
    (git_folder / "config").write_text(_SETTINGS)
    (git_folder / "info" / "attributes").write_text(_ATTRIBUTES)


def list_files(tree: Path) -> list[str]:
    """List every file and symbolic link under `tree`, relative, sorted; `.git` is never entered."""
    found: list[str] = []
    for folder, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        names = [name for name in files if name != ".git"] + links
        found.extend(os.path.relpath(os.path.join(folder, name), tree) for name in names)
    return sorted(found)


def add_files(git_folder: Path, tree: Path, paths: Iterable[str]) -> None:
    """Put files of `tree` into the index whatever any ignore file says."""
    listing = b"".join(os.fsencode(path) + b"\0" for path in paths)
    env = {"GIT_DIR": str(git_folder.absolute()), "GIT_WORK_TREE": str(tree.absolute())}
    git(tree, "update-index", "--add", "-z", "--stdin", stdin=listing, env=env)


def commit_tree(
    git_folder: Path,
    message: str,
    created_at: str,
    *,
    parents: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> str:
    """Commit the index with a fixed author and date, move `HEAD` there, return the commit's sha."""
    env = {
        **(env or {}),
        "GIT_DIR": str(git_folder),
        "GIT_AUTHOR_NAME": "Journeyman",
        "GIT_AUTHOR_EMAIL": "journeyman@localhost",
        "GIT_AUTHOR_DATE": created_at,
        "GIT_COMMITTER_NAME": "Journeyman",
        "GIT_COMMITTER_EMAIL": "journeyman@localhost",
        "GIT_COMMITTER_DATE": created_at,
    }
    tree = git(git_folder, "write-tree", env=env)
    above = [part for parent in parents for part in ("-p", parent)]
    commit = git(git_folder, "commit-tree", tree, *above, "-m", message, env=env)
    git(git_folder, "update-ref", "--no-deref", "refs/heads/main", commit, env=env)
    return commit
