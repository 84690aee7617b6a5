"""A project made of files that are at hand, as a repository in the cache.

project = project_of_files("calls", {"a.md": "…"}, repo="journeyman/calls", date=date)
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from journeyman.config import cache_folder, digest
from journeyman.tasks.git import add_files, commit_tree, git, init_repository, list_files
from journeyman.tasks.project import Project

__all__ = ["project_of_files"]


def project_of_files(
    name: str, files: Mapping[str, str], *, repo: str, date: str, kind: str = "laid-out"
) -> Project:
    """Put files into a repository with one commit, once; `date` is ISO 8601, and bounds its packages."""
    key = digest([kind, name, dict(files)])[:16]
    place = cache_folder(kind) / f"{name}-{key}"
    if not (place / ".git").is_dir():
        shutil.rmtree(place, ignore_errors=True)
        _write(place, files)
        init_repository(place / ".git")
        add_files(place / ".git", place, list_files(place))
        commit_tree(place / ".git", name, date)
    return Project(
        name=name,
        repo=repo,
        path=place,
        commit=git(place, "rev-parse", "HEAD"),
        created_at=date,
    )


def _write(place: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, encoding="utf-8")
