"""The changes that a main line is made of: merged, squashed and rebased pull requests, and commits.

What history and messages alone rule out is refused here, with its reason; no tree is looked at.

    for change in iterate_changes(read_history(path), export, repo="pytoolz/toolz"):
        print(change)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from journeyman.tasks.mine.export import Export, Pull
from journeyman.tasks.mine.history import Commit, History, is_merge_of_main
from journeyman.tasks.mine.links import (
    cherry_picked_from,
    closed_issues,
    pull_number,
    reverted_commits,
)
from journeyman.tasks.mine.reasons import Refused

__all__ = ["Change", "iterate_changes"]

Shape = Literal["merge_commit", "squash_commit", "rebase_commits", "commit"]

_REVERT = re.compile(r"^(Revert\b|Back ?out\b|Backed out\b|revert(\([^)]*\))?!?:)", re.IGNORECASE)
_REVERTS_PULL = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?#(\d+)\s*$", re.MULTILINE)
_BACKPORT = re.compile(
    r"^(\[?(auto[- ]?)?back-?port|\[?cherry-?pick|\[v?\d+(\.\d+)+(\.x)?\]|\[v?\d+\.x\])"
    r"|\bback-?port(s|ed)? (of|pr|pull request|#\d)",
    re.IGNORECASE,
)
_BUMP = re.compile(
    r"^(\w+(\([^)]*\))?!?: *)?(bump|upgrade|update|pin)s?\b.*\bfrom v?\d[\w.]* to v?\d"
    r"|^(\w+(\([^)]*\))?!?: *)?(update|pin|bump) (dependenc|requirement|lock ?file|pre-commit)"
    r"|^(chore|build|fix)\(deps(-dev)?\)"
    r"|^\[pre-commit\.ci\]",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"^(dependabot|dependabot-preview|renovate|pyup|greenkeeper|snyk|depfu|pre-commit-ci|scala-steward)"
    r"([-_. ]?(bot|io|fix))?(\[bot\])?$",
    re.IGNORECASE,
)
_RELEASE = re.compile(
    r"^((chore\(release\)|release|version|prepare release|bump version|tag)\b[:\s]*"
    r"(to |version |for )*v?\d+(\.\d+)+\S*|v?\d+\.\d+(\.\d+)+)$",
    re.IGNORECASE,
)
_TOGETHER_S = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the main line: what it was before, what it is after, and the words on it."""

    shape: Shape
    base: str
    """The commit before it: the buggy state."""
    fixed: str
    """The commit after it."""
    commits: tuple[Commit, ...]
    """Of the main line, newest first; a merge's own branch is not among them."""
    number: int | None = None
    pull: Pull | None = None
    issues: tuple[int, ...] = ()
    """Issues that its words or its export say it closes; `links` knows the keywords."""

    @property
    def label(self) -> str:
        """Which change it is, for people."""
        number = f" #{self.number}" if self.number else ""
        tip = self.commits[0]
        # GitHub writes the title under the line that only names a branch.
        title = tip.body.partition("\n")[0] if self.shape == "merge_commit" else ""
        return f"{self.fixed[:10]}{number} {(title or tip.subject)[:60]}"

    @property
    def merged_at(self) -> int:
        """Unix time, seconds, at which it came to the main line."""
        return self.commits[0].committed_at


def iterate_changes(
    history: History, export: Export, *, repo: str = ""
) -> Iterator[Change | Refused]:
    """Yield every step of the main line, newest first, or why it is none to make a task of."""
    taken: set[str] = set()
    by_commit = export.by_commit()
    reverts = _Reverts(history)
    for commit in history.mainline():
        if commit.sha in taken:
            continue
        change = _step(history, commit, by_commit)
        if change is None:
            yield Refused(_why_no_step(history, commit), _label(commit), commit.committed_at)
            continue
        taken.update(one.sha for one in change.commits)
        change = _numbered(change, export, repo)
        reason = _why_refused(change, reverts)
        yield Refused(reason, change.label, change.merged_at) if reason else change


# --- shapes ------------------------------------------------------------------------------------


def _step(history: History, commit: Commit, by_commit: dict[str, Pull]) -> Change | None:
    """Return the step that ends with a commit; None where there is nothing before it to compare."""
    if commit.sha in history.shallow or not 1 <= len(commit.parents) <= 2:
        return None
    if len(commit.parents) == 2:
        if is_merge_of_main(commit):
            return None
        return Change("merge_commit", commit.parents[0], commit.sha, (commit,))
    pull = by_commit.get(commit.sha)
    line = _line(history, commit)
    if pull and len(pull.subjects) > 1:
        rebased = line[: len(pull.subjects)]
        if [one.subject for one in rebased] == list(reversed(pull.subjects)):
            return Change("rebase_commits", rebased[-1].parents[0], commit.sha, tuple(rebased))
    if pull or pull_number(commit.message):
        return Change("squash_commit", commit.parents[0], commit.sha, (commit,))
    together = _rebased_together(line)
    shape: Shape = "rebase_commits" if len(together) > 1 else "commit"
    return Change(shape, together[-1].parents[0], commit.sha, tuple(together))


def _line(history: History, commit: Commit, most: int = 100) -> list[Commit]:
    """Return a commit and those right before it, newest first, as long as none is a merge or a root."""
    found: list[Commit] = []
    current: Commit | None = commit
    while current and len(current.parents) == 1 and current.sha not in history.shallow:
        found.append(current)
        current = history.commits.get(current.parents[0]) if len(found) < most else None
    return found


def _rebased_together(line: list[Commit]) -> list[Commit]:
    """Return the commits that were put on the main line in one go, as a rebase does.

    They were written before, and committed in the same second, or by one author in the same moment.
    """
    found = line[:1]
    for newer, older in pairwise(line):
        apart_s = newer.committed_at - older.committed_at
        is_close = 0 <= apart_s <= (_TOGETHER_S if newer.email == older.email else 0)
        if not is_close or pull_number(older.message):
            break
        if newer.email != older.email and not (_was_rebased(newer) and _was_rebased(older)):
            break
        found.append(older)
    return found if any(map(_was_rebased, found)) else found[:1]


def _was_rebased(commit: Commit) -> bool:
    return commit.committed_at - commit.authored_at > _TOGETHER_S


def _why_no_step(history: History, commit: Commit) -> str:
    if commit.sha in history.shallow or not commit.parents:
        return "root"
    return "octopus" if len(commit.parents) > 2 else "merge_of_main"


def _numbered(change: Change, export: Export, repo: str) -> Change:
    """Add what the words say: the pull request's number, its export, the issues that it closes."""
    tip = change.commits[0]
    numbers = [number for one in change.commits if (number := pull_number(one.message))]
    pull = export.by_commit().get(tip.sha) if not numbers else export.pulls.get(numbers[0])
    number = pull.number if pull else next(iter(numbers), None)
    texts = [one.message for one in change.commits]
    if pull:
        texts += [pull.title, pull.body]
    told = (*(pull.issues if pull else ()), *closed_issues("\n".join(texts), repo))
    return Change(
        shape=change.shape,
        base=change.base,
        fixed=change.fixed,
        commits=change.commits,
        number=number,
        pull=pull,
        issues=tuple(dict.fromkeys(told)),
    )


def _label(commit: Commit) -> str:
    return f"{commit.sha[:10]} {commit.subject[:60]}"


# --- refusals ----------------------------------------------------------------------------------


class _Reverts:
    """What later commits took back, by commit and by pull request."""

    def __init__(self, history: History) -> None:
        self._prefixes: dict[str, list[str]] = {}
        self._numbers: set[int] = set()
        for commit in history.commits.values():
            for sha in reverted_commits(commit.message):
                self._prefixes.setdefault(sha[:7], []).append(sha)
            self._numbers.update(int(one) for one in _REVERTS_PULL.findall(commit.message))

    def has(self, change: Change) -> bool:
        """Tell whether a change or a part of it was taken back."""
        if change.number in self._numbers:
            return True
        return any(
            commit.sha.startswith(prefix)
            for commit in change.commits
            for prefix in self._prefixes.get(commit.sha[:7], ())
        )


def _why_refused(change: Change, reverts: _Reverts) -> str:
    titles = _titles(change)
    message = "\n".join(one.message for one in change.commits)
    if any(map(_REVERT.match, titles)) or reverted_commits(message):
        return "revert"
    if any(map(_BACKPORT.search, titles)) or cherry_picked_from(message):
        return "backport"
    if _is_by_bot(change) or any(map(_BUMP.search, titles)):
        return "dependency_bump"
    if any(_RELEASE.match(title.strip()) for title in titles):
        return "release"
    return "reverted" if reverts.has(change) else ""


def _is_by_bot(change: Change) -> bool:
    names = {name for one in change.commits for name in (one.author, one.email.partition("@")[0])}
    return any(_BOT.match(name.rpartition("+")[2]) for name in names)


def _titles(change: Change) -> list[str]:
    """Return the lines that say what the change is: GitHub's merge commits say it in their body."""
    tip = change.commits[0]
    titles = [one.subject for one in change.commits]
    if change.shape == "merge_commit":
        titles += [line for line in tip.body.split("\n")[:1] if line]
    return [*titles, *([change.pull.title] if change.pull else [])]
