"""What the guard protects: the task's own project under all its names.

>>> subject = Subject("acme/widgets", ("widgets",))
>>> subject.is_upstream("https://GitHub.com/acme%2Fwidgets/pull/812.diff")
True
>>> subject.is_own_package("Widgets[extra]>=2.4"), subject.is_own_package("pytest-widgets")
(True, False)
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from journeyman.guard.holes import without_holes
from journeyman.sandbox.base import WORKSPACE
from journeyman.types import TaskView

__all__ = ["Subject"]

_DISTRIBUTION_PREFIXES: tuple[str, ...] = (
    "python3-",
    "python2-",
    "python-",
    "py3-",
    "py-",
    "node-",
    "ruby-",
    "lib",
)
_DISTRIBUTION_PREFIXES += ("golang-", "rust-", "librust-", "php-", "perl-", "r-cran-", "haskell-")
_DISTRIBUTION_SUFFIXES = (
    "-dev",
    "-devel",
    "-src",
    "-source",
    "-doc",
    "-git",
    "-feedstock",
    "-perl",
)

# What follows a project's name in the names of its archives, branches and sites.
_AFTER = (
    r"v?\d|main|master|head|git|tar|zip|whl|deb|rpm|readthedocs|github|io|dev|org|com|latest|src|"
    r"feedstock|py|json|html|pull|commit|patch|diff|releases?"
)


@dataclass(frozen=True)
class Subject:
    """The task's project: `owner/name`, its names on package indexes, and its release."""

    repo: str
    packages: tuple[str, ...] = ()
    release: str = ""
    """Version of the base commit, where known: tags up to it are ancestors."""
    workspace: str = WORKSPACE

    @classmethod
    def of_task(cls, task: TaskView) -> Subject:
        """Return what is protected in a task; its package is taken to be named as its repository."""
        return cls(task.repo, workspace=task.workspace)

    @cached_property
    def owner(self) -> str:
        """The part of `repo` before the slash; empty where there is none."""
        return self.repo.lower().rpartition("/")[0]

    @cached_property
    def name(self) -> str:
        """The last part of `repo`."""
        return self.repo.lower().rpartition("/")[2].removesuffix(".git")

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Normalised names of the project and its packages."""
        return frozenset(_normal(it.rpartition("/")[2]) for it in (self.name, *self.packages) if it)

    @cached_property
    def _reference(self) -> re.Pattern[str]:
        owner, name = re.escape(self.owner), re.escape(self.name)
        between = r"(?:/+|__|:|\+|\s+|-|\.|--|[\W_]+(?:name|repo|repository|project)[\W_]+)"
        return re.compile(rf"(?<![a-z0-9]){owner}{between}{name}(?![a-z0-9])")

    def is_upstream(self, text: str) -> bool:
        """Say whether `text` names the repository as owner and name, in any spelling."""
        return bool(self.owner) and self._reference.search(plain(text)) is not None

    def is_own_package(self, requirement: str) -> bool:
        """Say whether a requirement such as `widgets[x]>=2` or `@acme/widgets@latest` is the "
        "project's."""
        text = plain(requirement).strip("\"' ")
        if self.owner and self._reference.search(text):
            return True
        text = re.sub(
            r"^(npm|github|gitlab|bitbucket|gist|jsr|pypi|pkg:\w+|hex|cargo):/*", "", text
        )
        scope, slash, rest = text.rpartition("/")
        is_own_scope = scope.startswith("@") or scope.partition("/")[0] == self.owner
        text = rest if slash and is_own_scope else text
        bare = re.split(r"[\s\[<>=!~;@:^]", text, maxsplit=1)[0]
        return self._is_own_name(bare)

    def _is_own_name(self, name: str) -> bool:
        normal = _normal(name)
        if normal in self.own_names:
            return True
        for prefix in _DISTRIBUTION_PREFIXES:
            for suffix in ("", *_DISTRIBUTION_SUFFIXES):
                if normal.startswith(prefix) and normal.endswith(suffix):
                    inner = normal[len(prefix) : len(normal) - len(suffix)]
                    if inner in self.own_names or inner == f"github-{self.owner}-{self.name}":
                        return True
        return any(
            normal.removesuffix(suffix) in self.own_names for suffix in _DISTRIBUTION_SUFFIXES
        )

    def has_own_word(self, text: str) -> bool:
        """Say whether one of the project's names stands as a word of its own in `text`."""
        words = _normal(re.sub(r"[^a-z0-9._-]+", " ", plain(text))).replace(".", "-")
        return self._own_word.search(words) is not None

    @cached_property
    def _own_word(self) -> re.Pattern[str]:
        names = "|".join(map(re.escape, sorted(self.own_names, key=len, reverse=True)))
        before = rf"(?:^|\s|python3?-|py3?-|node-|ruby-|{re.escape(self.owner or 'python')}-)"
        after = f"{_AFTER}|{re.escape(self.owner)}" if self.owner else _AFTER
        return re.compile(rf"{before}(?:{names}|(?!))(?:$|\s|-(?={after}))")


def plain(text: str) -> str:
    """Undo what hides a name: case, percent signs, entities, back-slashes, holes."""
    text = without_holes(text).replace("\\", "")
    for _ in range(2):
        text = unquote(text)
    return html.unescape(text).lower()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())
