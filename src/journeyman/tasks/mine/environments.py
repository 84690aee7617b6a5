"""Environments of a repository's commits: built where dependencies change, shared in between.

The tree is each commit's own. What is installed is shared, through hard links, between commits with
the same manifests, the same compiled sources and the same packages at the top, less than half a year
apart; so what is shared was never wrong by what it was asked for, and the gate decides the rest.

    shelf = Shelf(project, Path("tasksets/toolz.mining/environments"))
    environment = await shelf.at(commit, "2024-01-05T00:00:00Z")
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from journeyman.cache import fill_once
from journeyman.config import digest
from journeyman.errors import JourneymanError
from journeyman.sandbox import load_environment
from journeyman.tasks.environment import build_environment
from journeyman.tasks.environment.files import export_tree, size_of, write_json
from journeyman.tasks.git import list_files
from journeyman.tasks.languages import environment_language
from journeyman.tasks.mine.plumbing import git_bytes
from journeyman.tasks.project import Project
from journeyman.tasks.sdist import IndexUnreachableError
from journeyman.types import Environment

__all__ = ["Shelf", "UnbuildableError", "manifest_key"]

_NEAR = timedelta(days=182)
_MAX_FAILED_BUILDS = 2
_MANIFEST = re.compile(
    r"(pyproject\.toml|setup\.(py|cfg)|tox\.ini|pytest\.ini|\.pytest\.ini|MANIFEST\.in"
    r"|(.*[-_.])?requirements?([-_.].*)?\.(txt|in)|constraints.*\.txt|Pipfile(\.lock)?"
    r"|(poetry|pdm|uv)\.lock|environment\.ya?ml|\.python-version|meson\.build|CMakeLists\.txt)"
)
_LANGUAGE_MANIFEST = re.compile(
    r"package(-lock)?\.json|npm-shrinkwrap\.json|\.mocharc\..*|(jest|vitest)\.config\..*|go\.(mod|sum)"
    r"|Cargo\.(toml|lock)|pom\.xml|build\.gradle(\.kts)?|CMakeLists\.txt|configure(\.ac)?|[Mm]akefile"
    r"|meson\.build|Gemfile(\.lock)?|.*\.gemspec|\.rspec|composer\.(json|lock)|phpunit\.xml(\.dist)?"
    r"|.*\.csproj|.*\.sln"
)
_COMPILED = frozenset((".pyx", ".pxd", ".c", ".cc", ".cpp", ".h", ".hpp", ".rs", ".f90", ".go"))


class UnbuildableError(Exception):
    """No environment can be built at a commit; the message says why."""


@dataclass
class _Group:
    """The commits that may share what is installed."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    leaders: list[Environment] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Shelf:
    """The environments of one mining, made as they are asked for.

    Whoever asks in the same order gets the same environments, however long each takes.
    """

    def __init__(
        self,
        project: Project,
        environments: Path,
        *,
        on_progress: Callable[[str], None] | None = None,
        backend: str = "namespace",
    ) -> None:
        self._project = project
        self._environments = environments
        self._say = on_progress or (lambda _: None)
        self._backend = backend
        self._groups: dict[str, _Group] = defaultdict(_Group)

    @property
    def num_installed(self) -> int:
        """Environments that were installed, in this run or before; the others share what is in one."""
        return sum(len(group.leaders) for group in self._groups.values())

    async def at(self, commit: str, created_at: str, language: str = "python") -> Environment:
        """Return an environment, for tests of a language, whose tree is that of `commit`.

        Raises `UnbuildableError`, and `IndexUnreachableError` where only the network is missing.
        """
        group = self._groups[manifest_key(self._project.path, commit, language)]
        async with group.lock:
            for leader in group.leaders:
                if leader.commit == commit:
                    return leader
                apart = abs(_moment(leader.created_at) - _moment(created_at))
                if apart <= _NEAR and _may_share(leader, language):
                    return await asyncio.to_thread(self._share, leader, commit, created_at)
            if len(group.failures) >= _MAX_FAILED_BUILDS:
                raise UnbuildableError(group.failures[-1])
            return await self._build(group, commit, created_at, language)

    def recall(self, commit: str, failure: str = "", language: str = "python") -> None:
        """Take up what was found at a commit before, so that later ones share what they would have.

        `failure` says why nothing could be built there; "" where an environment was.
        """
        group = self._groups[manifest_key(self._project.path, commit, language)]
        leader = self._built().get((commit, environment_language(language)))
        if failure:
            group.failures.append(failure)
        elif leader and leader not in group.leaders:
            group.leaders.append(leader)

    def _built(self) -> dict[tuple[str, str], Environment]:
        """Return the environments that were installed rather than shared, by commit and language."""
        places = (path.parent for path in sorted(self._environments.glob("[!.]*/build.json")))
        found = map(load_environment, places)
        return {(one.commit, environment_language(one.language)): one for one in found}

    async def _build(
        self, group: _Group, commit: str, created_at: str, language: str
    ) -> Environment:
        project = self._at(commit, created_at)
        self._say(f"building an environment at {commit[:10]} of {created_at[:10]}")
        try:
            environment = await build_environment(
                project, self._environments, language=language, backend=self._backend
            )
        except IndexUnreachableError:
            raise
        except JourneymanError as error:
            group.failures.append(error.message)
            raise UnbuildableError(error.message) from None
        group.leaders.append(environment)
        return environment

    def _share(self, leader: Environment, commit: str, created_at: str) -> Environment:
        """Return the leader's environment with another tree; it is made where it is not there yet."""
        name = digest(["shared", leader.digest, commit])[:16]
        place = self._environments / name
        shared = leader.model_copy(
            update={"digest": name, "commit": commit, "created_at": created_at}
        )
        fill_once(place, lambda folder: self._fill(leader, shared, folder))
        return load_environment(place)

    def _fill(self, leader: Environment, shared: Environment, folder: Path) -> None:
        source = self._environments / leader.digest
        export_tree(self._at(shared.commit, shared.created_at), folder / "repository")
        _add_byproducts(self._project.path, leader.commit, source, folder)
        if (source / "toolchain").is_dir():
            toolchain = folder / "toolchain"
            shutil.copytree(source / "toolchain", toolchain, symlinks=True, copy_function=_link)
        if (source / "Dockerfile").is_file():
            shutil.copyfile(source / "Dockerfile", folder / "Dockerfile")
        described = shared.model_copy(
            update={"build_duration_s": 0.0, "size_bytes": size_of(folder)}
        )
        write_json(folder / "environment.json", described.model_dump(mode="json"))

    def _at(self, commit: str, created_at: str) -> Project:
        return self._project.model_copy(update={"commit": commit, "created_at": created_at})


def _may_share(leader: Environment, language: str) -> bool:
    """Tell whether another commit may use what was installed at one, beside having the same manifests.

    An environment's way to run the tests may name their files, which another commit has not.
    """
    if language == "python":
        return True
    return leader.log_parser not in ("tap", "minitest", "test_unit")


def manifest_key(repository: Path, commit: str, language: str = "python") -> str:
    """Return a digest of all that decides what is installed and compiled at a commit.

    What compilers make is never part of an environment of another language than Python.
    """
    if language != "python":
        return _language_key(repository, commit, environment_language(language))
    listing = git_bytes(repository, "ls-tree", "-r", "-z", commit)
    said: list[str] = []
    packages: set[str] = set()
    for line in listing.decode("utf-8", "surrogateescape").split("\0"):
        facts, _, path = line.partition("\t")
        place = PurePosixPath(path)
        if _MANIFEST.fullmatch(place.name) or place.suffix in _COMPILED:
            said.append(f"{facts} {path}")
        if place.suffix == ".py":
            packages.add("/".join(place.parts[: 2 if place.parts[0] == "src" else 1]))
    return digest([said, sorted(packages)])


def _language_key(repository: Path, commit: str, language: str) -> str:
    """Return a digest of the files at the top, and below, that a package manager reads."""
    listing = git_bytes(repository, "ls-tree", "-r", "-z", commit)
    said = [
        line
        for line in listing.decode("utf-8", "surrogateescape").split("\0")
        if _LANGUAGE_MANIFEST.fullmatch(PurePosixPath(line.partition("\t")[2]).name)
    ]
    return digest([language, said])


def _add_byproducts(repository: Path, commit: str, leader: Path, folder: Path) -> None:
    """Bring what the leader's build left in its tree, e.g. compiled modules and version files."""
    listing = git_bytes(repository, "ls-tree", "-r", "-z", "--name-only", commit)
    tracked = set(listing.decode("utf-8", "surrogateescape").split("\0"))
    for path in list_files(leader / "repository"):
        target = folder / "repository" / path
        if path in tracked or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(leader / "repository" / path, target, follow_symlinks=False)


def _link(source: str, target: str) -> None:
    """Toolchains are only ever read, so that one file may stand in many."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _moment(created_at: str) -> datetime:
    return datetime.fromisoformat(created_at)
