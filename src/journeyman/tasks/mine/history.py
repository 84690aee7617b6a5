"""The commits of a repository, and those that made up its main line, newest first.

The main line is what `HEAD` was, step by step: first parents only. A merge of the main line into
someone's own work puts the true line on another parent, so both lines are followed there.

    history = read_history(Path("repository"))
    [commit.subject for commit in history.mainline()]
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.tasks.git import git
from journeyman.tasks.mine.plumbing import git_bytes

__all__ = ["Commit", "History", "is_long_lived", "is_merge_of_main", "read_history"]

_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
_NUM_FIELDS = 7

_LONG_LIVED = re.compile(
    r"(main|master|trunk|devel|develop|development|dev|default|next|staging"
    r"|(stable|release|releases|maint|maintenance)([-/_.].*)?"
    r"|v?\d+(\.\d+)*(\.x|-stable|-maint|-release)?)",
    re.IGNORECASE,
)
_MERGED_BRANCH = re.compile(
    r"^Merge (?:(?:remote-tracking )?branch(?:es)?|tag|commit) '?(?P<name>[^' ]+)'?"
    r"(?: of (?P<url>\S+))?(?: into (?P<target>\S+))?"
)
_MERGED_BARE = re.compile(r"^Merge (?P<name>[\w./-]+)(?: into (?P<target>[\w./-]+))?$")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, without its tree."""

    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    authored_at: int
    """Unix time, seconds."""
    committed_at: int
    """Unix time, seconds: when it was put where it is, e.g. by a rebase."""
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def body(self) -> str:
        """The message without its first line."""
        return self.message.partition("\n")[2].strip()


@dataclass(frozen=True)
class History:
    """All commits that can be reached from `HEAD`."""

    repository: Path
    head: str
    commits: Mapping[str, Commit]
    shallow: frozenset[str]
    """Commits whose parents were left out when the repository was cloned."""

    def mainline(self) -> Iterator[Commit]:
        """Yield the commits of the main line, newest first; the order follows from history alone."""
        waiting: list[tuple[int, str]] = []
        seen: set[str] = set()

        def add(sha: str) -> None:
            if sha in self.commits and sha not in seen:
                seen.add(sha)
                heapq.heappush(waiting, (-self.commits[sha].committed_at, sha))

        add(self.head)
        while waiting:
            commit = self.commits[heapq.heappop(waiting)[1]]
            yield commit
            followed = commit.parents if is_merge_of_main(commit) else commit.parents[:1]
            for parent in followed:
                add(parent)


def read_history(repository: Path, head: str = "HEAD") -> History:
    """Read every commit that can be reached from `head`.

    Raises `JourneymanError` where there is no such commit or history is damaged.
    """
    sha = git(repository, "rev-parse", "--verify", f"{head}^{{commit}}")
    raw = git_bytes(repository, "log", "-z", f"--format={_FIELDS}", "--no-show-signature", sha)
    text = raw.decode("utf-8", "replace")
    parts = text.split("\0")
    if parts and not parts[-1]:
        parts.pop()
    if len(parts) % _NUM_FIELDS:
        raise JourneymanError(
            f"cannot read the history of {repository}", f"git -C {repository} fsck"
        )
    rows = zip(*[iter(parts)] * _NUM_FIELDS, strict=True)
    commits = [_commit(row) for row in rows]
    return History(
        repository=repository,
        head=sha,
        commits={commit.sha: commit for commit in commits},
        shallow=_shallow(repository),
    )


def _commit(row: tuple[str, ...]) -> Commit:
    sha, parents, author, email, authored_at, committed_at, message = row
    return Commit(
        sha=sha.strip(),
        parents=tuple(parents.split()),
        author=author,
        email=email,
        authored_at=int(authored_at or 0),
        committed_at=int(committed_at or 0),
        message=message.strip(),
    )


def _shallow(repository: Path) -> frozenset[str]:
    place = Path(repository, git(repository, "rev-parse", "--git-path", "shallow"))
    return frozenset(place.read_text().split()) if place.is_file() else frozenset()


def is_long_lived(branch: str) -> bool:
    """Tell whether a branch is one that others are merged into, by its name.

    >>> is_long_lived("origin/main"), is_long_lived("fix-rounding")
    (True, False)
    """
    name = re.sub(r"^(refs/(heads|remotes)/)?((origin|upstream)/)?", "", branch)
    return bool(_LONG_LIVED.fullmatch(name))


def is_merge_of_main(commit: Commit) -> bool:
    """Tell whether a merge brings a long-lived branch into something else, not work into it."""
    if len(commit.parents) != 2:
        return False
    found = _MERGED_BRANCH.match(commit.subject) or _MERGED_BARE.match(commit.subject)
    return bool(found) and is_long_lived(found["name"]) if found else False
