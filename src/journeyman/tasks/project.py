"""Projects: any source a user names, made into a Git repository in the cache.

A source is `bundled`, the name of a project on the package index, a path to a Git repository or a
Git URL. None of the project's code runs here.

    >>> obtain_project("toolz")  # doctest: +SKIP
    Project(name='toolz', repo='toolz', path=…, commit='…', created_at='2024-10-04T16:17:01Z', …)
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import tomllib
from pathlib import Path

from journeyman.cache import fill_once
from journeyman.config import cache_folder
from journeyman.errors import JourneymanError
from journeyman.tasks.git import add_files, commit_tree, git, init_repository, list_files
from journeyman.tasks.sdist import IndexUnreachableError, Sdist, download, find_sdist, unpack
from journeyman.types import Data

__all__ = ["BUNDLED", "Project", "obtain_project"]

BUNDLED = "bundled"
_BUNDLED_DATE = "2026-01-05T00:00:00Z"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_URL = re.compile(r"^([a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)")


class Project(Data):
    """A Git repository in the cache, checked out at the commit that tasks are made from."""

    name: str
    """The distribution's name where the project declares one, else the repository's."""
    repo: str
    """`owner/name` where known, else the same as `name`."""
    path: Path
    commit: str
    created_at: str
    """ISO 8601 date of the commit, UTC."""
    origin_note: str = ""
    """One sentence for people on where it came from and what was left out."""


def obtain_project(source: str, *, cache: Path | None = None) -> Project:
    """Bring `source` into the cache as a Git repository and return it.

    Raises `JourneymanError` for what does not exist or is no repository, and its subclass
    `IndexUnreachableError` where only the network is missing.
    """
    cache = cache or cache_folder("projects")
    cache.mkdir(parents=True, exist_ok=True)
    if source == BUNDLED:
        return _bundled(cache)
    if _URL.match(source):
        return _from_url(source, cache)
    path = Path(source).expanduser()
    if _NAME.fullmatch(source) and not (path / ".git").exists():
        return _from_index(source, cache)
    return _from_path(path, cache)


# --- the index ---------------------------------------------------------------------------------


def _from_index(name: str, cache: Path) -> Project:
    normal = re.sub(r"[-_.]+", "-", name).lower()
    try:
        sdist = find_sdist(normal)
    except IndexUnreachableError:
        newest = _newest_cached(normal, cache)
        if newest is None:
            raise
        return newest
    place = cache / f"{sdist.name}-{sdist.version}-{sdist.sha256[:12]}"
    fill_once(place, lambda folder: _unpack_sdist(sdist, folder))
    note = f"source distribution {sdist.name} {sdist.version} from the package index"
    return _describe(place, sdist.name, sdist.name, note)


def _unpack_sdist(sdist: Sdist, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="journeyman-") as scratch:
        archive = download(sdist, Path(scratch))
        newest = unpack(archive, folder)
    _commit_folder(folder, f"{sdist.name} {sdist.version}", sdist.uploaded_at or newest)


def _newest_cached(name: str, cache: Path) -> Project | None:
    places = sorted(cache.glob(f"{name}-[0-9]*"), key=lambda place: place.stat().st_mtime)
    if not places:
        return None
    note = f"{places[-1].name} from the cache: the package index cannot be reached"
    return _describe(places[-1], name, name, note)


# --- repositories ------------------------------------------------------------------------------


def _from_path(path: Path, cache: Path) -> Project:
    if not path.exists():
        raise JourneymanError(f"{path} does not exist", "check the path, or give a project's name")
    path = path.resolve()
    hint = f"git init {path} && git -C {path} add -A && git -C {path} commit -m start"
    try:
        top = Path(git(path, "rev-parse", "--show-toplevel")) if path.is_dir() else None
    except JourneymanError:
        top = None
    if top is None:
        raise JourneymanError(f"{path} is not a Git repository", hint)
    if top.resolve() != path:
        raise JourneymanError(f"{path} is only a folder of the repository {top}", f"use {top}")
    try:
        commit = git(path, "rev-parse", "--verify", "HEAD^{commit}")
    except JourneymanError:
        raise JourneymanError(f"{path} has no commit yet", hint) from None
    place = cache / f"{_slug(path.name)}-{commit[:12]}-{_short(str(path))}"
    fill_once(place, lambda folder: _clone(str(path), folder, commit))
    is_dirty = bool(git(path, "status", "--porcelain"))
    note = f"{path} at {commit[:12]}"
    if is_dirty:
        note += "; uncommitted changes are left out"
    return _describe(place, path.name, _repo_of(_origin(path), path.name), note)


def _from_url(url: str, cache: Path) -> Project:
    name = re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1]
    try:
        listing = git(cache, "ls-remote", "--", url, "HEAD", env=_user_git())
    except JourneymanError as error:
        raise JourneymanError(
            f"cannot read {url}: {error.message}", f"git ls-remote {url}"
        ) from None
    if not listing:
        raise JourneymanError(f"{url} has no commit yet", "give a repository with a commit")
    commit = listing.split()[0]
    place = cache / f"{_slug(name)}-{commit[:12]}-{_short(url)}"
    fill_once(place, lambda folder: _clone(url, folder, commit))
    return _describe(place, name, _repo_of(url, name), f"{url} at {commit[:12]}")


def _clone(source: str, folder: Path, commit: str) -> None:
    clone = ("clone", "--quiet", "--no-hardlinks", "--no-checkout", "--", source, str(folder))
    git(folder.parent, *clone, env=_user_git())
    git(folder, "checkout", "--quiet", "--detach", commit)


def _user_git() -> dict[str, str]:
    """Return what lets Git reach the network as the user set it up (proxies, keys, helpers)."""
    kept = {key: value for key, value in os.environ.items() if key.startswith("GIT_")}
    home = Path.home() / ".gitconfig"
    settings = {"GIT_CONFIG_GLOBAL": str(home)} if home.exists() else {}
    return {**settings, **kept, "GIT_CONFIG_NOSYSTEM": "0", "GIT_TERMINAL_PROMPT": "0"}


def _origin(path: Path) -> str:
    try:
        return git(path, "config", "--get", "remote.origin.url")
    except JourneymanError:
        return ""


def _repo_of(url: str, name: str) -> str:
    """Return `owner/name` where the URL of a remote has both."""
    found = re.search(r"^[^/]*(?://[^/]+/|:)(?:.*/)?([\w.-]+)/([\w.-]+?)(?:\.git)?/?$", url)
    is_remote = bool(found) and not url.startswith("file:")
    return f"{found[1]}/{found[2]}" if found and is_remote else name


# --- what ships with the package ---------------------------------------------------------------


def _bundled(cache: Path) -> Project:
    origin = Path(__file__).parent / BUNDLED
    files = [path for path in list_files(origin) if "__pycache__" not in path]
    content = b"".join(path.encode() + b"\0" + (origin / path).read_bytes() for path in files)
    place = cache / f"pocketkit-{hashlib.sha256(content).hexdigest()[:12]}"

    def copy(folder: Path) -> None:
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin / path, folder / path)
            (folder / path).chmod(0o644)
        _commit_folder(folder, "pocketkit", _BUNDLED_DATE)

    fill_once(place, copy)
    return _describe(
        place, "pocketkit", "pocketkit", "the small project that ships with Journeyman"
    )


# --- shared ------------------------------------------------------------------------------------


def _commit_folder(folder: Path, message: str, created_at: str) -> None:
    init_repository(folder / ".git")
    add_files(folder / ".git", folder, list_files(folder))
    commit_tree(folder / ".git", message, created_at)


def _describe(place: Path, name: str, repo: str, note: str) -> Project:
    moment = git(place, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
                 env={"TZ": "UTC"})  # fmt: skip
    declared = _declared_name(place)
    return Project(
        name=declared or name,
        repo=(declared or name) if repo == name else repo,
        path=place,
        commit=git(place, "rev-parse", "HEAD"),
        created_at=moment,
        origin_note=note,
    )


def _declared_name(place: Path) -> str:
    try:
        table = tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    name = table.get("project", {}).get("name") or table.get("tool", {}).get("poetry", {}).get(
        "name"
    )
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "repository"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
